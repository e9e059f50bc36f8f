/** The reporter for pipes, files and CI: a line for every result; nothing is overwritten. */
import { type Clock, refuse } from '@pexen/core';
import { optionProblems } from '@pexen/core/options';
import { startTicking, systemClock } from '@pexen/core/timers';
import { Guard, RunTime, type SlowTask, SlowWatch } from './between-events.ts';
import type { Change } from './model/change.ts';
import { type LinesOptions, type TerminalOptions, terminalKinds } from './options.ts';
import { Output } from './output.ts';
import type { ReadonlyRunModel, Reporter } from './reporter.ts';
import { formatSpan, progressText } from './text/format.ts';
import { OutputLines } from './text/output-lines.ts';
import { type Paint, paintFor } from './text/paint.ts';
import { lastLine, printable } from './text/printable.ts';
import { changeLines, eventLine } from './text/result-lines.ts';
import { Shown } from './text/shown.ts';
import { FailureDetails, summaryLines } from './text/summary-lines.ts';

const SLOW_AFTER = 60_000;
const OUTPUT_LINES = 20;
const SLOW_CHECK = 1000;

/**
 * Writes a line for every task that ended, with its error, findings and output below it if it did not pass; a line whenever a task becomes
 * slow; a summary.
 *
 * @example
 * const reporter = lines({ stream: process.stderr, color: false });
 * @throws PexenError PEXEN_BAD_OPTION
 */
export function lines(options: LinesOptions = {}): Reporter {
  refuse(optionProblems('lines', options, terminalKinds));
  return new Lines(options);
}

class Lines implements Reporter {
  readonly name = 'lines';
  readonly reads = 'open';
  readonly #output: Output;
  readonly #paint: Paint;
  readonly #columns: number | undefined;
  readonly #outputLines: number;
  readonly #rerun: TerminalOptions['rerun'];
  readonly #recalledFrom: string | undefined;
  readonly #shown: Shown;
  readonly #outputs: OutputLines | undefined;
  readonly #clock: Clock;
  readonly #time: RunTime;
  readonly #slow: SlowWatch;
  readonly #failures: FailureDetails | undefined;
  readonly #watching = new Guard();
  #model: ReadonlyRunModel | undefined;
  #stopTicking: (() => void) | undefined;
  #hasSummary = false;

  constructor(options: LinesOptions) {
    const stream = options.stream ?? process.stdout;
    this.#output = new Output(stream);
    this.#paint = paintFor(stream, options.color);
    this.#columns = options.columns ?? (stream.columns || undefined);
    this.#outputLines = options.outputLines ?? OUTPUT_LINES;
    this.#rerun = options.rerun;
    this.#recalledFrom = options.recalledFrom;
    this.#shown = new Shown(options, []);
    this.#outputs = this.#shown.liveOutput ? new OutputLines(this.#paint) : undefined;
    this.#clock = options.clock ?? systemClock;
    this.#time = new RunTime(this.#clock);
    this.#failures = options.failures === 'short' ? undefined : new FailureDetails();
    this.#slow = new SlowWatch(options.slowAfter ?? SLOW_AFTER);
  }

  update(model: ReadonlyRunModel, change: Change): void {
    this.#model = model;
    this.#stopTicking ??= startTicking(this.#clock, SLOW_CHECK, () =>
      this.#watching.attempt(() => this.#reportSlow()),
    );
    const printed = this.#outputs?.of(change) ?? [];
    this.#write(printed);
    if (change.kind === 'task-update') {
      this.#failures?.add(change, printed);
      return;
    }
    this.#time.eventAt(model.run.atMs);
    const lines = this.#linesOf(change);
    this.#write(this.#failures?.add(change, lines) ?? lines);
  }

  note(text: string): void {
    this.#write([eventLine('NOTE', '', text, '', this.#paint)]);
  }

  async close(): Promise<void> {
    this.#stopTicking?.();
    this.#write(this.#summary());
    await this.#output.close();
    this.#watching.rethrow();
  }

  #linesOf(change: Change): readonly string[] {
    switch (change.kind) {
      case 'tasks-added':
        return this.#shown.isQuiet ? [] : addedLines(change.tasks.length, change.atMs, this.#paint);
      case 'run-ended':
        return this.#summary();
      default:
        return this.#shown.has(change) ? this.#textOf(change) : [];
    }
  }

  #textOf(change: Change): readonly string[] {
    return changeLines(change, {
      ...{ paint: this.#paint, outputLines: this.#outputLines, rerun: this.#rerun, shown: this.#shown },
      root: this.#model?.run.root ?? process.cwd(),
      columns: this.#columns,
    });
  }

  #reportSlow(): void {
    const model = this.#model;
    if (model === undefined || this.#shown.isQuiet) return;
    for (const slow of this.#slow.due([...model.services(), ...model.running()], this.#time.now())) {
      const { task, passedMs } = slow;
      const line = eventLine('SLOW', `> ${formatSpan(passedMs)}`, task.path, detailsOf(slow), this.#paint);
      this.#write([line]);
    }
  }

  #summary(): readonly string[] {
    if (this.#hasSummary) return [];
    this.#hasSummary = true;
    return summaryLines(this.#model?.snapshot(), this.#paint, {
      ...{ columns: this.#columns, details: this.#failures, recalledFrom: this.#recalledFrom },
    });
  }

  #write(written: readonly string[]): void {
    if (written.length > 0) this.#output.write(`${written.join('\n')}\n`);
  }
}

function addedLines(tasks: number, atMs: number, paint: Paint): readonly string[] {
  if (tasks === 0) return [];
  const count = `${tasks} ${tasks === 1 ? 'task' : 'tasks'}`;
  return [`${paint('bold', atMs === 0 ? '  RUNNING' : '    ADDED')} ${count}`];
}

/** How long a slow task usually takes, its worker, the attempt, the progress and the last output, as far as they are known. */
function detailsOf({ usuallyMs, running: { worker, attempt, progress, tail } }: SlowTask): string {
  const usually = usuallyMs === undefined ? '' : `usually ${formatSpan(usuallyMs)}`;
  const number = attempt > 1 ? `attempt ${attempt}` : '';
  const parts = [usually, printable(worker), number, progressText(progress), lastLine(tail)];
  return parts.filter((part) => part !== '').join(' · ');
}
