/** The reporter for an interactive terminal: a picture of the run, and above it the lines that stay. */
import { type Clock, refuse } from '@pexen/core';
import { optionProblems } from '@pexen/core/options';
import { startTicking, systemClock } from '@pexen/core/timers';
import { Guard, RunTime } from '../between-events.ts';
import type { Change } from '../model/change.ts';
import { type LiveOptions, type TerminalOptions, type TerminalStream, terminalKinds } from '../options.ts';
import { Output } from '../output.ts';
import type { ReadonlyRunModel, Reporter, RunView } from '../reporter.ts';
import { OutputLines } from '../text/output-lines.ts';
import { type Paint, paintFor } from '../text/paint.ts';
import { printableLines } from '../text/printable.ts';
import { changeLines, eventLine } from '../text/result-lines.ts';
import { Shown } from '../text/shown.ts';
import { FailureDetails, summaryLines } from '../text/summary-lines.ts';
import { ForeignOutput } from './foreign-output.ts';
import { Frame } from './frame.ts';
import { Screen } from './screen.ts';
import { onSuspension } from './suspension.ts';

/** At most ten pictures a second. */
const FRAME = 100;
/** Clocks in the picture are updated at least this often. */
const SECOND = 1000;
const SLOW_AFTER = 60_000;
const OUTPUT_LINES = 20;

/**
 * A live view on a terminal. Tasks that passed, were skipped or failed as expected are only counted, unless `passes` is set; all others leave
 * their lines above the view.
 *
 * @example
 * const reporter = process.stdout.isTTY ? live() : lines();   // or terminal(), which chooses
 * @throws PexenError PEXEN_BAD_OPTION
 */
export function live(options: LiveOptions = {}): Reporter {
  refuse(optionProblems('live', options, terminalKinds));
  return new Live(options);
}

class Live implements Reporter {
  readonly name = 'live';
  readonly reads = 'open';
  readonly #stream: TerminalStream;
  readonly #paint: Paint;
  readonly #clock: Clock;
  readonly #time: RunTime;
  readonly #output: Output;
  readonly #screen: Screen;
  readonly #frame: Frame;
  readonly #drawing = new Guard();
  readonly #inspecting = new Guard();
  readonly #shown: Shown;
  readonly #outputs: OutputLines | undefined;
  readonly #failures: FailureDetails | undefined;
  readonly #outputLines: number;
  readonly #rerun: TerminalOptions['rerun'];
  readonly #recalledFrom: string | undefined;
  #view: RunView | undefined;
  #model: ReadonlyRunModel | undefined;
  #note: string | undefined;
  #above: string[] = [];
  #isDirty = true;
  #drawnAt = Number.NEGATIVE_INFINITY;
  #stop: (() => void) | undefined;
  #isOver = false;

  constructor(options: LiveOptions) {
    const stream = options.stream ?? process.stdout;
    this.#stream = stream;
    this.#paint = paintFor(stream, options.color);
    this.#clock = options.clock ?? systemClock;
    this.#time = new RunTime(this.#clock);
    this.#output = new Output(stream);
    this.#screen = new Screen(stream, this.#output, { columns: options.columns, rows: options.rows });
    this.#frame = new Frame(this.#paint, options.slowAfter ?? SLOW_AFTER);
    this.#shown = new Shown(options, ['pass', 'skip', 'expected-fail']);
    this.#outputs = this.#shown.liveOutput ? new OutputLines(this.#paint) : undefined;
    this.#failures = options.failures === 'short' ? undefined : new FailureDetails();
    this.#outputLines = options.outputLines ?? OUTPUT_LINES;
    this.#rerun = options.rerun;
    this.#recalledFrom = options.recalledFrom;
  }

  attach(view: RunView): void {
    this.#view = view;
  }

  update(model: ReadonlyRunModel, change: Change): void {
    if (this.#isOver) return;
    this.#model = model;
    this.#stop ??= this.#start();
    this.#isDirty = true;
    const printed = this.#outputs?.of(change) ?? [];
    this.#above.push(...printed);
    if (change.kind === 'task-update') {
      this.#failures?.add(change, printed);
      return;
    }
    this.#time.eventAt(model.run.atMs);
    const lines = this.#linesOf(change);
    this.#above.push(...(this.#failures?.add(change, lines) ?? lines));
    if (change.kind === 'run-ended') this.#end();
  }

  note(text: string): void {
    this.#note = text;
    if (this.#stop !== undefined && !this.#isOver) this.#draw();
    else this.#output.write(`${eventLine('NOTE', '', text, '', this.#paint)}\n`);
  }

  async close(): Promise<void> {
    this.#end();
    await this.#output.close();
    this.#drawing.rethrow();
    this.#inspecting.rethrow();
  }

  /** Starts to draw, and captures what others would write into the picture. Returns a function that stops both. */
  #start(): () => void {
    const stopTicking = startTicking(this.#clock, FRAME, () => this.#drawing.attempt(() => this.#tick()));
    const redraw = (): void => this.#drawing.attempt(() => this.#draw());
    this.#stream.on('resize', redraw);
    // An exit in the middle of a run restores the cursor, too, and writes the last lines.
    const end = (): void => this.#end();
    process.once('exit', end);
    const isOurs = isOfProcess(this.#stream);
    const suspend = (): void => this.#drawing.attempt(() => this.#screen.close([]));
    const stopWatching = isOurs ? onSuspension({ suspend, resume: redraw }) : () => {};
    const streams = isOurs ? [process.stdout, process.stderr] : [];
    const foreign = new ForeignOutput(streams, (line) => {
      this.#above.push(...printableLines(line));
      this.#isDirty = true;
    });
    return () => {
      stopTicking();
      this.#stream.removeListener('resize', redraw);
      process.removeListener('exit', end);
      stopWatching();
      foreign.release();
    };
  }

  #tick(): void {
    if (this.#isDirty || this.#clock.now() - this.#drawnAt >= SECOND) this.#draw();
  }

  /** Skips pictures while the terminal has not taken the last one; lines that stay are always written. */
  #draw(): void {
    if (this.#model === undefined || (this.#output.isBehind && this.#above.length === 0)) return;
    this.#inspecting.attempt(() => this.#view?.refresh());
    const nowMs = this.#time.now();
    const scene = {
      ...{ note: this.#note, run: this.#model.snapshot(), nowMs },
      ...{ fraction: this.#model.fraction(nowMs), remainingMs: this.#model.remainingMs(nowMs) },
    };
    const { columns, rows } = this.#screen;
    this.#screen.draw(this.#above, this.#frame.lines(scene, { columns, rows }));
    this.#above = [];
    this.#isDirty = false;
    this.#drawnAt = this.#clock.now();
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#stop?.();
    const summary =
      this.#stop === undefined
        ? []
        : summaryLines(this.#model?.snapshot(), this.#paint, {
            ...{ columns: this.#screen.columns, details: this.#failures, recalledFrom: this.#recalledFrom },
          });
    this.#screen.close([...this.#above, ...summary]);
  }

  #linesOf(change: Change): readonly string[] {
    if (!this.#shown.has(change)) return [];
    return changeLines(change, {
      ...{ paint: this.#paint, outputLines: this.#outputLines, rerun: this.#rerun, shown: this.#shown },
      root: this.#model?.run.root ?? process.cwd(),
      columns: this.#screen.columns,
    });
  }
}

function isOfProcess(stream: TerminalStream): boolean {
  return stream === process.stdout || stream === process.stderr;
}
