/** A terminal emulator to write to. */
import { Writable } from 'node:stream';
import { WriteStream } from 'node:tty';
import xterm from '@xterm/headless';

export class Emulator extends Writable {
  readonly isTTY = true;
  columns: number;
  rows: number;
  /** Everything that was written. */
  readonly writes: string[] = [];
  readonly #terminal: InstanceType<typeof xterm.Terminal>;

  constructor(columns: number, rows: number) {
    // Node writes to a terminal synchronously, so it never has to drain.
    super({ decodeStrings: false, highWaterMark: Number.MAX_SAFE_INTEGER });
    this.columns = columns;
    this.rows = rows;
    // A line feed goes to the start of the next line, as with the driver of a real terminal.
    this.#terminal = new xterm.Terminal({
      cols: columns,
      rows,
      convertEol: true,
      allowProposedApi: true,
      scrollback: 5000,
    });
  }

  /** As in Node's streams, by the environment. */
  getColorDepth(): number {
    return WriteStream.prototype.getColorDepth.call(this);
  }

  override _write(text: string, _encoding: string, done: () => void): void {
    this.writes.push(text);
    this.#terminal.write(text, done);
  }

  /** As when the window is resized. */
  async resize(columns: number, rows: number): Promise<void> {
    await this.settled();
    this.#terminal.resize(columns, rows);
    this.columns = columns;
    this.rows = rows;
    this.emit('resize');
  }

  /** Waits until everything is on the screen. */
  async settled(): Promise<void> {
    await new Promise<void>((resolve) => this.write('', () => resolve()));
  }

  /** The visible lines. */
  async screen(): Promise<string> {
    await this.settled();
    const { baseY } = this.#terminal.buffer.active;
    return this.#lines(baseY, baseY + this.#terminal.rows);
  }

  /** All lines, with those that scrolled away. */
  async history(): Promise<string> {
    await this.settled();
    return this.#lines(0, this.#terminal.buffer.active.length);
  }

  get showsCursor(): boolean {
    const text = this.writes.join('');
    return text.lastIndexOf('\u001b[?25h') >= text.lastIndexOf('\u001b[?25l');
  }

  #lines(from: number, to: number): string {
    const lines: string[] = [];
    for (let row = from; row < to; row++) {
      const line = this.#terminal.buffer.active.getLine(row);
      const text = line?.translateToString(true) ?? '';
      if (line?.isWrapped === true && lines.length > 0) lines[lines.length - 1] += text;
      else lines.push(text);
    }
    return `${lines.join('\n').trimEnd()}\n`;
  }
}
