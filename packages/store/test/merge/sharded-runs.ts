/** Random suites of real tasks, run as a whole and in shards, and what is recorded of these runs. The same seed gives the same suite on each machine. */
import {
  type AnyBodyContext,
  anyOf,
  atLeast,
  type Body,
  type Capability,
  every,
  isPexenError,
  type Requirement,
  type Runnable,
  TaskFailError,
  type TaskMeta,
  task,
} from '@pexen/core';
import { systemClock } from '@pexen/core/timers';
import { inline, type Plan, plan, run } from '@pexen/sched';
import {
  type JournalEvent,
  type MergedTask,
  memoryJournal,
  type Partition,
  partition,
  type ReportedResult,
  type RunReport,
  runReportOf,
} from '../../src/index.ts';
import { RunRecorder } from '../../src/run/recorder.ts';
import { Random } from '../resume/random.ts';

const outcomes = ['returns', 'returns', 'returns', 'fails', 'throws', 'skips', 'flaky', 'finds'] as const;
type Outcome = (typeof outcomes)[number];

/** How a task ends: the same on each machine. */
function bodyOf(outcome: Outcome, number: number): Body {
  return ({ attempt, report, skip }: AnyBodyContext) => {
    switch (outcome) {
      case 'returns':
        return number;
      case 'fails':
        throw new TaskFailError(`check ${number} failed`, { depsOk: number % 2 === 0 });
      case 'throws':
        throw new Error(`unexpected ${number}`);
      case 'skips':
        return skip(`${number} is not for this machine`);
      case 'flaky':
        if (attempt === 1) throw new TaskFailError(`${number} failed at first`);
        return number;
      case 'finds':
        report({ name: 'first', status: 'pass' });
        report({ name: 'second', status: number % 2 === 0 ? 'fail' : 'warn', data: { number } });
        return number;
      default:
        return outcome satisfies never;
    }
  };
}

const resources = ['/srv/db', '/srv/db/users', 'cpu'];
/** Tasks of one block share capabilities, and require only those of earlier blocks: there is no cycle. */
const block = 5;

/** The tasks of a suite, in the order of declaration. */
export function suiteOf(seed: number): Runnable[] {
  const random = new Random(seed);
  const count = 3 + random.below(22);
  const tasks: Runnable[] = [];
  let known: Capability[] = [];
  let added: Capability[] = [];
  for (let number = 0; number < count; number++) {
    if (number % block === 0) [known, added] = [[...known, ...added], []];
    const { isLast, ...meta } = metaOf(random, number, known);
    const made = task(meta, bodyOf(outcomeOf(random, meta), number) as () => unknown);
    tasks.push(made);
    if (!isLast) added.push(made, ...(meta.provides ?? []));
  }
  return tasks;
}

/** `isLast`: nothing may require it, since it waits for tasks that may be declared later. */
function metaOf(
  random: Random,
  number: number,
  known: readonly Capability[],
): TaskMeta & { isLast: boolean } {
  const some = (): Capability[] => Array.from({ length: 1 + random.below(2) }, () => random.oneOf(known));
  const isTeardown = known.length > 0 && random.chance(0.12);
  const isSalvage = known.length > 0 && !isTeardown && random.chance(0.1);
  return {
    // Siblings share a name, and are told apart by their places.
    ...(random.chance(0.9) && { name: `${random.oneOf(['a', 'b'])}${number}` }),
    ...(known.length > 0 && !isTeardown && random.chance(0.5) && { requires: requirements(random, some()) }),
    ...(!isTeardown &&
      !isSalvage &&
      random.chance(0.35) && { provides: [`cap${random.below(2)}-${Math.floor(number / block)}`] }),
    ...(known.length > 0 && !isTeardown && random.chance(0.2) && { after: some() }),
    ...(isTeardown && { tearsDown: some() }),
    ...(isSalvage && { salvages: some() }),
    ...(random.chance(0.3) && { uses: [random.oneOf(resources)] }),
    ...(random.chance(0.1) && { claims: ['disk'] }),
    ...(random.chance(0.1) && { rerunnable: false }),
    ...(random.chance(0.05) && { exclusive: true }),
    ...(random.chance(0.07) && { when: 'not here' }),
    ...(random.chance(0.7) && { weight: 2 ** random.below(10) }),
    ...(random.chance(0.2) && { retries: 1 }),
    isLast: isTeardown || isSalvage,
  };
}

