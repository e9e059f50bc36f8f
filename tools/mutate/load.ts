/**
 * Loads the tests that mutants of lock table, plan and machine have to fail, from the folder that Stryker has made: fast ones only, the
 * fastest first. Does not know which mutant is awake.
 */
import { registerHooks } from 'node:module';
import { pathToFileURL } from 'node:url';
import fc from 'fast-check';
import { collect, type Test } from './collect.ts';

const files: readonly string[] = [
  'lock/test/lock-table.test.ts',
  'lock/test/corners.test.ts',
  'sched/test/scenarios.test.ts',
  'sched/test/returned-unstarted.test.ts',
  'sched/test/values-in-order.test.ts',
  'sched/test/all-problems.test.ts',
  'sched/test/plan.test.ts',
  'lock/test/locks.test.ts',
  'sched/test/run.test.ts',
  'sched/test/break-down.test.ts',
  'sched/test/tear-down-values.test.ts',
  'sched/test/seed.test.ts',
  'sched/test/process-results.test.ts',
  'sched/test/simulation.test.ts',
  'lock/test/table.property.test.ts',
];

/** Too slow to be run for every mutant; the seeds below are in their place. */
const slow: ReadonlySet<string> = new Set([
  'results > a long chain of skips does not overflow the stack',
  'results > a task that a thousand others wait for costs no stack',
  'many seeds break no rule',
  'many seeds with services break no rule',
  'many seeds with nodes break no rule',
  'many seeds that set up nodes break no rule',
  'many seeds that need resources of nodes break no rule',
  'many seeds with durations on nodes break no rule',
  'many seeds with other runs break no rule',
  'small cases break no rule',
  'a scenario that is all right is not shrunk',
]);

/** So many seeds of the simulator, in tests of so many each: more of them find more. */
const seeds = Number(process.env.PEXEN_SEEDS ?? 200);
const perTest = 10;

/** Few runs of properties, always the same ones, and failures as they are found: seconds are dear here. */
process.env.PEXEN_LOCK_RUNS ??= '60';
fc.configureGlobal({ seed: 1, endOnFailure: true });

interface Tally {
  readonly violations: readonly { readonly seed: number; readonly what: string }[];
}

let generation = 0;

/** Loads sources and tests again, regardless of what was loaded before. */
export async function load(home: string): Promise<readonly Test[]> {
  const base = pathToFileURL(`${home}/packages/`).href;
  const query = `?${++generation}`;
  const hooks = registerHooks({
    resolve(specifier, context, next) {
      if (!context.parentURL?.startsWith(base)) return next(specifier, context);
      if (specifier === 'vitest') return next(new URL('collect.ts', import.meta.url).href, context);
      if (specifier.startsWith('#'))
        return next(new URL(`../${specifier.slice(1)}.ts`, import.meta.url).href, context);
      const [, member, file = 'index'] = /^@pexen\/([\w-]+)(?:\/([\w-]+))?$/.exec(specifier) ?? [];
      const found = next(member === undefined ? specifier : `${base}${member}/src/${file}.ts`, context);
      return found.url.startsWith(base) ? { ...found, url: found.url.split('?')[0] + query } : found;
    },
  });
  const tests = await collect(async () => {
    for (const file of files) await import(base + file + query);
  });
  const { playMany } = await import(`${base}sched/test/sim/play-many.ts${query}`);
  hooks.deregister();
  return [...tests.filter(({ name }) => !slow.has(name)), ...simulations(playMany)];
}

function simulations(playMany: (from: number, count: number, most: number) => Tally): Test[] {
  return Array.from({ length: Math.ceil(seeds / perTest) }, (_, at) => ({
    name: `seeds from ${1 + at * perTest} on`,
    body: () => {
      const [found] = playMany(1 + at * perTest, perTest, 1).violations;
      if (found !== undefined) throw new Error(`seed ${found.seed}: ${found.what}`);
    },
  }));
}
