/** Random steps of random holders, against an oracle that compares every task with every other. */
import fc from 'fast-check';
import { test } from 'vitest';
import type { Request } from './oracle.ts';
import { ACTIONS, PATHS, POOLS, SideBySide } from './side-by-side.ts';

/** Few resources for many holders, so that queues get long. */
const FEW = ['/c', '/a/x'];

const requestsFor = (paths: readonly string[]): fc.Arbitrary<Request> =>
  fc
    .record({
      uses: fc.uniqueArray(fc.constantFrom(...paths), { maxLength: 3 }),
      claims: fc.uniqueArray(fc.constantFrom(...paths), { maxLength: 2 }),
      amounts: fc.uniqueArray(fc.tuple(fc.constantFrom('/m', '/a/x'), fc.integer({ min: 1, max: 2 })), {
        maxLength: 1,
        selector: ([name]) => name,
      }),
      exclusive: fc.oneof(
        { arbitrary: fc.constant(false), weight: 15 },
        { arbitrary: fc.constant(true), weight: 1 },
      ),
    })
    .map((request) => (request.exclusive ? { ...request, uses: [], claims: [], amounts: [] } : request));

const stepsFor = (paths: readonly string[]) =>
  fc.array(
    fc.oneof(
      fc.record({
        kind: fc.constant('add' as const),
        request: requestsFor(paths),
        priority: fc.integer({ min: 0, max: 2 }),
        rank: fc.integer({ min: 0, max: 3 }),
        pool: fc.nat({ max: POOLS - 1 }),
        parks: fc.boolean(),
      }),
      fc.record({ kind: fc.constantFrom(...ACTIONS), pick: fc.nat(), rank: fc.integer({ min: 0, max: 3 }) }),
    ),
    { maxLength: 80, size: 'max' },
  );

const steps = fc.oneof(stepsFor(PATHS), stepsFor(FEW));

/** PEXEN_LOCK_RUNS for more of them. */
const numRuns = Number(process.env.PEXEN_LOCK_RUNS ?? 300);

test('the table does what the oracle says', { timeout: 600_000 }, () => {
  fc.assert(
    fc.property(steps, fc.constantFrom(1, 2, 5, 64), fc.constantFrom(1, 2, 3, 512), (all, ...limits) => {
      const both = new SideBySide(...limits);
      for (const step of all) {
        if (step.kind === 'add') both.add(step.request, step.priority, step.rank, step.pool, step.parks);
        else both.act(step.kind, step.pick, step.rank);
        both.check();
      }
    }),
    { numRuns },
  );
});
