/**
 * A picture at the end of a terminal, and lines that scroll above it. Each change is one write, so that nothing flickers; log-update finds out
 * what to redraw. Does not know the content of the picture.
 */
import type { createLogUpdate } from 'log-update';
import stripAnsi from 'strip-ansi';
import { loadLogUpdate } from '../on-demand.ts';
import type { TerminalStream } from '../options.ts';
import type { Output } from '../output.ts';
import { widthOf } from '../text/width.ts';

const HIDE_CURSOR = '\u001b[?25l';
const SHOW_CURSOR = '\u001b[?25h';
/** Terminals that support these show everything between the two at once. */
const BEGIN_UPDATE = '\u001b[?2026h';
const END_UPDATE = '\u001b[?2026l';
/** For terminals that do not know their size: some report 0. */
const COLUMNS = 80;
const ROWS = 24;

/** A fixed size; undefined entries are those of the stream. */
export interface FixedSize {
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
}

export class Screen {
  readonly #stream: TerminalStream;
  readonly #output: Output;
  readonly #fixed: FixedSize;
  readonly #log: ReturnType<typeof createLogUpdate>;
  #pending = '';
  #shown: readonly string[] = [];
  #shownColumns = 0;
  #isOpen = false;

  constructor(stream: TerminalStream, output: Output, fixed: FixedSize) {
    this.#stream = stream;
    this.#output = output;
    this.#fixed = fixed;
    this.#log = loadLogUpdate().createLogUpdate(this.#buffer(), { showCursor: true });
  }

  get columns(): number {
    return this.#fixed.columns ?? (this.#stream.columns || COLUMNS);
  }

  get rows(): number {
    return this.#fixed.rows ?? (this.#stream.rows || ROWS);
  }

  /** Shows the picture, and above it the new lines, which stay. */
  draw(above: readonly string[], picture: readonly string[]): void {
    this.#open();
    this.#forgetIfResized();
    if (above.length > 0) {
      this.#log.clear();
      this.#pending += `${above.join('\n')}\n`;
    }
    this.#log(picture.join('\n'));
    this.#shown = picture;
    this.#shownColumns = this.columns;
    this.#flush();
  }

  /** Removes the picture, writes the last lines, and shows the cursor. Another picture may follow. */
  close(last: readonly string[]): void {
    if (this.#isOpen) {
      this.#forgetIfResized();
      this.#log.clear();
      this.#isOpen = false;
      this.#shown = [];
      this.#pending += SHOW_CURSOR;
    }
    if (last.length > 0) this.#pending += `${last.join('\n')}\n`;
    this.#flush();
  }

  #open(): void {
    if (this.#isOpen) return;
    this.#isOpen = true;
    this.#pending += HIDE_CURSOR;
  }

  /** A terminal that got narrower has rewrapped the lines of the picture: they are removed by the rows that they take now. */
  #forgetIfResized(): void {
    if (this.#shown.length === 0 || this.#shownColumns === this.columns) return;
    const taken = this.#shown.map((line) => Math.ceil(widthOf(stripAnsi(line)) / Math.max(1, this.columns)));
    const rows = taken.reduce((sum, count) => sum + Math.max(1, count), 0);
    this.#pending += `\u001b[${Math.min(rows, this.rows - 1)}A\r\u001b[J`;
    this.#shown = [];
    this.#log.done();
  }

  #flush(): void {
    if (this.#pending === '') return;
    this.#output.write(BEGIN_UPDATE + this.#pending + END_UPDATE);
    this.#pending = '';
  }

  /** The stream that log-update writes to: collects the output, and has the size of the real terminal. */
  #buffer(): NodeJS.WritableStream {
    const size = { columns: () => this.columns, rows: () => this.rows };
    return {
      write: (text: string): boolean => {
        this.#pending += text;
        return true;
      },
      get columns(): number {
        return size.columns();
      },
      get rows(): number {
        return size.rows();
      },
    } as unknown as NodeJS.WritableStream;
  }
}
