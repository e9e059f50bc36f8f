/** The end of a report: the tasks that did not pass, and the counts of the run. */

import { isBad, type Verdict } from '@pexen/core';
import type { Change } from '../model/change.ts';
import type { NotPassed, Totals } from '../model/results.ts';
import { RunModel, type RunSnapshot } from '../model/run-model.ts';
import { formatSeconds, formatSpan } from './format.ts';
import { countText, type Paint, type Style, verdictLooks, verdicts } from './paint.ts';
import { printable } from './printable.ts';
import { INDENT, oneLine, statusLine } from './result-lines.ts';

const RULE = '─';
/** As wide as the text before the counts. */
const BELOW = ' '.repeat(22);
const LONGEST_RULE = 80;
const SKIP_REASONS = 5;
/** A gain below this is noise. */
const SOME_GAIN = 1.1;

/** More text than that is not kept for the summary, in characters. */
const MOST_KEPT = 2_000_000;

/** The lines below those of failed tasks, kept until the end, where they are in view. */
export class FailureDetails {
  readonly #lines = new Map<string, readonly string[]>();
  #kept = 0;
  /** The one failure whose lines are the last that were written. */
  #last: string | undefined;

  /**
   * Takes the lines of a change: the first is that of the task, the others are its details. Returns those to write: nothing for a recalled failure,
   * which had its lines in its own session, until the summary.
   */
  add(change: Change, lines: readonly string[]): readonly string[] {
    if (lines.length === 0) return lines;
    const isRecalled = change.kind === 'task-ended' && change.task.result.recalled !== undefined;
    if (!isRecalled) this.#last = undefined;
    if (change.kind !== 'task-ended' || !isListed(change.task.result.judgement.verdict)) return lines;
    const details = lines.slice(1);
    if (!isRecalled) this.#last = this.#lines.size === 0 ? change.task.path : undefined;
    this.#kept += details.reduce((sum, { length }) => sum + length, 0);
    this.#lines.set(change.task.path, this.#kept > MOST_KEPT ? [] : details);
    return isRecalled ? [] : lines;
  }

  /** Nothing for a failure that is in view anyway, since nothing was written after it. */
  of(path: string): readonly string[] {
    return path === this.#last ? [] : (this.#lines.get(path) ?? []);
  }
}

function isListed(verdict: Verdict): boolean {
  return isBad(verdict) || verdict === 'cancelled';
}

/** How a summary is written. */
export interface SummaryOptions {
  /** The width of the terminal. Undefined: lines are not broken. */
  readonly columns: number | undefined;
  /** The details of the tasks that did not pass, as far as they are repeated. */
  readonly details: FailureDetails | undefined;
  /** Where recalled results come from. */
  readonly recalledFrom: string | undefined;
}

/** All lines of the summary. The most important ones come last, since they stay in view. Without `run`, the summary of a run without events. */
export function summaryLines(
  run: RunSnapshot = new RunModel().snapshot(),
  paint: Paint,
  { columns, details, recalledFrom = 'earlier sessions' }: SummaryOptions,
): string[] {
  const rule = paint('dim', RULE.repeat(Math.max(1, Math.min(columns ?? LONGEST_RULE, LONGEST_RULE))));
  const { notPassed, unlisted } = run.totals;
  return [
    rule,
    ...notPassed.flatMap((task) => [notPassedLine(task, paint), ...(details?.of(task.path) ?? [])]),
    ...(unlisted > 0 ? [`${INDENT}… and ${unlisted} more`] : []),
    ...(notPassed.length > 0 ? [rule] : []),
    ...skippedLines(run.totals, paint),
    ...poisonedLine(run, paint),
    ...endLine(run, paint),
    ...countsLines(run, columns ?? Number.POSITIVE_INFINITY, paint),
    ...recalledLine(run, recalledFrom),
    ...gainLine(run),
  ];
}

function recalledLine({ totals: { recalled } }: RunSnapshot, from: string): string[] {
  if (recalled === 0) return [];
  return [`${BELOW}${recalled} ${recalled === 1 ? 'result' : 'results'} kept from ${printable(from)}`];
}

