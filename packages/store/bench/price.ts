/**
 * What a journal adds to a run.
 *
 * - 5,000 tasks of 5 ms, two at a time, in pairs of runs with and without a journal on the disk, and without one once more (A/A): wall time and processor
 *   time.
 * - Tasks that do nothing, in layers of 1,000 with three dependencies each, with the journal in memory and without one.
 *
 * node --conditions=@pexen/source --expose-gc bench/price.ts [--pairs 12] [--count 5000] [--layered 100000] [--folder DIR]
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { withMeta } from '@pexen/core';
import { type Entry, inline, run } from '@pexen/sched';
import { type Durability, startRun } from '../src/index.ts';

const { values } = parseArgs({
  options: {
    pairs: { type: 'string', default: '12' },
    count: { type: 'string', default: '5000' },
    layered: { type: 'string', default: '100000' },
    folder: { type: 'string', default: tmpdir() },
  },
});
const pairs = Number(values.pairs);
const stateDirectory = mkdtempSync(join(values.folder, 'pexen-price-'));

type Journal = Durability | 'memory' | 'none';

/** Milliseconds. */
interface Time {
  readonly wall: number;
  readonly cpu: number;
}

try {
  const short = (): Entry[] => Array.from({ length: Number(values.count) }, (_, index) => shortTask(index));
  console.log(`${values.count} tasks of 5 ms, 2 at a time, ${pairs} pairs`);
  await compare(short, 2, ['none', 'none', 'process', 'power']);
  console.log(`\n${values.layered} tasks in layers, 3 dependencies each, 16 at a time, ${pairs} pairs`);
  await compare(() => layered(Number(values.layered)), 16, ['none', 'none', 'memory']);
} finally {
  rmSync(stateDirectory, { recursive: true, force: true });
}

function shortTask(index: number): Entry {
  return withMeta(() => pause(5), { name: `task-${index}`, rerunnable: true });
}

/** Each task of a layer requires three of the layer before. */
function layered(count: number): Entry[] {
  return Array.from({ length: count }, (_, index) => {
    const first = Math.floor(index / 1000) * 1000 - 1000;
    const requires =
      first < 0 ? [] : [0, 7, 31].map((step) => `task-${first + ((index + step) % 1000)} done`);
    return withMeta(async () => {}, {
      ...{ name: `task-${index}`, provides: [`task-${index} done`], rerunnable: true },
      ...(requires.length > 0 && { requires }),
    });
  });
}

/** Plays all journals in turn, in another order each time, and compares each with the first. */
async function compare(
  make: () => readonly Entry[],
  concurrency: number,
  journals: readonly Journal[],
): Promise<void> {
  const times = journals.map((): Time[] => []);
  for (let pair = 0; pair < pairs; pair++)
    for (let turn = 0; turn < journals.length; turn++) {
      const index = (turn + pair) % journals.length;
      times[index]?.push(await timeOf(make(), concurrency, journals[index] as Journal));
    }
  const [base = []] = times;
  for (const [index, own] of times.entries()) {
    const name = index === 1 ? 'none again (A/A)' : journals[index];
    const wall = ratios(own, base, 'wall');
    const cpu = ratios(own, base, 'cpu');
    console.log(
      `  ${String(name).padEnd(18)} ${median(own.map((time) => time.wall))
        .toFixed(0)
        .padStart(6)} ms on the wall, × ${text(wall)}` +
        `; ${median(own.map((time) => time.cpu))
          .toFixed(0)
          .padStart(6)} ms of processor, × ${text(cpu)}`,
    );
  }
}

function ratios(own: readonly Time[], base: readonly Time[], kind: keyof Time): number[] {
  return own.map((time, pair) => time[kind] / (base[pair] as Time)[kind]);
}

/** The median, and the middle half. */
function text(numbers: readonly number[]): string {
  const sorted = numbers.toSorted((a, b) => a - b);
  const at = (part: number) => (sorted[Math.floor(part * (sorted.length - 1))] as number).toFixed(3);
  return `${median(numbers).toFixed(3)} (${at(0.25)} to ${at(0.75)})`;
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return ((sorted[Math.floor(middle)] as number) + (sorted[Math.ceil(middle) - 1] as number)) / 2;
}

/** The time of the whole run, including the end of its recording. */
async function timeOf(entries: readonly Entry[], concurrency: number, journal: Journal): Promise<Time> {
  globalThis.gc?.();
  const before = process.cpuUsage();
  const startedAt = performance.now();
  const id = `01900000-0000-7000-8000-${randomBytes(6).toString('hex')}`;
  const recorded =
    journal === 'none'
      ? undefined
      : await startRun({ stateDirectory, durability: journal, runId: id, description: { versions: {} } });
  let count = 0;
  const options = { pool: inline({ concurrency }), id, ...(recorded && { journal: recorded.journal }) };
  for await (const { status } of run(entries, options)) if (status === 'returned') count++;
  await recorded?.end({ exitCode: 0, isResumable: false });
  const wall = performance.now() - startedAt;
  const { user, system } = process.cpuUsage(before);
  if (count !== entries.length) throw new Error(`${count} of ${entries.length} tasks ended well`);
  return { wall, cpu: (user + system) / 1000 };
}
