/** Runs in which every text and number is hostile: names, messages, outputs, places, times. */
import {
  type Finding,
  formatCallPath,
  type OutcomeKind,
  type RunEvent,
  runEventVersion,
  type TaskFinished,
  type TaskInfo,
  type TaskSkipped,
  type TaskUpdateEvent,
  type Verdict,
} from '@pexen/core';
import fc from 'fast-check';
import { taskInfo } from '../src/conformance/run-script.ts';
import { hostile } from './hostile.ts';

const statuses: readonly Finding['status'][] = ['pass', 'fail', 'warn', 'skip', 'todo', 'info'];
const kinds: readonly OutcomeKind[] = [
  ...([
    'returned',
    'failed',
    'threw',
    'skipped-itself',
    'timed-out',
    'cancelled',
    'crashed',
    'lost',
  ] as const),
];
const verdicts: readonly Verdict[] = [
  ...([
    'pass',
    'warn',
    'fail',
    'error',
    'timeout',
    'crashed',
    'skip',
    'expected-fail',
    'flaky',
    'cancelled',
  ] as const),
];

const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined });
const odd = fc.oneof(fc.integer(), fc.double(), fc.constantFrom(0, -1, Number.NaN, Infinity, 1e300));
const output = fc.record({ head: hostile, tail: hostile, totalBytes: fc.nat() });
const leafError = fc.record(
  { name: hostile, message: hostile, stack: hostile },
  { requiredKeys: ['name', 'message'] },
);
const error = fc.record(
  { name: hostile, message: hostile, stack: hostile, cause: leafError },
  { requiredKeys: ['name', 'message'] },
);
const finding = fc.record(
  {
    name: hostile,
    status: fc.constantFrom(...statuses),
    message: hostile,
    data: fc.oneof(hostile, fc.jsonValue(), fc.constant(10n)),
    location: fc.record({ file: hostile, line: fc.integer() }, { requiredKeys: ['file'] }),
    durationMs: odd,
  },
  { requiredKeys: ['name', 'status'] },
);
const attempt = fc.record(
  {
    ...{
      attempt: fc.nat(),
      outcome: fc.constantFrom(...kinds),
      // Few workers and short times, so that attempts of one worker overlap.
      worker: fc.oneof(hostile, fc.constantFrom('w1', 'w2')),
      startedAtMs: fc.oneof(odd, fc.integer({ min: 0, max: 50 })),
      durationMs: fc.oneof(odd, fc.integer({ min: 0, max: 50 })),
      readyAfterMs: maybe(odd),
    },
    ...{ error, reason: hostile, stdout: output, stderr: output },
  },
  { requiredKeys: ['attempt', 'outcome', 'worker', 'startedAtMs', 'durationMs'] },
);
const judgement = fc.record(
  { verdict: fc.constantFrom(...verdicts), reason: hostile },
  { requiredKeys: ['verdict'] },
);
const callPath = fc.array(hostile, { minLength: 1, maxLength: 4 });
const attachment = fc.record({ name: hostile, file: hostile, text: hostile }, { requiredKeys: ['name'] });

const finished = fc
  .record({
    callPath,
    judgement: maybe(judgement),
    findings: fc.array(finding, { maxLength: 3 }),
    durationMs: odd,
  })
  .chain((facts) =>
    fc.record({
      facts: fc.constant(facts),
      status: fc.constantFrom(...kinds),
      attempts: fc.array(attempt, { maxLength: 3 }),
      kept: fc.array(attachment, { maxLength: 2 }),
    }),
  );
const skipped = fc.record({
  callPath,
  judgement: maybe(judgement),
  reason: fc.array(fc.record({ task: hostile, why: hostile }), { maxLength: 3 }),
});
const resource = fc.oneof(hostile, fc.constantFrom('/', '/a', '/a/b', '/a/b/c', 'memory'));
const info = fc.record(
  {
    location: fc.record({ file: hostile, line: fc.nat() }, { requiredKeys: ['file'] }),
    tags: fc.array(hostile, { maxLength: 2 }),
    claims: fc.array(resource, { maxLength: 2 }),
    uses: fc.array(fc.record({ resource, count: fc.nat() }, { requiredKeys: ['resource'] }), {
      maxLength: 2,
    }),
    service: fc.constant(true as const),
    exclusive: fc.constant(true as const),
    after: fc.array(hostile, { maxLength: 1 }),
    provides: fc.array(hostile, { maxLength: 1 }),
  },
  { requiredKeys: [] },
);