function notPassedLine({ path, verdict, reason, durationMs }: NotPassed, paint: Paint): string {
  return statusLine(verdict, formatSeconds(durationMs), path, reason, paint);
}

/** One line for each of the most frequent causes of skipped tasks. */
function skippedLines({ skippedFor }: Totals, paint: Paint): string[] {
  const reasons = [...skippedFor].sort(([, a], [, b]) => b - a);
  const word = paint(verdictLooks.skip.style, '  SKIPPED');
  const shown = reasons
    .slice(0, SKIP_REASONS)
    .map(([reason, count]) => `${tasks(count)}: ${oneLine(reason)}`);
  if (reasons.length > SKIP_REASONS) shown.push(`more for ${reasons.length - SKIP_REASONS} other reasons`);
  return shown.map((text) => `${word} ${text}`);
}

function poisonedLine({ run: { poisoned } }: RunSnapshot, paint: Paint): string[] {
  if (poisoned.length === 0) return [];
  const names = poisoned.map((resource) => printable(resource)).join(', ');
  return [`${paint('yellow', ' POISONED')} ${names}: state unknown, a task broke while holding it`];
}

function endLine({ run: { hasEnded, endReason } }: RunSnapshot, paint: Paint): string[] {
  if (!hasEnded) return [`${paint('red', '    ENDED')} without an end: the run was aborted`];
  return endReason === undefined ? [] : [`${paint('yellow', '    ENDED')} early: ${printable(endReason)}`];
}

function countsLines(seen: RunSnapshot, columns: number, paint: Paint): string[] {
  const { run, totals, lateErrors } = seen;
  const counts: Item[] = verdicts.flatMap((verdict) => {
    const count = totals.verdicts[verdict] ?? 0;
    return count === 0 ? [] : [{ text: countText(verdict, count), style: verdictLooks[verdict].style }];
  });
  const missing = seen.counts.tasks - seen.counts.done;
  if (missing > 0) counts.push(counted(missing, 'without a result', 'red'));
  if (lateErrors.count > 0)
    counts.push(counted(lateErrors.count, lateErrors.count === 1 ? 'late error' : 'late errors', 'red'));
  const items = counts.length > 0 ? counts : [{ text: 'nothing to do', style: 'reset' as const }];
  const [first = '', ...rest] = brokenList(
    `${tasks(seen.counts.tasks)}${ofThem(totals.services)}:`,
    items,
    columns - BELOW.length,
    paint,
  );
  const time = paint('dim', `[${formatSeconds(run.atMs)}]`);
  return [`${paint('bold', '  SUMMARY')} ${time} ${first}`, ...rest.map((line) => BELOW + line)];
}

interface Item {
  readonly text: string;
  readonly style: Style;
}

function counted(count: number, what: string, style: Style): Item {
  return { text: `${count} ${what}`, style };
}

/** The head and the items after it, broken into lines. */
function brokenList(head: string, items: readonly Item[], columns: number, paint: Paint): string[] {
  const lines: string[] = [];
  let line = head;
  let used = head.length;
  for (const [index, { text, style }] of items.entries()) {
    const comma = index < items.length - 1 ? ',' : '';
    const takes = text.length + comma.length;
    if (index > 0 && used + 1 + takes > columns) {
      lines.push(line);
      [line, used] = [paint(style, text) + comma, takes];
    } else {
      line += ` ${paint(style, text)}${comma}`;
      used += 1 + takes;
    }
  }
  return [...lines, line];
}

/** The gain from running tasks in parallel. */
function gainLine({ run: { atMs }, totals: { workMs } }: RunSnapshot): string[] {
  if (workMs <= 0 || atMs <= 0) return [];
  const gain = workMs / atMs;
  const times = gain < SOME_GAIN ? '' : `, ${gain.toFixed(1)} times as fast as one task after another`;
  return [`${BELOW}${formatSpan(workMs)} of work in ${formatSpan(atMs)}${times}`];
}

/** A service has one result, like any other task. */
function ofThem(services: number): string {
  if (services === 0) return '';
  return services === 1 ? ', 1 of them a service' : `, ${services} of them services`;
}

function tasks(count: number): string {
  return `${count} ${count === 1 ? 'task' : 'tasks'}`;
}
