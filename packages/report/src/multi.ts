/** Several reporters as one. Whatever goes wrong in one of them stays there. */
import type { NewsEvent, RunEvent } from '@pexen/core';
import type { Reporter, ReporterProblem, RunView } from './reporter.ts';

/**
 * Hands everything to each of the reporters. One that fails is told to `onProblem` once; after that it is only closed, so
 * that it can put the terminal in order. Nothing here ever throws or rejects.
 *
 * @example
 * const all = multi([lines(), junit({ file: 'out/junit.xml' })], ({ reporter, error }) => console.error(reporter, error));
 */
export function multi(
  reporters: readonly Reporter[],
  onProblem: (problem: ReporterProblem) => void,
): Required<Reporter> {
  const members = reporters.map(
    (reporter, index) => new Member(reporter, reporter.name ?? `reporter-${index + 1}`, onProblem),
  );
  const each = (tell: (reporter: Reporter) => void): void => {
    for (const member of members) member.tell(tell);
  };
  return {
    name: 'multi',
    event: (event: RunEvent) => each((reporter) => reporter.event(event)),
    news: (event: NewsEvent) => each((reporter) => reporter.news?.(event)),
    attach: (view: RunView) => each((reporter) => reporter.attach?.(view)),
    note: (text: string) => each((reporter) => reporter.note?.(text)),
    close: async () => {
      await Promise.all(members.map((member) => member.close()));
    },
  };
}

/** One of the reporters, and whether it still works. */
class Member {
  readonly #reporter: Reporter;
  readonly #name: string;
  readonly #onProblem: (problem: ReporterProblem) => void;
  #failed = false;

  constructor(reporter: Reporter, name: string, onProblem: (problem: ReporterProblem) => void) {
    this.#reporter = reporter;
    this.#name = name;
    this.#onProblem = onProblem;
  }

  tell(tell: (reporter: Reporter) => void): void {
    if (this.#failed) return;
    try {
      tell(this.#reporter);
    } catch (error) {
      this.#fail(error);
    }
  }

  async close(): Promise<void> {
    try {
      await this.#reporter.close();
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    if (this.#failed) return;
    this.#failed = true;
    try {
      this.#onProblem({ reporter: this.#name, error });
    } catch {
      // Who is told has failed, too; there is nobody left to tell.
    }
  }
}
