/** Runs in every state that a page has a picture of, made as documents: without chance, so that pictures stay the same. */
import type { AttemptInfo, Finding, RunEvent, TaskFinished, TaskInfo, Verdict } from '@pexen/core';
import { RunModel } from '@pexen/report/model';
import { forPage, type PageDocument, pageFormat, verdictLetters } from '../../src/index.ts';

/** What a made run is like. */
export interface MadeRun {
  readonly tasks: number;
  /** Every so many fails; 0 for none. */
  readonly failEvery?: number;
  /** Only this one fails. */
  readonly failOnly?: number;
  readonly workers?: number;
  readonly isAllSkipped?: boolean;
  /** Only so many have ended when the picture is taken. */
  readonly ended?: number;
  /** Characters of output for each test. */
  readonly output?: number;
}

const areas = ['api', 'build', 'disk', 'net', 'storage', 'ui'];
const parts = ['auth', 'cache', 'files', 'index', 'limits', 'login', 'queue', 'retry', 'search', 'users'];
const verbs = [
  'creates',
  'deletes',
  'finds',
  'keeps',
  'lists',
  'moves',
  'reads',
  'refuses',
  'restores',
  'writes',
];

/** The tasks of a run: in folders, with needs, resources and tags. */
function madeTasks(count: number): readonly TaskInfo[] {
  const seen = new Map<string, number>();
  return Array.from({ length: count }, (_, id): TaskInfo => {
    const area = areas[Math.floor((id * areas.length) / count)] ?? 'api';
    const part = parts[Math.floor(id / 7) % parts.length] ?? 'auth';
    const wanted = `${verbs[id % verbs.length]} ${id % 3 === 0 ? 'an entry' : id % 3 === 1 ? 'a large file' : 'nothing'}`;
    const key = `${area}/${part}/${wanted}`;
    const times = (seen.get(key) ?? 0) + 1;
    seen.set(key, times);
    const name = times === 1 ? wanted : `${wanted} ${times}`;
    const callPath = [area, part, name];
    return {
      ...{ id, path: callPath.join('/'), callPath, nameKind: 'explicit', recallable: true, rerunnable: true },
      location: { file: `tests/${area}/${part}.task.ts`, line: 12 + (id % 80) },
      ...(id % 11 === 0 && { tags: ['slow'] }),
      ...(id % 9 === 4 && { claims: [`/db/${area}`] }),
      ...(id % 9 === 5 && { uses: [{ resource: `/db/${area}` }] }),
      ...(id % 40 === 0 && { provides: [`${area} server ${id}`] }),
      ...(id % 40 !== 0 &&
        id % 4 === 1 && {
          requires: [
            { form: 'one' as const, capabilities: [`${areaOfFirst(id, count)} server ${id - (id % 40)}`] },
          ],
        }),
    };
  });
}

function areaOfFirst(id: number, count: number): string {
  return areas[Math.floor(((id - (id % 40)) * areas.length) / count)] ?? 'api';
}