/** A run as data. */
export const hostileRun = fc.record({
  startedAt: odd,
  ended: maybe(
    fc.record({ reason: hostile, poisoned: fc.array(hostile, { maxLength: 2 }) }, { requiredKeys: [] }),
  ),
  properties: fc.dictionary(hostile, hostile, { maxKeys: 2 }),
  name: maybe(hostile),
  finished: fc.array(finished, { maxLength: 30 }),
  skipped: fc.array(skipped, { maxLength: 5 }),
  open: fc.array(callPath, { maxLength: 3 }),
  late: fc.array(
    fc.record({ worker: hostile, tasks: fc.array(hostile, { maxLength: 2 }), error: leafError }),
    { maxLength: 2 },
  ),
  /** Of the tasks that ended, in their order. */
  infos: fc.array(info, { maxLength: 30 }),
});
export type HostileRun = typeof hostileRun extends fc.Arbitrary<infer T> ? T : never;

/** The run as events and updates, in order, with the results that it has. */
export interface HostileEvents {
  readonly entries: readonly ({ readonly event: RunEvent } | { readonly update: TaskUpdateEvent })[];
  readonly ends: readonly (TaskFinished | TaskSkipped)[];
  /** How many tasks have no result. */
  readonly open: number;
}

export function eventsOf(run: HostileRun): HostileEvents {
  const ends = [...run.finished.map(finishedEvent), ...run.skipped.map(skippedEvent)];
  const open = run.open.map((callPath, index) =>
    taskInfo({ path: pathOf(callPath, `open ${index}`), callPath }),
  );
  const infos = ends.map(({ path, callPath }, index) => ({
    ...taskInfo({ path, callPath, id: index }),
    ...defined(run.infos[index] ?? {}),
  }));
  const { startedAt } = run;
  const entries: { readonly event?: RunEvent; readonly update?: TaskUpdateEvent }[] = [
    {
      event: {
        ...{ type: 'run-started', version: runEventVersion, seq: 1, atMs: 0, startedAt, pools: [] },
        ...{ id: 'run-1', root: '/', versions: {} },
      },
    },
    {
      event: {
        type: 'tasks-added',
        seq: 2,
        atMs: 0,
        origin: 'start',
        tasks: [...infos, ...open] as TaskInfo[],
      },
    },
  ];
  for (const [index, event] of ends.entries()) {
    for (const kept of run.finished[index]?.kept ?? []) {
      const update = { kind: 'attachment', attachment: defined(kept) } as const;
      entries.push({ update: { atMs: 0, task: index, path: event.path, attempt: 1, update } });
    }
    entries.push({ event });
  }
  for (const { worker, tasks, error } of run.late)
    entries.push({
      event: { type: 'late-error', seq: 3, atMs: 1, pool: 'p', worker, tasks, error: defined(error) },
    });
  if (run.ended !== undefined) {
    const ended = { type: 'run-ended', seq: 3, atMs: 1, counts: {}, poisoned: [] } as const;
    entries.push({ event: { ...ended, ...defined(run.ended) } });
  }
  return { entries: entries as HostileEvents['entries'], ends, open: open.length };
}

function finishedEvent(
  { facts, status, attempts }: HostileRun['finished'][number],
  index: number,
): TaskFinished {
  const path = pathOf(facts.callPath, `${index}`);
  const event = { type: 'task-finished', seq: 3, atMs: 0, task: index, path, status } as const;
  return {
    ...event,
    flaky: false,
    slow: false,
    ...defined(facts),
    attempts: attempts.map((each) => defined(each)) as TaskFinished['attempts'],
  } as TaskFinished;
}

function skippedEvent(facts: HostileRun['skipped'][number], index: number): TaskSkipped {
  const path = pathOf(facts.callPath, `skipped ${index}`);
  const event = { type: 'task-skipped', seq: 3, atMs: 0, task: index, path } as const;
  return { ...event, ...defined(facts) } as TaskSkipped;
}

function defined<T extends object>(record: T): T {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)) as T;
}

/** Unique in its run. */
function pathOf(callPath: readonly string[], suffix: string): string {
  return `${formatCallPath(callPath)} ${suffix}`;
}
