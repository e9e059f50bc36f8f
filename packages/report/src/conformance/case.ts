/** One rule of the contract of reporters, and how a reporter is held to it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@pexen/core/timers';
import { multi, type RunListener } from '../multi.ts';
import type { Reporter } from '../reporter.ts';
import type { ScriptEntry } from './run-script.ts';

/** What the kit knows of a reporter. */
export interface ReporterUnderTest {
  /** Makes the reporter; what it writes is in the folder. */
  readonly make: (folder: string) => Reporter;
  /** What it has written there, as text. Undefined: its text is not tested. */
  readonly read: ((folder: string) => string | Promise<string>) | undefined;
  /** Does its text name every task that did not pass? */
  readonly namesFailures: boolean;
  /** May it print to the terminal? */
  readonly prints: boolean;
}

/** A folder and reporters, for one case. */
export class ReporterBench {
  readonly given: ReporterUnderTest;
  readonly #folders: string[] = [];

  constructor(given: ReporterUnderTest) {
    this.given = given;
  }

  /** A new, empty folder. */
  folder(): string {
    const folder = mkdtempSync(join(tmpdir(), 'pexen-reporter-'));
    this.#folders.push(folder);
    return folder;
  }

  /** Plays the run to a new reporter as a run does, from its start to its close. Throws the error of the reporter. */
  async play(entries: readonly ScriptEntry[], folder: string = this.folder()): Promise<Reporter> {
    const reporter = this.given.make(folder);
    const listener = listenerOf(reporter);
    give(listener, entries);
    await listener.close();
    return reporter;
  }

  /** The text that it wrote into the folder. */
  async text(folder: string): Promise<string> {
    return (await this.given.read?.(folder)) ?? '';
  }

  remove(): void {
    for (const folder of this.#folders) rmSync(folder, { recursive: true, force: true });
  }
}

/** Calls the reporter as `multi` does; its errors are thrown by `close`. */
export function listenerOf(reporter: Reporter): RunListener {
  const problems: unknown[] = [];
  const all = multi([reporter], ({ error }) => problems.push(error));
  return {
    ...all,
    close: async () => {
      await all.close();
      if (problems.length > 0) throw problems[0];
    },
  };
}

export function give(listener: RunListener, entries: readonly ScriptEntry[]): void {
  for (const entry of entries)
    if ('event' in entry) listener.event(entry.event);
    else listener.taskUpdate(entry.update);
}

/** A rule, as a sentence about the reporter. */
export interface ReporterCase {
  readonly name: string;
  readonly appliesTo: (given: ReporterUnderTest) => boolean;
  readonly check: (bench: ReporterBench) => Promise<void>;
}

export const always: ReporterCase['appliesTo'] = () => true;
export const hasText: ReporterCase['appliesTo'] = ({ read }) => read !== undefined;

/** Declares a rule. */
export function rule(
  name: string,
  appliesTo: ReporterCase['appliesTo'],
  check: ReporterCase['check'],
): ReporterCase {
  return { name, appliesTo, check };
}

/** Runs the case; one that hangs fails after that time. */
export async function tryCase(
  each: ReporterCase,
  given: ReporterUnderTest,
  timeoutMs: number,
): Promise<void> {
  const bench = new ReporterBench(given);
  let cancel = (): void => {};
  const tooLong = new Promise<never>((_, reject) => {
    cancel = systemClock.after(timeoutMs, () => reject(new Error(`not done after ${timeoutMs} ms`)));
  });
  try {
    await Promise.race([each.check(bench), tooLong]);
  } finally {
    cancel();
    bench.remove();
  }
}