/** Plays the run on some workers. */
function madeEvents(made: MadeRun): readonly RunEvent[] {
  const tasks = madeTasks(made.tasks);
  const events: Unnumbered[] = [
    {
      ...{ type: 'run-started', version: 2, atMs: 0, id: '0199c1e0-7a1b-7c00-8000-0000000000aa' },
      ...{
        startedAt: Date.UTC(2026, 10, 30, 9, 41, 7),
        root: '/home/ada/shop',
        versions: { pexen: '1.0.0', node: '24.21.0' },
      },
      pools: [{ name: 'default', kind: 'process' }],
    },
    { type: 'tasks-added', atMs: 0, origin: 'start', tasks },
  ];
  const free = Array.from({ length: made.workers ?? 4 }, () => 12);
  const failed = new Set<string>();
  const heldUntil = new Map<string, number>();
  for (const [at, task] of tasks.entries()) {
    if (made.ended !== undefined && at >= made.ended + free.length) break;
    const isOpen = made.ended !== undefined && at >= made.ended;
    const slot = free.indexOf(Math.min(...free));
    const resource = task.claims?.[0];
    const startedAtMs =
      Math.max(free[slot] ?? 0, resource === undefined ? 0 : (heldUntil.get(resource) ?? 0)) + 2;
    const durationMs = 20 + ((task.id * 7919) % 180) + (task.id % 11 === 0 ? 900 : 0);
    const worker = `process ${slot}`;
    const missing = task.requires?.[0]?.capabilities[0];
    if (made.isAllSkipped === true || (missing !== undefined && failed.has(missing))) {
      events.push(
        skipped(
          task,
          startedAtMs,
          made.isAllSkipped === true ? 'no database is installed' : `requires "${missing}"`,
        ),
      );
      continue;
    }
    events.push({
      type: 'task-started',
      atMs: startedAtMs,
      task: task.id,
      path: task.path,
      attempt: 1,
      worker,
    });
    if (isOpen) {
      free[slot] = Number.POSITIVE_INFINITY;
      continue;
    }
    free[slot] = startedAtMs + durationMs;
    if (resource !== undefined) heldUntil.set(resource, startedAtMs + durationMs);
    const finished = finishedOf(made, task, { startedAtMs, durationMs, worker });
    if (finished.status !== 'returned') for (const name of task.provides ?? []) failed.add(name);
    events.push(finished);
  }
  const sorted = events.slice(2).sort((one, other) => one.atMs - other.atMs);
  const lastMs = sorted.at(-1)?.atMs ?? 0;
  const all = [...events.slice(0, 2), ...sorted];
  if (made.ended === undefined)
    all.push({ type: 'run-ended', atMs: lastMs + 18, counts: {}, poisoned: [] } as unknown as Unnumbered);
  return all.map((event, at) => ({ ...event, seq: at + 1 }) as RunEvent);
}

type Unnumbered = RunEvent extends infer Event
  ? Event extends RunEvent
    ? Omit<Event, 'seq'>
    : never
  : never;

function skipped(task: TaskInfo, atMs: number, why: string): Unnumbered {
  const { id, path, callPath } = task;
  return {
    type: 'task-skipped',
    atMs,
    task: id,
    path,
    callPath,
    reason: [
      { task: path, why },
      { task: 'net/auth/creates an entry', why: 'failed' },
    ].slice(0, why.startsWith('requires') ? 2 : 1),
  } as unknown as Unnumbered;
}

interface Times {
  readonly startedAtMs: number;
  readonly durationMs: number;
  readonly worker: string;
}

function finishedOf(made: MadeRun, task: TaskInfo, times: Times): Omit<TaskFinished, 'seq'> {
  const { failEvery = 0, failOnly, output = 0 } = made;
  const { id, path, callPath } = task;
  const fails = id === failOnly || (failEvery > 0 && id % failEvery === failEvery - 1);
  const isFlaky = !fails && failEvery > 0 && id % 97 === 13;
  const text = Array.from(
    { length: Math.ceil(output / 60) },
    (_, line) => `\u001b[2m09:41:${10 + (line % 50)}\u001b[0m step ${line} of ${path.slice(0, 20)}`,
  ).join('\n');
  const attempt: AttemptInfo = {
    ...{ attempt: 1, outcome: fails ? 'threw' : 'returned', ...times },
    ...(fails && { error: failure(id) }),
    ...((fails || output > 0) && {
      stdout: { head: fails ? `${failingOutput}${text}` : text, tail: '', totalBytes: text.length + 200 },
    }),
  };
  const attempts = isFlaky
    ? [
        { ...attempt, outcome: 'failed' as const, durationMs: 4, reason: 'the port was taken' },
        { ...attempt, attempt: 2, startedAtMs: attempt.startedAtMs + 4, durationMs: attempt.durationMs - 4 },
      ]
    : [attempt];
  const findings: Finding[] =
    id % 5 === 0
      ? [
          { name: 'answers in time', status: 'pass', durationMs: 3 },
          {
            name: 'keeps the order',
            status: fails ? 'fail' : 'pass',
            ...(fails && { message: 'entry 3 came before entry 2' }),
          },
        ]
      : [];
  return {
    ...{ type: 'task-finished', atMs: times.startedAtMs + times.durationMs, task: id, path, callPath },
    ...{
      status: fails ? 'threw' : 'returned',
      attempts,
      findings,
      flaky: isFlaky,
      slow: false,
      durationMs: times.durationMs,
    },
  } as Omit<TaskFinished, 'seq'>;
}

