/** The answers of a search on the disk, so that a search that was stopped goes on. A search is known by its run, its victim and the suite. */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Increases by one with every change of the search: answers belong to its trials. */
const logVersion = 1;

interface Log {
  readonly version: typeof logVersion;
  readonly suite: string;
  readonly answers: readonly boolean[];
}

export class SearchLog {
  readonly #file: string;
  readonly #suite: string;
  #answers: readonly boolean[];

  /** `suite`: equal while the tests are the same. */
  constructor(directory: string, run: string, victim: string, suite: string) {
    mkdirSync(directory, { recursive: true });
    const name = createHash('sha256').update(`${run} ${victim}`).digest('hex').slice(0, 12);
    this.#file = join(directory, `${name}.json`);
    this.#suite = suite;
    this.#answers = this.#read();
  }

  /** Those of earlier searches for the same. */
  get answers(): readonly boolean[] {
    return this.#answers;
  }

  add(failed: boolean): void {
    this.#answers = [...this.#answers, failed];
    const log: Log = { version: logVersion, suite: this.#suite, answers: this.#answers };
    writeFileSync(`${this.#file}.new`, JSON.stringify(log));
    renameSync(`${this.#file}.new`, this.#file);
  }

  /** The search is over. */
  remove(): void {
    rmSync(this.#file, { force: true });
  }

  /** Nothing where it is of another version or suite, or cannot be read. */
  #read(): readonly boolean[] {
    try {
      const { version, suite, answers } = JSON.parse(readFileSync(this.#file, 'utf8')) as Partial<Log>;
      const isKnown = version === logVersion && suite === this.#suite && Array.isArray(answers);
      return isKnown ? answers.map(Boolean) : [];
    } catch {
      return [];
    }
  }
}
