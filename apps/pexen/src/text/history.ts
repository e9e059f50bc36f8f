/** The history of tasks as lines of text. A column of marks is one run, so that what happened in one run stands below each other. */
import { styleText } from 'node:util';
import type { Verdict } from '@pexen/core';
import { printable } from '@pexen/report';
import type { HistoryReport, TaskHistory } from '@pexen/usecase-testsuite';
import type { Output } from '../print-problems.ts';
import { counted, localTime } from './plain-words.ts';

/** How many runs the overview shows. */
const shownRuns = 20;

type Run = HistoryReport['runs'][number];
type Sample = TaskHistory['samples'][number];

/** The marks of verdicts in the overview. */
const marks: Readonly<Record<Verdict, string>> = {
  pass: '.',
  warn: 'w',
  flaky: '~',
  fail: 'F',
  error: 'E',
  timeout: 'T',
  crashed: 'C',
  skip: 's',
  'expected-fail': 'x',
  cancelled: 'c',
};

/** An overview of the tasks; everything about a task that is the only one. */
export function historyLines(report: HistoryReport, output: Output): string[] {
  const paint = painter(output);
  const [task, ...others] = report.tasks;
  if (task === undefined) return ['No run is known yet. The history starts with the next one.'];
  return others.length === 0 ? taskLines(task, report, paint) : overviewLines(report, paint);
}

// ── All tasks ──

function overviewLines({ runs, tasks, machine }: HistoryReport, paint: Paint): string[] {
  const shown = runs.slice(0, shownRuns).reverse();
  const width = Math.max('last runs'.length, shown.length);
  const title = (text: string): string => paint('dim', text);
  return [
    `${runsText(runs)}. Durations are for ${machineText(machine)}.`,
    '',
    title(`  usually  ${'last runs'.padEnd(width)}  ${'verdicts'.padEnd(width)}  flaky  task`),
    ...tasks.map((task) => overviewLine(task, shown, width, paint)),
    '',
    title(legendOf(tasks, shown)),
  ];
}

function overviewLine(task: TaskHistory, shown: readonly Run[], width: number, paint: Paint): string {
  const { path, expected, flakiness } = task;
  const samples = new Map(task.samples.map((sample) => [sample.run, sample]));
  const columns = shown.map(({ id }) => samples.get(id));
  const usually = expected === undefined ? '' : durationText(expected.ms);
  const bars = columns.map((sample) => barOf(sample?.ranMs, expected?.ms)).join('');
  const verdicts = columns.map((sample) => (sample === undefined ? ' ' : markOf(sample, paint))).join('');
  const rest = ' '.repeat(width - columns.length);
  const score = flakiness === undefined ? '' : flakiness.score.toFixed(2);
  const cells = [usually.padStart(9), bars + rest, verdicts + rest, paint('yellow', score.padStart(5))];
  return `${cells.join('  ')}  ${printable(path)}`;
}

/** What the marks mean that are there. */
function legendOf(tasks: readonly TaskHistory[], shown: readonly Run[]): string {
  const runs = new Set(shown.map(({ id }) => id));
  const verdicts = new Set(
    tasks.flatMap(({ samples }) => samples.filter(({ run }) => runs.has(run)).map(({ verdict }) => verdict)),
  );
  const meanings = Object.entries(marks).filter(([verdict]) => verdicts.has(verdict as Verdict));
  const text = meanings.map(([verdict, mark]) => `${mark} ${verdict}`).join('   ');
  return `Newest on the right; a bar that is one step higher took 1.4 times as long.   ${text}`;
}

// ── One task ──

function taskLines(task: TaskHistory, { machine }: HistoryReport, paint: Paint): string[] {
  const { path, samples } = task;
  const here = machineText(machine);
  return [
    paint('bold', printable(path)),
    ...expectedLines(task, here),
    ...flakyLines(task),
    '',
    ...samples.map((sample, at) => sampleLine(sample, samples[at + 1], task, here, paint)),
  ];
}

