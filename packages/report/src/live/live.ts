/** The reporter for people who watch: a picture of the run that stays, and above it what is worth keeping. */
import type { Clock, NewsEvent, RunEvent } from '@pexen/core';
import { startTicking, systemClock } from '@pexen/core/timers';
import { Guard } from '../guard.ts';
import type { LiveOptions, TerminalStream } from '../options.ts';
import { Output } from '../output.ts';
import type { Reporter, RunView } from '../reporter.ts';
import { RunTime } from '../run-time.ts';
import { RunningTasks } from '../running.ts';
import { Tally } from '../tally.ts';
import { type Paint, paintFor } from '../text/paint.ts';
import { printableLines } from '../text/printable.ts';
import { finishedLines, lateErrorLines, newsLine, retryLine, skippedLines } from '../text/result-lines.ts';
import { summaryLines } from '../text/summary-lines.ts';
import { verdictOf } from '../verdict.ts';
import { type Blocked, blockedIn } from './blocked.ts';
import { Estimate } from './estimate.ts';
import { ForeignOutput } from './foreign-output.ts';
import { Frame } from './frame.ts';
import { Screen } from './screen.ts';
import { onSuspension } from './suspension.ts';

/** At most ten pictures a second. */
const FRAME = 100;
/** Clocks in the picture go on at least this often. */
const SECOND = 1000;
/** The run is looked into at most this often. */
const LOOK = 500;
/** Looking into the run may take this share of the time. */
const LOOKING_SHARE = 0.05;
const SLOW_AFTER = 60_000;
const OUTPUT_LINES = 20;

/**
 * A live view on a terminal. Of tasks that passed, were skipped or failed as expected only the counts are shown, unless
 * `passes` is set; everything else leaves its lines above the view.
 *
 * @example
 * const reporter = process.stdout.isTTY ? live() : lines();   // or terminal(), which chooses
 */
export function live(options: LiveOptions = {}): Reporter {
  return new Live(options);
}

class Live implements Reporter {
  readonly name = 'live';
  readonly #stream: TerminalStream;
  readonly #paint: Paint;
  readonly #clock: Clock;
  readonly #time: RunTime;
  readonly #output: Output;
  readonly #screen: Screen;
  readonly #frame: Frame;
  readonly #tally = new Tally();
  readonly #estimate = new Estimate();
  readonly #running: RunningTasks;
  readonly #drawing = new Guard();
  readonly #looking = new Guard();
  readonly #showsPasses: boolean;
  readonly #outputLines: number;
  #view: RunView | undefined;
  #blocked: Blocked | undefined;
  #lookAgainAt = 0;
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
    this.#frame = new Frame(this.#paint);
    this.#running = new RunningTasks(options.slowAfter ?? SLOW_AFTER);
    this.#showsPasses = options.passes ?? false;
    this.#outputLines = options.outputLines ?? OUTPUT_LINES;
  }

  attach(view: RunView): void {
    this.#view = view;
  }

  event(event: RunEvent): void {
    if (this.#isOver) return;
    this.#stop ??= this.#begin();
    this.#time.saw(event.atMs);
    this.#tally.event(event);
    this.#estimate.event(event);
    this.#running.event(event);
    this.#above.push(...this.#linesOf(event));
    this.#isDirty = true;
    if (event.type === 'run-ended') this.#end();
  }

  news(event: NewsEvent): void {
    this.#running.news(event);
    this.#isDirty = true;
  }

  note(text: string): void {
    this.#note = text;
    if (this.#stop !== undefined && !this.#isOver) this.#draw();
    else this.#output.write(`${newsLine('NOTE', '', text, '', this.#paint)}\n`);
  }

  async close(): Promise<void> {
    this.#end();
    await this.#output.close();
    this.#drawing.tell();
    this.#looking.tell();
  }

  /** Begins to draw, and catches what others would write into the picture. */
  #begin(): () => void {
    const stopTicking = startTicking(this.#clock, FRAME, () => this.#drawing.attempt(() => this.#tick()));
    const redraw = (): void => this.#drawing.attempt(() => this.#draw());
    this.#stream.on('resize', redraw);
    // Whoever ends the process in the middle of a run still gets the cursor back, and sees what was said last.
    const end = (): void => this.#end();
    process.once('exit', end);
    const isOurs = isOfProcess(this.#stream);
    const leave = (): void => this.#drawing.attempt(() => this.#screen.close([]));
    const stopWatching = isOurs ? onSuspension({ leave, comeBack: redraw }) : () => {};
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

  #draw(): void {
    this.#look();
    const running = [...this.#running.list()];
    const nowMs = this.#time.now();
    const scene = {
      ...{ note: this.#note, tally: this.#tally, running, blocked: this.#blocked, nowMs },
      fraction: this.#estimate.fraction(nowMs, running),
      remainingMs: this.#estimate.remainingMs(nowMs, running),
    };
    const { columns, rows } = this.#screen;
    this.#screen.draw(this.#above, this.#frame.lines(scene, { columns, rows }));
    this.#above = [];
    this.#isDirty = false;
    this.#drawnAt = this.#clock.now();
  }

  /** Looks into the run, but never so often that the run would notice. */
  #look(): void {
    const now = this.#clock.now();
    if (this.#view === undefined || now < this.#lookAgainAt) return;
    const view = this.#view;
    this.#looking.attempt(() => {
      this.#blocked = blockedIn(view.inspect());
    });
    this.#lookAgainAt = now + Math.max(LOOK, (this.#clock.now() - now) / LOOKING_SHARE);
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#stop?.();
    const summary =
      this.#stop === undefined ? [] : summaryLines(this.#tally, this.#screen.columns, this.#paint);
    this.#screen.close([...this.#above, ...summary]);
  }

  #linesOf(event: RunEvent): readonly string[] {
    const options = { paint: this.#paint, outputLines: this.#outputLines };
    switch (event.type) {
      case 'task-finished':
        return this.#isWorthKeeping(verdictOf(event).verdict) ? finishedLines(event, options) : [];
      case 'task-skipped':
        return this.#isWorthKeeping(verdictOf(event).verdict) ? skippedLines(event, options) : [];
      case 'attempt-ended':
        return [retryLine(event, this.#paint)].filter((line) => line !== undefined);
      case 'worker-lost':
        return [newsLine('LOST', '', `${event.worker} of ${event.pool}`, event.reason, this.#paint)];
      case 'late-error':
        return lateErrorLines(event, options);
      case 'run-started':
      case 'tasks-added':
      case 'task-started':
      case 'run-ended':
        return [];
      default:
        return event satisfies never;
    }
  }

  #isWorthKeeping(verdict: string): boolean {
    return this.#showsPasses || (verdict !== 'pass' && verdict !== 'skip' && verdict !== 'expected-fail');
  }
}

function isOfProcess(stream: TerminalStream): boolean {
  return stream === process.stdout || stream === process.stderr;
}
