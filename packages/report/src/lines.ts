/** The reporter for pipes, files and CI: a line for every result as it comes, nothing is ever overwritten. */
import type { Clock, NewsEvent, RunEvent, TaskStarted, TasksAdded } from '@pexen/core';
import { startTicking, systemClock } from '@pexen/core/timers';
import { Guard } from './guard.ts';
import type { LinesOptions } from './options.ts';
import { Output } from './output.ts';
import type { Reporter } from './reporter.ts';
import { RunTime } from './run-time.ts';
import { progressText, type RunningTask, RunningTasks } from './running.ts';
import { SlowWatch } from './slow-watch.ts';
import { Tally } from './tally.ts';
import { formatSpan } from './text/duration.ts';
import { type Paint, paintFor } from './text/paint.ts';
import { lastLine, printable } from './text/printable.ts';
import { finishedLines, lateErrorLines, newsLine, retryLine, skippedLines } from './text/result-lines.ts';
import { summaryLines } from './text/summary-lines.ts';
import { verdictOf } from './verdict.ts';

const SLOW_AFTER = 60_000;
const OUTPUT_LINES = 20;
const SLOW_CHECK = 1000;

/**
 * A line for every task that ended, with what went wrong below it; a line whenever a task becomes slow; a summary.
 *
 * @example
 * const reporter = lines({ stream: process.stderr, color: false });
 */
export function lines(options: LinesOptions = {}): Reporter {
  return new Lines(options);
}

class Lines implements Reporter {
  readonly name = 'lines';
  readonly #output: Output;
  readonly #paint: Paint;
  readonly #columns: number | undefined;
  readonly #outputLines: number;
  readonly #showsPasses: boolean;
  readonly #clock: Clock;
  readonly #time: RunTime;
  readonly #tally = new Tally();
  readonly #running: RunningTasks;
  readonly #slow = new SlowWatch();
  readonly #watching = new Guard();
  #stopTicking: (() => void) | undefined;
  #hasSummary = false;

  constructor(options: LinesOptions) {
    const stream = options.stream ?? process.stdout;
    this.#output = new Output(stream);
    this.#paint = paintFor(stream, options.color);
    this.#columns = options.columns ?? (stream.columns || undefined);
    this.#outputLines = options.outputLines ?? OUTPUT_LINES;
    this.#showsPasses = options.passes ?? true;
    this.#clock = options.clock ?? systemClock;
    this.#time = new RunTime(this.#clock);
    this.#running = new RunningTasks(options.slowAfter ?? SLOW_AFTER);
  }

  event(event: RunEvent): void {
    this.#stopTicking ??= startTicking(this.#clock, SLOW_CHECK, () =>
      this.#watching.attempt(() => this.#tellSlow()),
    );
    this.#time.saw(event.atMs);
    this.#tally.event(event);
    this.#running.event(event);
    this.#write(this.#linesOf(event));
  }

  news(event: NewsEvent): void {
    this.#running.news(event);
  }

  note(text: string): void {
    this.#write([newsLine('NOTE', '', text, '', this.#paint)]);
  }

  async close(): Promise<void> {
    this.#stopTicking?.();
    this.#write(this.#summary());
    await this.#output.close();
    this.#watching.tell();
  }

  #linesOf(event: RunEvent): readonly string[] {
    const options = { paint: this.#paint, outputLines: this.#outputLines };
    switch (event.type) {
      case 'run-started':
        return [];
      case 'tasks-added':
        return addedLines(event, this.#paint);
      case 'task-started':
        return this.#started(event);
      case 'attempt-ended':
        this.#slow.ended(event.path);
        return [retryLine(event, this.#paint)].filter((line) => line !== undefined);
      case 'task-finished':
        this.#slow.ended(event.path);
        return this.#showsPasses || verdictOf(event).verdict !== 'pass' ? finishedLines(event, options) : [];
      case 'task-skipped':
        return skippedLines(event, options);
      case 'worker-lost':
        return [newsLine('LOST', '', `${event.worker} of ${event.pool}`, event.reason, this.#paint)];
      case 'late-error':
        return lateErrorLines(event, options);
      case 'run-ended':
        return this.#summary();
      default:
        return event satisfies never;
    }
  }

  #started({ path, atMs }: TaskStarted): readonly string[] {
    const task = this.#running.get(path);
    if (task !== undefined) this.#slow.started(path, atMs, task.slowAfterMs);
    return [];
  }

  #tellSlow(): void {
    for (const { path, passedMs } of this.#slow.due(this.#time.now())) {
      const task = this.#running.get(path);
      const said = task === undefined ? '' : saidBy(task);
      this.#write([newsLine('SLOW', `> ${formatSpan(passedMs)}`, path, said, this.#paint)]);
    }
  }

  #summary(): readonly string[] {
    if (this.#hasSummary) return [];
    this.#hasSummary = true;
    return summaryLines(this.#tally, this.#columns, this.#paint);
  }

  #write(written: readonly string[]): void {
    if (written.length > 0) this.#output.write(`${written.join('\n')}\n`);
  }
}

function addedLines({ tasks, atMs }: TasksAdded, paint: Paint): readonly string[] {
  if (tasks.length === 0) return [];
  const count = `${tasks.length} ${tasks.length === 1 ? 'task' : 'tasks'}`;
  return [`${paint('bold', atMs === 0 ? '  RUNNING' : '    ADDED')} ${count}`];
}

/** Where a slow task is, and what it does: as much of it as is known. */
function saidBy(task: RunningTask): string {
  const attempt = task.attempt > 1 ? `attempt ${task.attempt}` : '';
  const parts = [printable(task.worker), attempt, progressText(task.progress), lastLine(task.tail)];
  return parts.filter((part) => part !== '').join(' · ');
}
