/** The live view in a busy run, checked thousands of times: its rows and its header always agree. */
import { Writable } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import type { RunEvent } from '@pexen/core';
import { live, multi, type RunListener } from '@pexen/report';
import { inline, type Run, run, TaskFailError, withMeta } from '@pexen/sched';
import { expect, test } from 'vitest';
import { isWhole } from '#sample';

const SAMPLES = isWhole ? 10_000 : 2_000;
const TASKS = 3_000;

/** A terminal that keeps what was written last. Each change of its width makes the view draw all of its picture. */
class Glass extends Writable {
  readonly isTTY = true;
  columns = 160;
  readonly rows = 40;
  written = '';

  constructor() {
    super({ decodeStrings: false, highWaterMark: Number.MAX_SAFE_INTEGER });
  }

  override _write(text: string, _encoding: string, done: () => void): void {
    this.written = text;
    done();
  }

  /** The whole picture as it is now. */
  look(): string[] {
    this.columns = this.columns === 160 ? 161 : 160;
    this.emit('resize');
    const lines = stripVTControlCharacters(this.written).split('\n');
    return lines.slice(lines.findLastIndex((line) => / \d+% {2}\d+:\d\d/.test(line)));
  }
}

/** What a picture says, by its header and by its rows. */
interface Picture {
  readonly done: number;
  readonly tasks: number;
  readonly verdicts: number;
  readonly underWay: number;
  readonly waiting: number;
  readonly runningRows: number;
  readonly waitingRows: number;
  readonly running: readonly string[];
  /** Of those that wait, the names that are there as a whole. */
  readonly named: readonly string[];
}

function read(lines: readonly string[]): Picture {
  const [, counts = ''] = lines;
  const [, done, tasks, rest = ''] = /^(\d+) of (\d+) done(.*)$/.exec(counts) ?? [];
  const runs = lines.findIndex((line) => / running/.test(line));
  const waits = lines.findIndex((line) => /^ \d+ waiting$/.test(line));
  const [, running, , retrying = '0'] = /^ (\d+) running(, (\d+) retrying)?$/.exec(lines[runs] ?? '') ?? [];
  const rows = lines.slice(runs + 1, waits < 0 ? undefined : waits).filter((line) => line.trim() !== '');
  const more = rows.map((line) => Number(/^ {2}… and (\d+) more$/.exec(line)?.[1] ?? 0));
  const below = waits < 0 ? [] : lines.slice(waits + 1).filter((line) => line.trim() !== '');
  return {
    ...{ done: Number(done), tasks: Number(tasks), underWay: Number(running) + Number(retrying) },
    verdicts: sum(
      [...rest.replace(/ group .*/, '').matchAll(/(\d+) [a-z]/g)].map(([, count]) => Number(count)),
    ),
    waiting: waits < 0 ? 0 : Number(/\d+/.exec(lines[waits] ?? '')?.[0]),
    runningRows: rows.length + sum(more) - more.filter((count) => count > 0).length,
    waitingRows: sum(below.map((line) => Number(/^ *(\d+) for /.exec(line)?.[1]))),
    running: rows.map((line) => /^ {2}(t-\d+)/.exec(line)?.[1] ?? ''),
    named: below.flatMap((line) => namesIn(line.split(/ {2,}/).at(-1) ?? '')),
  };
}

/** Those that are there as a whole: at the end of a line there may be a part of one. */
function namesIn(column: string): string[] {
  return [...column.matchAll(/(t-\d+),/g)].map(([, name]) => name as string);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** Tasks that hold, require, fail, are retried and take turns; each leaves the thread to others a few times. */
function busyTasks(look: () => void): (() => unknown)[] {
  return Array.from({ length: TASKS }, (_, index) => {
    let attempts = 0;
    const body = async (): Promise<void> => {
      attempts++;
      for (let turn = 0; turn < 1 + (index % 4); turn++) {
        await new Promise((resolve) => setImmediate(resolve));
        if (turn < 2) look();
      }
      if (index % 11 === 0 && attempts === 1) throw new TaskFailError('not at first');
      if (index % 37 === 0) throw new Error('never');
    };
    return withMeta(body, {
      name: `t-${index}`,
      ...(index % 5 === 0 && { claims: [`/db/${index % 7}`] }),
      ...(index % 7 === 0 && { uses: ['/db'] }),
      ...(index % 10 === 3 && { provides: [`p-${index}`] }),
      ...(index % 10 > 6 && { requires: [`p-${index - (index % 10) + 3}`] }),
      ...(index % 11 === 0 && { retries: { count: 2, delay: index % 2 } }),
      ...(index % 100 > 96 && { group: 'vm' }),
      ...(index % 13 === 0 && { weight: 5 }),
    });
  });
}

test('rows and header always agree, and nothing stands in two places', { timeout: 240_000 }, async () => {
  const glass = new Glass();
  const reporter = multi([live({ stream: glass, color: false })], ({ error }) => {
    throw error;
  });
  const ended = new Set<string>();
  const seen = { samples: 0, underWay: 0, waiting: 0, named: 0 };
  const look = (): void => {
    if (seen.samples >= SAMPLES) return;
    const lines = glass.look();
    const picture = read(lines);
    expect(problemsOf(picture, ended), lines.join('\n')).toEqual([]);
    seen.samples++;
    seen.underWay = Math.max(seen.underWay, picture.underWay);
    seen.waiting += picture.waiting;
    seen.named += picture.named.length;
  };
  let failure: unknown;
  const lookSafely = (): void => {
    try {
      look();
    } catch (error) {
      failure ??= error;
    }
  };
  const busy = run(busyTasks(lookSafely), {
    pool: inline({ concurrency: 8 }),
    groups: { vm: { pool: inline({ concurrency: 2 }) } },
  });
  listen(busy, reporter, (event) => {
    if (event.type === 'task-finished' || event.type === 'task-skipped') ended.add(event.path);
    if (event.type !== 'run-started' && event.type !== 'run-ended') lookSafely();
  });
  for await (const _result of busy);
  await reporter.close();
  expect(failure).toBeUndefined();
  expect(seen.samples).toBe(SAMPLES);
  expect(seen.underWay).toBeGreaterThan(4);
  expect(Math.min(seen.waiting, seen.named)).toBeGreaterThan(SAMPLES);
});

function listen(busy: Run, reporter: RunListener, then: (event: RunEvent) => void): void {
  reporter.attach({ inspect: () => busy.inspect() });
  busy.events.on('event', (event) => {
    reporter.event(event);
    then(event);
  });
  busy.events.on('update', (update) => reporter.taskUpdate(update));
}

/** What does not agree in a picture. */
function problemsOf(picture: Picture, ended: ReadonlySet<string>): string[] {
  const { done, tasks, verdicts, underWay, waiting, runningRows, waitingRows, running, named } = picture;
  const twice = named.filter((name) => running.includes(name) || ended.has(name));
  const rules = {
    [`${done} done, ${underWay} under way and ${waiting} waiting are not ${tasks}`]:
      done + underWay + waiting === tasks,
    [`${verdicts} results for ${done} tasks that are done`]: verdicts === done,
    [`${done} are done, and ${ended.size} have ended`]: done === ended.size,
    [`${runningRows} rows for ${underWay} under way`]: runningRows === underWay,
    [`rows of ${waitingRows} for ${waiting} that wait`]: waitingRows === waiting,
    [`${twice.join()} waits and runs or has ended`]: twice.length === 0,
    [`${running.join()} runs and has ended`]: running.every((name) => !ended.has(name)),
  };
  return Object.entries(rules).flatMap(([problem, isRight]) => (isRight ? [] : [problem]));
}