function expectedLines({ expected }: TaskHistory, here: string): string[] {
  if (expected === undefined) return ['  It has never run to its end.'];
  const { ms, boundMs = ms, unusualMs = ms } = expected;
  return [
    `  Usually ${durationText(ms)}, rarely more than ${durationText(boundMs)}, on ${here}.`,
    `  More than ${durationText(unusualMs)} is unusual: a run then says so.`,
  ];
}

function flakyLines({ flakiness, samples }: TaskHistory): string[] {
  if (flakiness === undefined) return [];
  const { events, score } = flakiness;
  return [
    `  Flaky: ${events} times in its last ${counted(samples.length, 'run')}, score ${score.toFixed(2)}.`,
  ];
}

function sampleLine(
  sample: Sample,
  before: Sample | undefined,
  { expected }: TaskHistory,
  here: string,
  paint: Paint,
): string {
  const { run, verdict, attempts, ranMs, startedAtMs } = sample;
  const elsewhere = machineText(sample.machine);
  const hasChanged = before?.digest !== undefined && sample.digest !== before.digest;
  const remarks = [
    ...(attempts > 1 ? [`${attempts} attempts`] : []),
    ...(hasChanged ? ['changed'] : []),
    ...(elsewhere === here ? [] : [`on ${elsewhere}`]),
  ];
  const cells = [
    `  ${timeText(startedAtMs)}`,
    barOf(ranMs, expected?.ms),
    styled(verdict.padEnd(13), verdict, paint),
    (ranMs === undefined ? '' : durationText(ranMs)).padStart(8),
    paint('dim', `run ${run.slice(0, 13)}`),
    remarks.join(', '),
  ];
  return cells.join('  ').trimEnd();
}

// ── Parts ──

const bars = '▁▂▃▄▅▆▇█';
/** The bar of a task that takes as long as usual. */
const middle = 3;

/** Each step stands for a factor of the square root of 2. */
function barOf(ranMs: number | undefined, usuallyMs: number | undefined): string {
  if (ranMs === undefined || usuallyMs === undefined) return ' ';
  const steps = Math.round(2 * Math.log2(Math.max(ranMs, 0.1) / Math.max(usuallyMs, 0.1)));
  return bars[Math.min(bars.length - 1, Math.max(0, middle + steps))] as string;
}

function markOf({ verdict }: Sample, paint: Paint): string {
  return styled(marks[verdict] ?? '?', verdict, paint);
}

const reds: ReadonlySet<Verdict> = new Set<Verdict>(['fail', 'error', 'timeout', 'crashed']);

function styled(text: string, verdict: Verdict, paint: Paint): string {
  if (reds.has(verdict)) return paint('red', text);
  return verdict === 'flaky' || verdict === 'warn' ? paint('yellow', text) : text;
}

function runsText(runs: readonly Run[]): string {
  const [latest, oldest] = [runs[0], runs.at(-1)].map((run) => timeText(run?.startedAtMs ?? 0));
  return `${counted(runs.length, 'run')}, ${runs.length === 1 ? latest : `from ${oldest} to ${latest}`}`;
}

function machineText({ platform, arch, cpu, cores }: HistoryReport['machine']): string {
  return `${platform} ${arch}, ${cores} × ${cpu || 'unknown processor'}`;
}

/** `2026-11-30 14:02`, in local time. */
function timeText(ms: number): string {
  return localTime(new Date(ms)).slice(0, '2026-11-30 14:02'.length);
}

/** Three digits: `0.25ms`, `38ms`, `1.23s`, `4m 03s`. */
function durationText(ms: number): string {
  if (ms < 9.95) return `${Number(ms.toPrecision(2))}ms`;
  if (ms < 999.5) return `${Math.round(ms)}ms`;
  if (ms < 59_950) return `${(ms / 1000).toPrecision(3)}s`;
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)}m ${String(seconds % 60).padStart(2, '0')}s`;
}

type Paint = (style: 'bold' | 'dim' | 'red' | 'yellow', text: string) => string;

function painter(output: Output): Paint {
  return (style, text) => styleText(style, text, { stream: output as NodeJS.WriteStream });
}
