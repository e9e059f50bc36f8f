/**
 * The costs of the run model: `node --expose-gc bench/model.ts [--events 1000000] [--rounds 5] [--wall] [--json FILE]`.
 * µs per event, task update and snapshot, with garbage collection; medians of the rounds. Processor time of the process, which a
 * busy machine changes little; with `--wall` by the clock.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import {
  type Inspection,
  type RunEvent,
  runEventVersion,
  type TaskInfo,
  type TaskUpdateEvent,
} from '@pexen/core';
import { RunModel, type RunModelOptions } from '../src/index.ts';

const { values } = parseArgs({
  options: {
    events: { type: 'string' },
    rounds: { type: 'string' },
    json: { type: 'string' },
    wall: { type: 'boolean' },
  },
});
const events = Number(values.events ?? 1_000_000);
const rounds = Number(values.rounds ?? 5);
/** Each task has three events. */
const tasks = Math.floor(events / 3);
const RUNNING = 16;

interface Row {
  readonly what: string;
  readonly micros: number;
  readonly unit: string;
}

const run = makeRun(tasks);
const updates = makeUpdates(events);
const rows: Row[] = [];
for (const keeps of ['all', 'open'] as const) {
  row(`events, model of ${keeps} tasks`, 'event', run.length, () => apply(run, { keeps }));
}
row('updates of 16 running tasks', 'update', updates.length, () => {
  const model = apply(run.slice(0, 2 + RUNNING), {})();
  return () => {
    for (const each of updates) model.applyTaskUpdate(each);
  };
});
row('inspection', 'waiting task', tasks, () => {
  const model = apply(run.slice(0, 2), {})();
  const seen = makeInspection();
  return () => model.applyInspection(seen);
});
row('snapshot and what changed, every 1,000 events', 'event', run.length, () => {
  return () => {
    const model = new RunModel();
    let version = 0;
    for (const [index, event] of run.entries()) {
      model.apply(event);
      if (index % 1000 !== 999) continue;
      model.snapshot();
      model.changedSince(version);
      version = model.version;
    }
  };
});
memory('open');
memory('all');
if (values.json !== undefined)
  writeFileSync(values.json, `${JSON.stringify({ bench: 'model', events, rounds, rows }, null, 2)}\n`);

/** Measures the function that `prepare` returns, not `prepare` itself. */
function row(what: string, unit: string, count: number, prepare: () => () => unknown): void {
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const work = prepare();
    globalThis.gc?.();
    const start = microsNow();
    work();
    times.push((microsNow() - start) / count);
  }
  const micros = times.sort((a, b) => a - b)[Math.floor(rounds / 2)] as number;
  rows.push({ what, micros, unit });
  console.log(`${micros.toFixed(3).padStart(8)} µs a ${unit.padEnd(13)} ${what}`);
}

function microsNow(): number {
  if (values.wall === true) return performance.now() * 1000;
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** Applies the events at its first call, and returns the model. */
function apply(events: readonly RunEvent[], options: RunModelOptions): () => RunModel {
  let model: RunModel | undefined;
  return () => {
    if (model !== undefined) return model;
    model = new RunModel(options);
    for (const event of events) model.apply(event);
    return model;
  };
}

function memory(keeps: 'all' | 'open'): void {
  globalThis.gc?.();
  const before = process.memoryUsage().heapUsed;
  const model = apply(run, { keeps })();
  globalThis.gc?.();
  const bytes = (process.memoryUsage().heapUsed - before) / tasks;
  console.log(`${bytes.toFixed(0).padStart(8)} bytes a task beside its events, model of ${keeps} tasks`);
  rows.push({ what: `memory, ${keeps}`, micros: bytes, unit: 'bytes a task' });
  if (model.counts.done !== tasks) throw new Error('tasks are missing');
}

/** All tasks at once; 16 run at a time, each with three events. */
function makeRun(count: number): RunEvent[] {
  let seq = 2;
  const infos: TaskInfo[] = Array.from({ length: count }, (_, index) => ({
    ...{ id: index, nameKind: 'explicit', recallable: true, rerunnable: false },
    ...{
      path: `suite/part-${index % 100}/task-${index}`,
      callPath: ['suite', `part-${index % 100}`, `task-${index}`],
    },
    weightMs: 10,
  }));
  const made: RunEvent[] = [
    {
      ...{ type: 'run-started', version: runEventVersion, seq: 1, atMs: 0, id: 'run-1', startedAt: 0 },
      ...{ root: '/', versions: {}, pools: [] },
    },
    { type: 'tasks-added', seq: 2, atMs: 0, origin: 'start', tasks: infos },
  ];
  for (let index = 0; index < count + RUNNING; index++) {
    const started = infos[index];
    if (started !== undefined)
      made.push({
        ...{ type: 'task-started', seq: ++seq, atMs: index, task: index, path: started.path },
        ...{ attempt: 1, worker: 'w' },
      });
    const ended = infos[index - RUNNING];
    if (ended !== undefined) {
      made.push(...endOf(ended, index, seq + 1));
      seq += 2;
    }
  }
  return made;
}

function endOf({ id: task, path, callPath }: TaskInfo, atMs: number, seq: number): RunEvent[] {
  const attempt = { attempt: 1, worker: 'w', startedAtMs: atMs - RUNNING, durationMs: RUNNING };
  const ended = { ...attempt, outcome: 'returned' } as const;
  return [
    { type: 'attempt-ended', seq, atMs, task, path, attempt: ended },
    {
      ...{ type: 'task-finished', seq: seq + 1, atMs, task, path, callPath, status: 'returned' },
      attempts: [ended],
      ...{ findings: [], flaky: false, slow: false, durationMs: RUNNING },
    },
  ];
}

function makeUpdates(count: number): TaskUpdateEvent[] {
  return Array.from({ length: count }, (_, index) => ({
    ...{ atMs: index, task: index % RUNNING, attempt: 1 },
    path: `suite/part-${index % RUNNING}/task-${index % RUNNING}`,
    update: { kind: 'output', stream: 'stdout', text: `ok ${index} should be equivalent\n` },
  }));
}

function makeInspection(): Inspection {
  const waiting = Array.from({ length: tasks }, (_, index) => ({
    path: `suite/part-${index % 100}/task-${index}`,
    for: { kind: 'resource', resource: `/db/${index % 1000}`, holders: [] } as const,
  }));
  const counts = { waiting: tasks, running: 0, finished: 0, skipped: 0 };
  return { version: 1, atMs: 0, counts, waiting, running: [], resources: [], pools: [] };
}
