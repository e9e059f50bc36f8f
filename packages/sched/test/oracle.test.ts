/** `run` compared with a scheduler written differently: the same ends, and with one worker the same order. */
import {
  anyOf,
  atLeast,
  every,
  type PlainFunction,
  type Requirement,
  TaskFailError,
  withMeta,
} from '@pexen/core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { inline, plan, run } from '../src/index.ts';
import { type Deed, type Job, type Need, oracle } from './oracle/oracle.ts';

const mostJobs = 9;
const capabilities = ['a', 'b', 'c', 'd'];
const resources = ['/r', '/r/s', '/r/s/t', '/u', 'v'];
/** More on demand: `PEXEN_RUNS=100000 vitest run --project sched oracle`. */
const numRuns = Number(process.env.PEXEN_RUNS ?? 1_000);

/** Capability n is provided before its cut only and required after it only, and indexes refer to earlier jobs: there are never cycles. */
const someJobs = fc
  .record({
    size: fc.integer({ min: 1, max: mostJobs }),
    cuts: fc.array(fc.nat(mostJobs), { minLength: 4, maxLength: 4 }),
  })
  .chain(({ size, cuts }) =>
    fc.tuple(...Array.from({ length: size }, (_, at) => someJob(at, size, cuts))).map(onlyWhatIsGiven),
  );

function someJob(at: number, size: number, cuts: readonly number[]): fc.Arbitrary<Job> {
  const earlier = range(0, at);
  const open = capabilities.filter((_, nth) => at < (cuts[nth] as number));
  const closed = capabilities.filter((_, nth) => at >= (cuts[nth] as number));
  const few = <T>(from: readonly T[], most: number) =>
    fc.subarray([...from], { maxLength: Math.min(most, from.length) });
  const need = fc.record({
    form: fc.constantFrom<Need['form']>('one', 'any-of', 'every', 'at-least'),
    of: few([...closed, ...earlier.map((place) => `#${place}`)], 3),
    count: fc.integer({ min: 1, max: 2 }),
  });
  return fc
    .record({
      needs: fc.array(need, { maxLength: 2 }),
      gives: few(open, 2),
      after: few(earlier, 1),
      before: few(range(at + 1, size), 1),
      salvages: fc.oneof(
        { weight: 5, arbitrary: fc.constant([]) },
        { weight: 1, arbitrary: few(earlier, 2) },
      ),
      uses: few(resources, 2),
      claims: few(resources, 1),
      priority: fc.integer({ min: -1, max: 1 }),
      weight: fc.integer({ min: 1, max: 9 }),
      applies: fc.oneof(
        { weight: 9, arbitrary: fc.constant(true) },
        { weight: 1, arbitrary: fc.constant(false) },
      ),
      deed: someDeed,
    })
    .map((job) => ({ ...job, uses: job.uses.filter((resource) => !job.claims.includes(resource)) }));
}

const someDeed: fc.Arbitrary<Deed> = fc.oneof(
  { weight: 5, arbitrary: fc.constant<Deed>({ does: 'returns' }) },
  { weight: 1, arbitrary: fc.constant<Deed>({ does: 'throws' }) },
  { weight: 1, arbitrary: fc.constant<Deed>({ does: 'skips' }) },
  {
    weight: 2,
    arbitrary: fc.record({
      does: fc.constant('fails' as const),
      depsOk: fc.boolean(),
      locksOk: fc.boolean(),
    }),
  },
);

/** Removes requirements that cannot be met, and adds a teardown for some capability that is provided. */
function onlyWhatIsGiven(jobs: readonly Job[]): Job[] {
  const canBeMet = (at: number, { form, of, count }: Need): boolean => {
    const giving = (name: string) =>
      jobs.flatMap((job, other) => (job.gives.includes(name) || name === `#${other}` ? [other] : []));
    const others = new Set(of.flatMap(giving).filter((other) => other !== at));
    if (form === 'every')
      return of.length > 0 && of.every((name) => giving(name).some((other) => other !== at));
    return others.size >= (form === 'at-least' ? count : 1);
  };
  return jobs.map((job, at) => ({
    ...job,
    needs: job.needs.map(single).filter((need) => canBeMet(at, need)),
  }));
}

function single(need: Need): Need {
  return need.form === 'one' ? { ...need, of: need.of.slice(0, 1) } : need;
}

function range(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from) }, (_, at) => from + at);
}

