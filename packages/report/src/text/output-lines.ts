/** The output of running tasks as lines, each with the path of its task, as it comes. */
import type { TaskUpdate } from '@pexen/core';
import type { Change } from '../model/change.ts';
import type { Paint } from './paint.ts';
import { clipped, printable, printableLines } from './printable.ts';
import { INDENT } from './result-lines.ts';

/** A line without an end is shown when it is longer than that, characters. */
const longestRest = 8_192;

/** What has come of lines that have not ended. */
interface Rest {
  stdout: string;
  stderr: string;
}

export class OutputLines {
  readonly #paint: Paint;
  readonly #rests = new Map<string, Rest>();

  constructor(paint: Paint) {
    this.#paint = paint;
  }

  /** The lines that are complete with this change. At the end of an attempt all are. */
  of(change: Change): string[] {
    if (change.kind === 'task-update') return this.#update(change.task.path, change.update);
    if (change.kind !== 'attempt-ended' && change.kind !== 'task-ended') return [];
    const { path } = change.task;
    const { stdout = '', stderr = '' } = this.#rests.get(path) ?? {};
    this.#rests.delete(path);
    return [...this.#lines(path, 'stdout', stdout), ...this.#lines(path, 'stderr', stderr)];
  }

  #update(path: string, update: TaskUpdate): string[] {
    if (update.kind === 'log') return this.#lines(path, 'stdout', update.message);
    if (update.kind !== 'output') return [];
    const rest = this.#rests.get(path) ?? { stdout: '', stderr: '' };
    this.#rests.set(path, rest);
    const { stream } = update;
    const text = rest[stream] + update.text;
    const end = text.length > longestRest ? text.length : text.lastIndexOf('\n') + 1;
    rest[stream] = text.slice(end);
    return this.#lines(path, stream, text.slice(0, end));
  }

  #lines(path: string, stream: 'stdout' | 'stderr', text: string): string[] {
    const start = `${INDENT}${printable(path)} ${this.#paint(stream === 'stdout' ? 'dim' : 'red', '│')} `;
    return printableLines(text).map((line) => start + clipped(line));
  }
}
