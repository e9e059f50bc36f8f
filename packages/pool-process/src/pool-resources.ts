/** What everything that runs in one opened pool shares: its folder, its process marker, what starts programs, and what tidies up in the end. */

import { isUtf8 } from 'node:buffer';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { resolve } from 'node:path';
import type { Problem } from '@pexen/core';
import type { Clock } from '@pexen/pool-kit';
import { HelperHolePuncher, type HolePuncher } from './capture.ts';
import type { Settings } from './options.ts';
import { OrphanReaper } from './orphan-reaper.ts';
import { ownEnvironment, parentOpenFiles } from './platform.ts';
import { folderLeft } from './problems.ts';
import { ProcessMarkers, signalGroup, stuckMs, sweep } from './process-tree.ts';
import { DiskWatch, diskProbe } from './programs/output-files.ts';
import { pythonHelper } from './programs/python-helper.ts';
import { removeTree } from './programs/sandbox.ts';
import { type RawVariable, Spawner } from './programs/spawner.ts';

export class PoolResources {
  readonly clock: Clock;
  readonly settings: Settings;
  readonly markers: ProcessMarkers = new ProcessMarkers();
  readonly poller: Poller;
  readonly spawner: Spawner;
  readonly holePuncher: HolePuncher;
  /** Leaders of groups of ours that run now: whose they are is known. */
  readonly leaders: Set<number> = new Set();
  /** The environment that processes start from. */
  readonly env: Readonly<Record<string, string>>;
  /** A folder of the pool's own, for files without a name and the places where programs run. */
  readonly folder: string;
  /** Whether there is room in that folder. */
  readonly disk: DiskWatch;
  readonly #reaper: OrphanReaper;
  /** How many places each slot has had. */
  readonly #places = new Map<number, number>();
  readonly #stopPausing: (() => void) | undefined;

  constructor(settings: Settings, clock: Clock) {
    this.settings = settings;
    this.clock = clock;
    // Absolute even where TMPDIR is not: programs run in directories of their own.
    this.folder = mkdtempSync(resolve(tmpdir(), 'pexen-'));
    this.poller = new Poller(clock, settings.outputIntervalMs);
    const { env, raw, openFiles } = inherited(settings.env, settings.openFiles);
    this.env = env;
    const foreign = settings.helper === 'auto' ? pythonHelper() : undefined;
    const { markers } = this;
    this.spawner = new Spawner(settings.workers, foreign, { clock, markers, env, raw, openFiles });
    this.holePuncher = new HelperHolePuncher(this.spawner);
    this.disk = new DiskWatch(diskProbe(this.folder));
    this.#stopPausing = clock.onPause?.((isPaused) => {
      for (const pid of this.leaders) signalGroup({ pid, marker: '' }, isPaused ? 'SIGSTOP' : 'SIGCONT');
    });
    this.#reaper = new OrphanReaper(markers.own, this.folder);
  }

  /** A name that no place of this slot has had before: what is left of one that could not be set up is not in the way of the next. */
  sandboxName(slot: number): string {
    const count = (this.#places.get(slot) ?? 0) + 1;
    this.#places.set(slot, count);
    return count === 1 ? `slot-${slot}` : `slot-${slot}-${count}`;
  }

  /** Releases everything. Nothing runs any more. Answers what is left behind, if something is. */
  async release(): Promise<Problem | undefined> {
    await this.spawner.close();
    this.poller.stop();
    this.#stopPausing?.();
    await sweep({ pid: undefined, marker: this.markers.own }, stuckMs, this.clock);
    this.disk.close();
    const error = await removeTree(this.folder);
    // Only now: a process that is killed while it closes its pool leaves nothing behind either.
    await this.#reaper.dismiss();
    return error === undefined ? undefined : folderLeft(this.folder, error);
  }
}

// What programs inherit of the process that runs pexen, as that process was given it: Node changes some of it for itself.

/** What programs start from. */
interface Inherited {
  readonly env: Readonly<Record<string, string>>;
  /** Variables that are not UTF-8, byte for byte; they are not in `env`. */
  readonly raw: readonly RawVariable[];
  /** The soft limit of open files, where it is not the one of this process. */
  readonly openFiles: number | undefined;
}

/** `added` goes over the environment of this process; `openFiles` over the limit of its parent. */
function inherited(
  added: Readonly<Record<string, string | undefined>>,
  openFiles: number | undefined = parentOpenFiles(),
): Inherited {
  const env = environment(added);
  const raw = rawVariables(ownEnvironment(), process.env).filter(({ name }) => !Object.hasOwn(added, name));
  for (const { name } of raw) delete env[name];
  return { env, raw, openFiles };
}

/**
 * The entries of an environment that Node could only decode with a loss. `decoded` is what became of it in this process: an entry that
 * was changed since is not the one that was given.
 */
function rawVariables(
  bytes: Buffer,
  decoded: Readonly<Record<string, string | undefined>>,
): readonly RawVariable[] {
  const found: RawVariable[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf(0, at);
    const entry = bytes.subarray(at, end < 0 ? bytes.length : end);
    at += entry.length + 1;
    const equals = entry.indexOf('=', 1);
    if (equals < 0 || isUtf8(entry)) continue;
    const name = entry.subarray(0, equals);
    const isChanged = isUtf8(name) && decoded[name.toString()] !== entry.subarray(equals + 1).toString();
    if (!isChanged) found.push({ name: name.toString(), entry: entry.toString('base64') });
  }
  return found;
}

/** What our own attempts are told goes not on to theirs. */
const ownVariables = new Set([
  'PEXEN_ATTEMPT_NUMBER',
  'PEXEN_REPORT',
  'PEXEN_SLOT',
  'PEXEN_TASK',
  'PEXEN_TIMEOUT_MS',
]);

function environment(added: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const own = Object.entries(process.env).filter(([name]) => !ownVariables.has(name));
  const all = Object.entries({ ...Object.fromEntries(own), ...added });
  return Object.fromEntries(all.filter((entry): entry is [string, string] => entry[1] !== undefined));
}

// Looks at what is running at intervals, only while something is running.

export class Poller {
  readonly #clock: Clock;
  readonly #intervalMs: number;
  readonly #looks = new Set<() => void>();
  #cancel: (() => void) | undefined;

  constructor(clock: Clock, intervalMs: number) {
    this.#clock = clock;
    this.#intervalMs = intervalMs;
  }

  /** Calls `look` at every interval until the returned function is called. */
  follow(look: () => void): () => void {
    this.#looks.add(look);
    this.#cancel ??= this.#clock.after(this.#intervalMs, this.#lookAll);
    return () => this.#looks.delete(look);
  }

  /** Looks no more, and leaves no timer behind. */
  stop(): void {
    this.#looks.clear();
    this.#cancel?.();
    this.#cancel = undefined;
  }

  /** The timer is not taken back with the last one to follow, since the next one mostly comes at once. */
  readonly #lookAll = (): void => {
    this.#cancel = undefined;
    for (const look of this.#looks) look();
    if (this.#looks.size > 0) this.#cancel = this.#clock.after(this.#intervalMs, this.#lookAll);
  };
}