const failingOutput = [
  '\u001b[32mPOST\u001b[0m /orders 201 in 12 ms',
  '\u001b[32mGET\u001b[0m /orders/7 200 in 3 ms',
  '\u001b[31mGET\u001b[0m /orders/7/items \u001b[1m500\u001b[0m in 41 ms',
  '\u001b[33mwarn\u001b[0m connection pool: 10 of 10 in use',
  '',
].join('\n');

function failure(id: number): NonNullable<AttemptInfo['error']> {
  return {
    ...{ name: 'AssertionError', message: `expected 3 items, got ${id % 3}` },
    expected: '{\n  "id": 7,\n  "items": [\n    "apple",\n    "pear",\n    "plum"\n  ],\n  "total": 12.5\n}',
    actual: '{\n  "id": 7,\n  "items": [\n    "apple"\n  ],\n  "total": 4\n}',
    stack: [
      `AssertionError: expected 3 items, got ${id % 3}`,
      '    at items (file:///home/ada/shop/tests/api/users.task.ts:31:10)',
      '    at process.processTicksAndRejections (node:internal/process/task_queues:105:5)',
      '    at async runBody (file:///home/ada/shop/node_modules/@pexen/pool-kit/dist/worker.js:88:20)',
    ].join('\n'),
    cause: { name: 'Error', message: 'connect ECONNREFUSED 127.0.0.1:5432' },
  };
}

/** The run as the document of a page. */
export function madeDocument(made: MadeRun, life: PageDocument['life'] = 'report'): PageDocument {
  const model = new RunModel();
  for (const event of madeEvents(made)) model.apply(event);
  const snapshot = model.snapshot();
  const tasks = model.changedSince(0).map(forPage);
  const failing = tasks.find(({ result }) => result?.status === 'threw');
  const base = {
    format: pageFormat,
    life,
    title: 'shop',
    madeAt: Date.UTC(2026, 10, 30, 9, 45),
    snapshot,
    tasks,
    command: 'npx pexen run',
  } as const;
  if (life === 'live' || made.tasks === 0) return base;
  return {
    ...base,
    ...pastOf(tasks.map(({ facts }) => facts.path)),
    otherWorkers: [1, 2, 8].map((workers) => ({
      workers,
      wallMs: Math.round((snapshot.totals.workMs / workers) * 1.08),
    })),
    ...(failing !== undefined && {
      details: {
        [failing.facts.path]: {
          frames: [
            {
              ...{ file: 'tests/api/users.task.ts', line: 31, what: 'thrown here', firstLine: 27 },
              lines: [
                '  const response = await fetch(server.at("orders/7/items"));',
                '  const { items, total } = await response.json();',
                '',
                '  // All three were put into the cart above.',
                '  assert.deepEqual(items, cart);',
                '  assert.equal(total, 12.5);',
                '}',
              ],
            },
          ],
        },
      },
    }),
  };
}

function pastOf(paths: readonly string[]): Pick<PageDocument, 'runs' | 'history' | 'before'> {
  const day = 86_400_000;
  const now = Date.UTC(2026, 10, 30, 9, 41, 7);
  const runs = Array.from({ length: 14 }, (_, at) => ({
    ...{ id: `0199c1e0-0000-7000-8000-0000000000${10 + at}`, startedAt: now - (at + 1) * day * 0.7 },
    ...{ wallMs: 4000 + ((at * 733) % 900), exitCode: at % 4 === 2 ? 1 : 0, isWhole: at !== 3 },
  }));
  const verdictAt = (path: string, at: number): Verdict => {
    const number = path.length * 31 + (path.codePointAt(5) ?? 0) + at;
    if (number % 173 === 0) return 'fail';
    return number % 211 === 0 ? 'flaky' : 'pass';
  };
  return {
    runs,
    history: {
      runs: runs.map(({ id, startedAt }) => ({ id, startedAt })).reverse(),
      tasks: Object.fromEntries(
        paths.map((path) => [path, runs.map((_, at) => verdictLetters[verdictAt(path, at)]).join('')]),
      ),
    },
    before: {
      run: runs[0] as (typeof runs)[0],
      tasks: Object.fromEntries(
        paths.slice(3).map((path, at) => [path, [verdictAt(path, 13), 20 + ((at * 7919) % 150)] as const]),
      ),
    },
  };
}