function requirements(random: Random, some: readonly Capability[]): readonly Requirement[] {
  switch (random.below(4)) {
    case 0:
      return [anyOf(...some)];
    case 1:
      return [every(...some)];
    case 2:
      return [atLeast(1, ...some)];
    default:
      return some;
  }
}

/** A task that throws leaves what it holds in an unknown state, which only tasks of its own machine notice: such a task holds nothing here. */
function outcomeOf(random: Random, { uses, claims, retries }: TaskMeta): Outcome {
  const outcome = random.oneOf(outcomes);
  const holds = (uses ?? claims) !== undefined;
  if (outcome === 'throws' && holds) return 'fails';
  return outcome === 'flaky' && retries === undefined ? 'returns' : outcome;
}

/** One part of a suite. */
export interface ShardOfTest {
  readonly index: number;
  readonly count: number;
}

/** False for the few suites in which teardowns wait for each other. */
export function isPossible(tasks: Iterable<Runnable>): boolean {
  try {
    plan(tasks);
    return true;
  } catch (error) {
    if (isPexenError(error) && error.problems.every(({ code }) => code === 'PEXEN_CYCLE')) return false;
    throw error;
  }
}

let runs = 0;

/** An id of a run: a UUID of version 7, later ones greater. */
function nextRunId(): string {
  return `0198c0de-0000-7000-8000-${String(++runs).padStart(12, '0')}`;
}

/** Runs the suite, or a shard of it, to the end, and returns what its journal says. */
export async function reportOf(tasks: Iterable<Runnable>, shard?: ShardOfTest): Promise<RunReport> {
  const whole = plan(tasks, { defaults: { rerunnable: true }, pool: inline({ concurrency: 3 }) });
  if (shard === undefined) return recorded(whole, {});
  const parts = partition(whole.describe('/'), {
    ...{ count: shard.count, workers: 2, sharedResources: ['/srv/db'] },
  });
  return recorded(
    whole.select(({ path }) => parts.tasks.get(path)?.shard === shard.index),
    descriptionOf(shard, parts),
  );
}

type Created = Extract<JournalEvent, { readonly type: 'run-created' }>;

function descriptionOf({ index, count }: ShardOfTest, { shards, digest }: Partition): Partial<Created> {
  return { shard: `${index}/${count}`, shardPaths: shards.map(({ owned }) => owned), planDigest: digest };
}

async function recorded(planned: Plan, description: Partial<Created>): Promise<RunReport> {
  const runId = nextRunId();
  const journal = memoryJournal({ runId });
  const created: Created = { type: 'run-created', versions: {}, ...description };
  const started = {
    type: 'session-started',
    wallMs: 1_000,
    pid: 1,
    host: 'here',
    argv: [],
    mode: 'run',
  } as const;
  const recorder = new RunRecorder({
    ...{ journal, entries: [], health: 'whole', mode: { kind: 'resume' }, clock: systemClock },
    ...{ startedAt: 1_000, boot: 'one', opening: [created, started] },
  });
  for await (const _ of run(planned, { journal: recorder }));
  recorder.end({ exitCode: 0, isResumable: false });
  const { entries } = journal.read();
  const report = runReportOf({ entries, verdict: { kind: 'whole' }, runId, unrecordedStarts: false });
  if (report === undefined) throw new Error('the journal does not say which run it is of');
  return report;
}

/**
 * What a user sees of the tasks: everything but times, workers and the order of declaration. Of several providers that failed, a skipped task names the
 * one that failed first, which may differ between two runs of one machine.
 */
export function seenOf(tasks: readonly Omit<MergedTask, 'id'>[]): Record<string, unknown> {
  return Object.fromEntries(
    tasks.map(({ info, result, missing }) => [info.path, result ? seen(result) : missing]),
  );
}

function seen({ status, judgement, findings, flaky, attempts }: ReportedResult): object {
  if (status === 'skipped') return { status, verdict: judgement.verdict };
  const ended = attempts.map(({ outcome, error, reason }) => ({ outcome, message: error?.message, reason }));
  return { status, judgement, findings, flaky, ended };
}
