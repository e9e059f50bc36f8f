/**
 * The loop of a watched suite: collects changes until they have settled, starts a round for them, and obeys keys and signals. One round runs at
 * a time; what changes meanwhile is part of the next one. Knows no files, processes and terminals.
 */
import { relative } from 'node:path';
import type { Clock } from '@pexen/core';
import picomatch from 'picomatch';
import { type ExitCode, exitCodes } from '../verdict/exit-code.ts';
import type { WatchMemory } from './affected.ts';
import { changedFiles } from './changed-files.ts';
import type { RoundKind, RoundOrder, RoundReport } from './round.ts';

/** How a round ended: with a report; with problems, which it has printed; or because its process died. */
export type RoundEnd =
  | { readonly kind: 'reported'; readonly report: RoundReport }
  | { readonly kind: 'refused' }
  | { readonly kind: 'died'; readonly reason: string };

/** A round in progress. */
export interface RunningRound {
  readonly ended: Promise<RoundEnd>;
  /** As if the process of the round got the signal. */
  signal(signal: NodeJS.Signals): void;
}

/** What a user asks for. A filter of `''` removes the filter. */
export type WatchKey =
  | { readonly kind: Exclude<RoundKind, 'affected' | 'named'> }
  | { readonly kind: 'named'; readonly paths: readonly string[] }
  | { readonly kind: 'filter'; readonly query: string };

/** What the session needs from outside. */
export interface WatchParts {
  readonly clock: Clock;
  startRound(order: RoundOrder): RunningRound;
  /** Called with each report, for example to watch further files. */
  onReport(report: RoundReport): void;
  /** Shows one line. */
  say(line: string): void;
  /** Shows that the session waits, and the keys if there are any. */
  waiting(filter: string | undefined): void;
}

/** How long nothing may have changed before a round starts, ms: editors and version control write several files. */
const settleMs = 40;
/** A file that is written all the time must not delay rounds forever. */
const longestSettleMs = 2_000;
/**
 * So many rounds in a row for the same files, each changed during the round before: then tests write files that they themselves depend on, and
 * the session waits for another change.
 */
const mostEchoes = 10;

/** Starts with a round of all tasks as soon as it is made. */
export class WatchSession {
  /** Resolves when the session has ended. */
  readonly ended: Promise<ExitCode>;
  readonly #parts: WatchParts;
  readonly #end: (exitCode: ExitCode) => void;
  #round: RunningRound | undefined;
  #memory: WatchMemory | undefined;
  #filter: string | undefined;
  /** Paths that changed since the last round started, and whether all of them may have been written by that round. */
  readonly #changed = new Set<string>();
  #isEcho = true;
  /** Paths that changed since a round could last run. */
  readonly #touched = new Set<string>();
  #written: ReadonlySet<string> = new Set();
  #isIgnored: (path: string) => boolean = () => false;
  #wanted: Wanted | undefined;
  /** Do changes start rounds? */
  #isWatching = true;
  #cancelTimer: (() => void) | undefined;
  /** When the first of the changes happened that have not settled yet. */
  #firstMs: number | undefined;
  #echoes = 0;
  #echoed = '';
  #isTyping = false;
  /** The signal that ends the session after the round. */
  #ending: NodeJS.Signals | undefined;
  #hasEnded = false;

  constructor(parts: WatchParts) {
    this.#parts = parts;
    const { promise, resolve } = Promise.withResolvers<ExitCode>();
    this.ended = promise;
    this.#end = resolve;
    this.#start({ kind: 'all' });
  }

