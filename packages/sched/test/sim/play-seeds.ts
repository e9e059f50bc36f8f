/** The command line of a simulation: `[--from S] [--seeds N] [--most N]` plays many seeds and prints those that break a rule, `--seed S` shows one. */
import { parseArgs } from 'node:util';

/** What is drawn of a seed, and what is wrong with its play, if anything. */
export interface Simulation<Scenario> {
  readonly draw: (seed: number) => Scenario;
  readonly play: (scenario: Scenario, log?: (line: string) => void) => string | undefined;
}

/** Plays what the command line asks for. The exit code is 1 where a rule was broken. */
export function playSeeds<Scenario>({ draw, play }: Simulation<Scenario>): void {
  const { values } = parseArgs({
    options: {
      from: { type: 'string', default: '1' },
      seeds: { type: 'string', default: '5000' },
      seed: { type: 'string' },
      most: { type: 'string', default: '5' },
    },
  });
  if (values.seed !== undefined) {
    const scenario = draw(Number(values.seed));
    console.log(JSON.stringify(scenario, undefined, 1));
    console.log(play(scenario, console.log) ?? 'no violation');
    return;
  }
  let violations = 0;
  const from = Number(values.from);
  for (let seed = from; seed < from + Number(values.seeds) && violations < Number(values.most); seed++) {
    const wrong = play(draw(seed));
    if (wrong === undefined) continue;
    violations++;
    console.log(`seed ${seed}: ${wrong}`);
  }
  console.log(`${violations} violations`);
  process.exitCode = violations > 0 ? 1 : 0;
}