function tasksOf(jobs: readonly Job[], started: number[]): PlainFunction[] {
  const bodies = jobs.map(
    ({ deed }, at): PlainFunction =>
      (context) => {
        started.push(at);
        if (deed.does === 'skips') context.skip('not here');
        if (deed.does === 'throws') throw new Error('broken');
        if (deed.does === 'fails')
          throw new TaskFailError('failed', { depsOk: deed.depsOk, locksOk: deed.locksOk });
      },
  );
  const named = (name: string) =>
    name.startsWith('#') ? (bodies[Number(name.slice(1))] as PlainFunction) : name;
  const placed = (places: readonly number[]) => places.map((place) => bodies[place] as PlainFunction);
  const requirement = ({ form, of, count }: Need): Requirement => {
    const capabilitiesOf = of.map(named);
    if (form === 'one') return capabilitiesOf[0] as Requirement;
    if (form === 'any-of') return anyOf(...capabilitiesOf);
    return form === 'every' ? every(...capabilitiesOf) : atLeast(count, ...capabilitiesOf);
  };
  for (const [at, { needs, gives, after, before, salvages, tearsDown, applies, ...job }] of jobs.entries())
    withMeta(bodies[at] as PlainFunction, {
      ...{ name: `t${at}`, requires: needs.map(requirement), provides: gives },
      ...{ after: placed(after), before: placed(before), uses: job.uses, claims: job.claims },
      ...(salvages.length > 0 && { salvages: placed(salvages) }),
      ...(tearsDown !== undefined && { tearsDown }),
      ...{ priority: job.priority, weight: job.weight, when: applies },
    });
  return bodies;
}

/** Without alternatives that no job provides: the plan of the whole would include their providers. */
function withoutUnknown(jobs: readonly Job[]): Job[] {
  const unknown = unknownNames(jobs);
  const known = (need: Need): Need => ({ ...need, of: need.of.filter((name) => !unknown.includes(name)) });
  return jobs.map((job) => ({ ...job, needs: job.needs.map(known) }));
}

/** What teardowns name and no job provides. */
function unknownNames(jobs: readonly Job[]): string[] {
  const given = new Set(jobs.flatMap(({ gives }) => gives));
  const torn = jobs.flatMap(({ tearsDown }) => tearsDown ?? []);
  return [...new Set(torn)].filter((name) => !given.has(name));
}

async function ran(
  jobs: readonly Job[],
  concurrency: number,
): Promise<{ statuses: string[]; order: number[] }> {
  const order: number[] = [];
  const statuses: string[] = [];
  const unknown = unknownNames(jobs);
  const tasks = tasksOf(jobs, order);
  // Part of a whole that also provides what the teardowns name.
  const rest = withMeta(() => {}, { name: 'rest', provides: unknown });
  const whole = plan([...tasks, rest], { pool: inline({ concurrency }) });
  for await (const result of run(whole.select(({ path }) => path !== 'rest')))
    statuses[tasks.indexOf(result.task as PlainFunction)] = result.status;
  return { statuses, order };
}

test('with one worker all ends and the order of starts equal those of the oracle', {
  timeout: 600_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(someJobs.map(withoutUnknown), async (jobs) => {
      expect(await ran(jobs, 1)).toEqual(oracle(jobs));
    }),
    { numRuns },
  );
});

test('a capability is torn down when no task needs it any more, as in the oracle', {
  timeout: 600_000,
}, async () => {
  const withTeardown = fc
    .tuple(
      someJobs,
      fc.uniqueArray(fc.constantFrom(...capabilities), { minLength: 1, maxLength: 2 }),
      someDeed,
    )
    .map(([jobs, tearsDown, deed]) => {
      const plain = { needs: [], gives: [], after: [], before: [], salvages: [], uses: [], claims: ['/r'] };
      return [...jobs, { ...plain, tearsDown, priority: -1, weight: 1, applies: true, deed } as Job];
    });
  await fc.assert(
    fc.asyncProperty(withTeardown.map(withoutUnknown), async (jobs) => {
      expect(await ran(jobs, 1)).toEqual(oracle(jobs));
    }),
    { numRuns },
  );
});

test('several workers change nothing about ends where nothing poisons', { timeout: 600_000 }, async () => {
  const harmless = someJobs.map((jobs) => jobs.map((job) => ({ ...job, uses: [], claims: [] })));
  await fc.assert(
    fc.asyncProperty(harmless.map(withoutUnknown), async (jobs) => {
      expect((await ran(jobs, 4)).statuses).toEqual(oracle(jobs).statuses);
    }),
    { numRuns },
  );
});