  /** A file was written, added or removed. */
  changed(path: string): void {
    if (this.#hasEnded || this.#written.has(path) || this.#isIgnored(path)) return;
    this.#isEcho &&= this.#round !== undefined;
    this.#changed.add(path);
    if (this.#round === undefined) this.#settle();
  }

  key(key: WatchKey): void {
    if (this.#hasEnded || this.#ending !== undefined) return;
    if (key.kind === 'filter') this.#filter = key.query === '' ? undefined : key.query;
    if (key.kind === 'all') this.#filter = undefined;
    this.#wanted = key.kind === 'filter' ? { kind: 'all' } : key;
    this.#next();
  }

  /** Whether changes start rounds. Those that happen while they do not are part of the next round that they start. */
  watch(isOn: boolean): void {
    this.#isWatching = isOn;
    this.#next();
  }

  /** Stops the round in progress, and goes on watching. `drain`: it starts nothing more; `cancel`: what runs is stopped as well. */
  stopRound(how: 'drain' | 'cancel'): void {
    this.#round?.signal(how === 'drain' ? 'SIGINT' : 'SIGTERM');
  }

  /** True while no round runs. */
  get isWaiting(): boolean {
    return this.#round === undefined && !this.#hasEnded;
  }

  /** While a query is typed, changes wait. */
  typing(isTyping: boolean): void {
    this.#isTyping = isTyping;
    if (!isTyping) this.#next();
  }

  /** The first ends the session, after the round; a round in progress handles it and further ones as a run does. */
  signal(signal: NodeJS.Signals): void {
    if (this.#hasEnded) return;
    if (this.#round === undefined) {
      this.#finish(exitCodeOf(signal));
      return;
    }
    this.#ending ??= signal;
    this.#round.signal(signal);
  }

  /** Ends the session, for example because files can no longer be watched. */
  fail(exitCode: ExitCode): void {
    this.#round?.signal('SIGTERM');
    this.#finish(exitCode);
  }

  #settle(): void {
    const { clock } = this.#parts;
    const nowMs = clock.now();
    this.#firstMs ??= nowMs;
    this.#cancelTimer?.();
    const delayMs = Math.max(Math.min(settleMs, this.#firstMs + longestSettleMs - nowMs), 0);
    this.#cancelTimer = clock.after(delayMs, () => {
      this.#cancelTimer = undefined;
      this.#firstMs = undefined;
      this.#next();
    });
  }

  /** Starts the next round if there is a reason for one. */
  #next(): void {
    if (this.#round !== undefined || this.#hasEnded || this.#isTyping) return;
    if (this.#wanted !== undefined) this.#start(this.#wanted);
    else if (this.#isWatching && this.#changed.size > 0 && this.#cancelTimer === undefined)
      this.#startForChanges();
  }

  #startForChanges(): void {
    const files = [...this.#changed].sort();
    const echoed = this.#isEcho ? files.join('\n') : '';
    if (echoed === '' || echoed !== this.#echoed) this.#echoes = 0;
    this.#echoed = echoed;
    if (this.#echoes < mostEchoes) {
      this.#start({ kind: 'affected' });
      return;
    }
    this.#changed.clear();
    this.#isEcho = true;
    this.#parts.say(
      `${files[0]} changes whenever the tests run that it affects. Waiting for another change; see watchIgnore.`,
    );
    this.#parts.waiting(this.#filter);
  }

  #start({ kind, paths }: Wanted | { readonly kind: 'affected'; readonly paths?: never }): void {
    // A round of the failed tests, or of the last ones, leaves what has changed for the round after it.
    const takesChanges = kind === 'affected' || kind === 'all';
    const changed = takesChanges ? [...this.#changed].sort() : [];
    const isEcho = this.#isEcho && changed.length > 0;
    if (takesChanges) {
      this.#changed.clear();
      this.#isEcho = true;
    }
    this.#wanted = undefined;
    const touched = this.#touched.size === 0 ? [] : [...new Set([...this.#touched, ...changed])];
    const round = this.#parts.startRound({
      ...{ kind, memory: this.#memory, filter: this.#filter, changed, touched },
      ...(paths !== undefined && { paths }),
    });
    this.#round = round;
    round.ended.then((end) => this.#over(end, { kind, changed, isEcho }));
  }

  #over(end: RoundEnd, started: Started): void {
    this.#round = undefined;
    if (this.#hasEnded) return;
    const isSilent = this.#take(end, started);
    if (this.#ending !== undefined) {
      this.#finish(wasSeen(end, started) ? exitCodes.interrupted : exitCodeOf(this.#ending));
      return;
    }
    for (const path of this.#changed)
      if (this.#written.has(path) || this.#isIgnored(path)) this.#changed.delete(path);
    if (!isSilent) this.#parts.waiting(this.#filter);
    if (this.#changed.size > 0) this.#settle();
    this.#next();
  }

  /** Returns true if there is nothing to see of the round. */
  #take(end: RoundEnd, { kind, changed, isEcho }: Started): boolean {
    if (end.kind !== 'reported') {
      if (end.kind === 'died' && this.#ending === undefined)
        this.#parts.say(`The process of the run ended: ${end.reason}.`);
      for (const path of changed) this.#touched.add(path);
      return false;
    }
    const { report } = end;
    this.#touched.clear();
    this.#memory = report.memory;
    this.#written = new Set(report.written);
    this.#isIgnored = ignoring(report.ignored, report.root);
    this.#parts.onReport(report);
    if (report.ran > 0) {
      if (isEcho) this.#echoes++;
      return false;
    }
    if (isEcho && kind === 'affected') return true;
    this.#parts.say(nothing(kind, changed, report.root));
    return false;
  }

  #finish(exitCode: ExitCode): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#cancelTimer?.();
    this.#end(exitCode);
  }
}

/** A round that was asked for. */
interface Wanted {
  readonly kind: Exclude<RoundKind, 'affected'>;
  readonly paths?: readonly string[];
}

interface Started {
  readonly kind: RoundKind;
  readonly changed: readonly string[];
  readonly isEcho: boolean;
}

/** The exit code of a session that waits for changes, by the signal that ends it: to interrupt it is how a user leaves. */
function exitCodeOf(signal: NodeJS.Signals): ExitCode {
  return signal === 'SIGINT' ? exitCodes.ok : exitCodes.interrupted;
}

/** Does the user know of the round? Of one that looks at files which the round before may have written, nothing is shown unless tests run. */
function wasSeen(end: RoundEnd, { kind, isEcho }: Started): boolean {
  return !isEcho || kind !== 'affected' || (end.kind === 'reported' && end.report.ran > 0);
}

/** Matches the patterns relative to the root. */
function ignoring(patterns: readonly string[], root: string): (path: string) => boolean {
  if (patterns.length === 0) return () => false;
  const matches = picomatch([...patterns, ...patterns.map((pattern) => `${pattern}/**`)], { dot: true });
  return (path) => matches(relative(root, path));
}

/** Why a round ran nothing, for people. */
function nothing(kind: RoundKind, changed: readonly string[], root: string): string {
  if (kind === 'failed') return 'No test failed.';
  return changed.length === 0 ? 'Nothing to run.' : `${changedFiles(changed, root)}: nothing to run.`;
}
