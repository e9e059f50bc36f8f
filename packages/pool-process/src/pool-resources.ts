/** The resources that all processes of one opened pool share: its folder, its process markers, the helpers that start programs, and the final cleanup. */

import { isUtf8 } from 'node:buffer';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { resolve } from 'node:path';
import type { Problem } from '@pexen/core';
import type { Clock } from '@pexen/pool-kit';
import { HelperHolePuncher, type HolePuncher } from './capture.ts';
import type { Settings } from './options.ts';
import { OrphanReaper } from './orphan-reaper.ts';
import type { Place } from './place.ts';
import { ownEnvironment, parentOpenFiles } from './platform.ts';
import { folderLeft } from './problems.ts';
import type { ProcessMarkers } from './process-markers.ts';
import { signalGroup, stuckMs, sweep } from './process-tree.ts';
import { DiskWatch, diskProbe } from './programs/output-files.ts';
import { pythonHelper } from './programs/python-helper.ts';
import { removeTree } from './programs/sandbox.ts';
import { type RawVariable, Spawner } from './programs/spawner.ts';

export class PoolResources {
  readonly clock: Clock;
  readonly settings: Settings;
  /** The working directory of workers. Undefined: that of this process. */
  readonly cwd: string | undefined;
  readonly markers: ProcessMarkers;
  readonly poller: Poller;
  readonly spawner: Spawner;
  readonly holePuncher: HolePuncher;
  /** Leaders of the pool's running process groups. */
  readonly leaders: Set<number> = new Set();
  /** The environment from which processes start. */
  readonly env: Readonly<Record<string, string>>;
  /** A folder of the pool, for its files and sandboxes. */
  readonly folder: string;
  /** Watches for a full file system in that folder. */
  readonly disk: DiskWatch;
  readonly #reaper: OrphanReaper;
  /** How many sandboxes each place has had. */
  readonly #places = new Map<string, number>();
  readonly #stopPausing: (() => void) | undefined;

  constructor(settings: Settings, clock: Clock, markers: ProcessMarkers, cwd?: string) {
    this.settings = settings;
    this.cwd = cwd;
    this.clock = clock;
    this.markers = markers;
    // Absolute even where TMPDIR is not: programs run in directories of their own.
    this.folder = mkdtempSync(resolve(tmpdir(), 'pexen-'));
    this.poller = new Poller(clock, settings.outputIntervalMs);
    const { env, raw, openFiles } = inherited(settings.env, settings.openFiles);
    this.env = env;
    const foreign = settings.helper === 'auto' ? pythonHelper() : undefined;
    this.spawner = new Spawner(settings.workers, foreign, { clock, markers, env, raw, openFiles });
    if (settings.expects === 'programs' && settings.launcher.length === 0) this.spawner.prepare();
    this.holePuncher = new HelperHolePuncher(this.spawner);
    this.disk = new DiskWatch(diskProbe(this.folder));
    this.#stopPausing = clock.onPause?.((isPaused) => {
      for (const pid of this.leaders) signalGroup({ pid, marker: '' }, isPaused ? 'SIGSTOP' : 'SIGCONT');
    });
    this.#reaper = new OrphanReaper(markers.own, this.folder);
  }

  /** A new name for a sandbox of this place: the remains of one that could not be set up do not block the next. */
  sandboxName({ id, slot }: Place): string {
    const name = slot === undefined ? id : `slot-${id}`;
    const count = (this.#places.get(name) ?? 0) + 1;
    this.#places.set(name, count);
    return count === 1 ? name : `${name}-${count}`;
  }

  /** Releases everything; no attempt may run. Resolves with a problem if something is left behind. */
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

// What programs inherit from the process that runs pexen, as that process got it: Node changes some of it for itself.

/** The environment and limits of programs. */
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
 * The entries of an environment that Node could only decode with a loss. `decoded` is the environment in this process: entries that
 * were changed since are left out.
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

/** These variables of an outer attempt are not inherited. */
const ownVariables = new Set([
  'PEXEN_ATTEMPT_NUMBER',
  'PEXEN_INTERRUPTIONS',
  'PEXEN_REPORT',
  'PEXEN_SLOT',
  'PEXEN_TASK',
  'PEXEN_TIMEOUT_MS',
  'PEXEN_VALUES',
]);

function environment(added: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const own = Object.entries(process.env).filter(([name]) => !ownVariables.has(name));
  const all = Object.entries({ ...Object.fromEntries(own), ...added });
  return Object.fromEntries(all.filter((entry): entry is [string, string] => entry[1] !== undefined));
}

// Polls running attempts at intervals, only while there are some.

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

  /** Ends all polling, and leaves no timer behind. */
  stop(): void {
    this.#looks.clear();
    this.#cancel?.();
    this.#cancel = undefined;
  }

  /** The timer is not cancelled with the last follower, since the next one mostly comes at once. */
  readonly #lookAll = (): void => {
    this.#cancel = undefined;
    for (const look of this.#looks) look();
    if (this.#looks.size > 0) this.#cancel = this.#clock.after(this.#intervalMs, this.#lookAll);
  };
}
