/** Plays a range of seeds and counts. */
import { simulate } from './simulate.ts';

export interface Tally {
  seeds: number;
  refused: number;
  /** Batches of facts. */
  steps: number;
  readonly violations: { readonly seed: number; readonly what: string }[];
}

/** How often two runs of one seed are compared. */
const everyTwice = 50;

/** Plays `count` seeds from `from` on, and stops after `most` that break a rule. */
export function playMany(from: number, count: number, most: number): Tally {
  const tally: Tally = { seeds: 0, refused: 0, steps: 0, violations: [] };
  for (let seed = from; seed < from + count && tally.violations.length < most; seed++) {
    const played = simulate(seed);
    tally.seeds++;
    tally.steps += played.steps;
    if (played.isRefused) tally.refused++;
    if (played.violation !== undefined) tally.violations.push({ seed, what: played.violation });
    else if (seed % everyTwice === 0 && simulate(seed).trace !== played.trace)
      tally.violations.push({ seed, what: 'two runs of one seed differ' });
  }
  return tally;
}
