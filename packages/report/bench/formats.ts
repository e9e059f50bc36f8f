/**
 * What reports cost: `node --expose-gc bench/formats.ts [--tests 10000] [--rounds 5] [--json FILE]`. Processor time of a whole run of events, from the
 * first to the written files, in µs a test: for each format alone, and for all of them at once. The first row is the run model alone, which
 * every run has. Of 100 tests, 2 fail with a stack and 20 lines of output, 1 is flaky, 1 is skipped, 10 report findings, 20 hold a resource.
 */
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { parseArgs } from 'node:util';
import { type AttemptInfo, type Finding, type RunEvent, runEventVersion, type TaskInfo } from '@pexen/core';
import { type FileReporterName, fileReporters, github, gitlab, multi, type Reporter } from '../src/index.ts';

const { values } = parseArgs({
  options: { tests: { type: 'string' }, rounds: { type: 'string' }, json: { type: 'string' } },
});
const tests = Number(values.tests ?? 10_000);
const rounds = Number(values.rounds ?? 5);
const WORKERS = 16;

const folder = mkdtempSync(join(tmpdir(), 'pexen-bench-'));
const names = Object.keys(fileReporters) as FileReporterName[];
const events = runOf(tests);
const rows: { readonly what: string; readonly micros: number; readonly bytes: number }[] = [];

await row('the model alone', []);
for (const name of names) await row(name, [name]);
await row('all together', names);
const [model, together] = [rows[0], rows.at(-1)];
const added = (together?.micros ?? 0) - (model?.micros ?? 0);
console.log(`${added.toFixed(1).padStart(8)} µs a test for all formats, beside the model`);
rmSync(folder, { recursive: true });
if (values.json !== undefined)
  writeFileSync(values.json, `${JSON.stringify({ bench: 'formats', tests, rounds, rows }, null, 2)}\n`);

async function row(what: string, chosen: readonly FileReporterName[]): Promise<void> {
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) times.push(await processorTime(chosen));
  const micros = times.sort((a, b) => a - b)[Math.floor(rounds / 2)] as number;
  const bytes = chosen.reduce((sum, name) => sum + statSync(fileOf(name)).size, 0);
  rows.push({ what, micros, bytes });
  console.log(
    `${micros.toFixed(1).padStart(8)} µs a test  ${what.padEnd(16)} ${(bytes / 1024).toFixed(0)} KiB`,
  );
}

/** From the first event to the last byte, with garbage collection, µs a test. */
async function processorTime(chosen: readonly FileReporterName[]): Promise<number> {
  globalThis.gc?.();
  const start = process.cpuUsage();
  const reporters = chosen.map(make);
  const all = multi(reporters, ({ reporter, error }) => {
    throw new Error(`${reporter} failed`, { cause: error });
  });
  for (const event of events) all.event(event);
  await all.close();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / tests;
}

/** What goes to the log of a job goes nowhere. */
function make(name: FileReporterName): Reporter {
  const file = fileOf(name);
  const stream = new Writable({ write: (_chunk, _encoding, done) => done() });
  if (name === 'github') rmSync(file, { force: true });
  if (name === 'github') return github({ file, stream });
  return name === 'gitlab' ? gitlab({ file, stream, sections: true }) : fileReporters[name].make({ file });
}

function fileOf(name: string): string {
  return join(folder, `report.${name}`);
}

function runOf(count: number): readonly RunEvent[] {
  let seq = 0;
  const number = (): { readonly seq: number } => ({ seq: ++seq });
  const infos = Array.from({ length: count }, (_, index) => infoOf(index));
  const made: RunEvent[] = [
    {
      ...{
        type: 'run-started',
        version: runEventVersion,
        ...number(),
        atMs: 0,
        id: 'run-1',
        startedAt: 1.7e12,
      },
      ...{
        root: '/home/ada/suite',
        versions: { pexen: '1.0.0' },
        pools: [{ name: 'default', kind: 'process' }],
      },
    },
    { type: 'tasks-added', ...number(), atMs: 0, origin: 'start', tasks: infos },
  ];
  for (const [index, info] of infos.entries()) made.push(...eventsOf(info, index, number));
  made.push({ type: 'run-ended', ...number(), atMs: count, counts: {}, poisoned: [] });
  return made;
}

function infoOf(index: number): TaskInfo {
  const callPath = ['suite', `part-${index % 100}`, `task-${index}`];
  return {
    ...{
      id: index,
      path: callPath.join('/'),
      callPath,
      nameKind: 'explicit',
      recallable: true,
      rerunnable: false,
    },
    location: { file: `tests/part-${index % 100}.task.ts`, line: 10 + (index % 90) },
    ...(index % 5 === 0 && { claims: [`/db/${index % 50}`] }),
    ...(index > 100 &&
      index % 10 === 3 && { requires: [{ form: 'one', capabilities: [`task:suite/part-0/task-0`] }] }),
  };
}

function eventsOf(
  { id: task, path, callPath }: TaskInfo,
  index: number,
  number: () => { readonly seq: number },
): readonly RunEvent[] {
  const atMs = index + WORKERS;
  const of = { task, path };
  if (index % 100 === 50)
    return [
      {
        type: 'task-skipped',
        ...number(),
        atMs,
        ...of,
        callPath,
        reason: [{ task: path, why: 'has no network' }],
      },
    ];
  const first = attemptOf(index, index % 100 === 99 || index % 50 === 7);
  const attempts = index % 100 === 99 ? [first, { ...attemptOf(index, false), attempt: 2 }] : [first];
  const findings: Finding[] =
    index % 10 === 4
      ? ['starts', 'answers', 'stops'].map(
          (name) => ({ name: `the server ${name}`, status: 'pass' }) as const,
        )
      : [];
  const last = attempts.at(-1) as AttemptInfo;
  return [
    ...attempts.flatMap((attempt): RunEvent[] => [
      {
        type: 'task-started',
        ...number(),
        atMs: index,
        ...of,
        attempt: attempt.attempt,
        worker: attempt.worker,
      },
      { type: 'attempt-ended', ...number(), atMs, ...of, attempt, ...(attempt !== last && { retryInMs: 0 }) },
    ]),
    {
      ...{ type: 'task-finished', ...number(), atMs, ...of, callPath, status: last.outcome as 'returned' },
      ...{
        attempts,
        findings,
        flaky: attempts.length > 1,
        slow: false,
        durationMs: WORKERS * attempts.length,
      },
    },
  ];
}

function attemptOf(index: number, fails: boolean): AttemptInfo {
  const attempt = {
    attempt: 1,
    worker: `process-${index % WORKERS}`,
    startedAtMs: index,
    durationMs: WORKERS,
  };
  if (!fails) return { ...attempt, outcome: 'returned' };
  const message = `expected status 201, got ${500 + (index % 10)}`;
  const stack = Array.from(
    { length: 8 },
    (_, line) => `    at step${line} (file:///home/ada/suite/tests/a.ts:${line + 1}:9)`,
  );
  const lines = Array.from({ length: 20 }, (_, line) => `request ${line} of ${index}: 200 in ${line} ms\n`);
  const head = lines.join('');
  return {
    ...{
      ...attempt,
      outcome: 'threw',
      error: { name: 'AssertionError', message, stack: `AssertionError: ${message}\n${stack.join('\n')}` },
    },
    stdout: { head, tail: '', totalBytes: head.length },
  };
}
