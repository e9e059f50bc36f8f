/** Writes the decisions of a run to a file, step by step, so that `pexen replay` can repeat them. */
import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { messageOf, misuse, type Problem } from '@pexen/core';
import { Recorder } from '@pexen/sched/replay';

/** How many characters are written at once. */
const chunk = 65_536;

/** A file of JSON lines. It also contains the steps of an interrupted run, except for the last few. */
export class RecordFile {
  readonly recorder: Recorder;
  readonly #file: string;
  readonly #handle: number;
  #text = '';

  /** @throws PexenError PEXEN_NOT_RECORDED where the file cannot be opened. */
  constructor(file: string) {
    this.#file = resolve(file);
    try {
      mkdirSync(dirname(this.#file), { recursive: true });
      this.#handle = openSync(this.#file, 'w');
    } catch (error) {
      const { code, message, hint } = this.#problem(error);
      throw misuse(code, message, hint);
    }
    this.recorder = new Recorder((step) => {
      this.#text += `${JSON.stringify(step)}\n`;
      if (this.#text.length >= chunk) this.#flush();
    });
  }

  /** Writes the rest. Returns the problem with the file since it was opened, if any. */
  close(): Problem | undefined {
    try {
      if (this.recorder.error !== undefined) return this.#problem(this.recorder.error);
      this.#flush();
      return undefined;
    } catch (error) {
      return this.#problem(error);
    } finally {
      closeSync(this.#handle);
    }
  }

  #flush(): void {
    let rest = Buffer.from(this.#text);
    this.#text = '';
    while (rest.length > 0) rest = rest.subarray(writeSync(this.#handle, rest));
  }

  #problem(error: unknown): Problem {
    return {
      code: 'PEXEN_NOT_RECORDED',
      message: `the decisions of the run could not be recorded: ${messageOf(error)}`,
      hint: `Make ${this.#file} writable.`,
    };
  }
}
