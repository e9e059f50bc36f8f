/** What everything that runs in one opened pool shares: its folder, its process marker, what starts programs, and what tidies up in the end. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { resolve } from 'node:path';
import type { Problem } from '@pexen/core';
import type { Clock } from '@pexen/pool-kit';
import { CookieJar } from './cookie.ts';
import { DiskWatch, diskProbe } from './disk-watch.ts';
import { HelperPunch } from './helper-punch.ts';
import { inherited } from './inherited.ts';
import type { Settings } from './options.ts';
import { OrphanReaper } from './orphan-reaper.ts';
import { folderLeft } from './problems.ts';
import { signalGroup, stuckMs, sweep } from './process-tree.ts';
import type { Punch } from './punch.ts';
import { pythonHelper } from './python-helper.ts';
import { Spawner } from './spawner.ts';
import { Tail } from './tail.ts';
import { removeTree } from './workplace.ts';

export class PoolResources {
  readonly clock: Clock;
  readonly settings: Settings;
  readonly cookies: CookieJar = new CookieJar();
  readonly tail: Tail;
  readonly spawner: Spawner;
  readonly punch: Punch;
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
    this.tail = new Tail(clock, settings.outputIntervalMs);
    const { env, raw, openFiles } = inherited(settings.env, settings.openFiles);
    this.env = env;
    const foreign = settings.helper === 'auto' ? pythonHelper() : undefined;
    const { cookies } = this;
    this.spawner = new Spawner(settings.workers, foreign, { clock, cookies, env, raw, openFiles });
    this.punch = new HelperPunch(this.spawner);
    this.disk = new DiskWatch(diskProbe(this.folder));
    this.#stopPausing = clock.onPause?.((isPaused) => {
      for (const pid of this.leaders) signalGroup({ pid, cookie: '' }, isPaused ? 'SIGSTOP' : 'SIGCONT');
    });
    this.#reaper = new OrphanReaper(cookies.own, this.folder);
  }

  /** A name that no place of this slot has had before: what is left of one that could not be set up is not in the way of the next. */
  nameOfPlace(slot: number): string {
    const count = (this.#places.get(slot) ?? 0) + 1;
    this.#places.set(slot, count);
    return count === 1 ? `slot-${slot}` : `slot-${slot}-${count}`;
  }

  /** Releases everything. Nothing runs any more. Answers what is left behind, if something is. */
  async release(): Promise<Problem | undefined> {
    await this.spawner.close();
    this.tail.stop();
    this.#stopPausing?.();
    await sweep({ pid: undefined, cookie: this.cookies.own }, stuckMs, this.clock);
    await this.#reaper.dismiss();
    this.disk.close();
    const error = await removeTree(this.folder);
    return error === undefined ? undefined : folderLeft(this.folder, error);
  }
}
