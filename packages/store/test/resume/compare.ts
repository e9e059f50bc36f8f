/** Compares decisions with the oracle, over random worlds. */
import { isDeepStrictEqual } from 'node:util';
import type { decide } from '../../src/resume/decide.ts';
import type { Decision } from '../../src/resume/decision.ts';
import { type Effects, oracle } from './oracle.ts';
import { worldOf } from './world.ts';

/** A world in which a decision is not that of the oracle. */
export interface Difference {
  readonly seed: number;
  readonly path: string;
  readonly row: number | undefined;
  readonly decided: Effects | undefined;
  readonly expected: Effects | undefined;
}

/** The first difference among so many worlds; undefined where there is none. */
export function firstDifference(
  decideWith: typeof decide,
  firstSeed: number,
  count: number,
): Difference | undefined {
  for (let seed = firstSeed; seed < firstSeed + count; seed++) {
    const found = differenceIn(decideWith, seed);
    if (found !== undefined) return found;
  }
  return undefined;
}

function differenceIn(decideWith: typeof decide, seed: number): Difference | undefined {
  const world = worldOf(seed);
  const decisions = new Map(
    decideWith(world.records, world.suite, world.mode).map((decision) => [decision.path, decision]),
  );
  const expected = oracle(world);
  for (const path of new Set([...decisions.keys(), ...expected.keys()])) {
    const decision = decisions.get(path);
    const decided = decision && effectsOf(decision);
    if (!isDeepStrictEqual(decided, expected.get(path)))
      return { seed, path, row: decision?.row, decided, expected: expected.get(path) };
  }
  return undefined;
}

function effectsOf({ path: _path, row: _row, reason: _reason, ...effects }: Decision): Effects {
  return effects;
}
