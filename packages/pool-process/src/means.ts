/** What everything that runs in one opened pool shares. */
import type { Clock } from './clock.ts';
import type { CookieJar } from './cookie.ts';
import type { DiskWatch } from './disk-watch.ts';
import type { Settings } from './options.ts';
import type { Punch } from './punch.ts';
import type { Spawner } from './spawner.ts';
import type { Tail } from './tail.ts';

export interface Means {
  readonly clock: Clock;
  readonly cookies: CookieJar;
  readonly tail: Tail;
  readonly settings: Settings;
  readonly spawner: Spawner;
  readonly punch: Punch;
  /** Leaders of groups of ours that run now: whose they are is known. */
  readonly leaders: Set<number>;
  /** The environment that processes start from. */
  readonly env: Readonly<Record<string, string>>;
  /** A folder of the pool's own, for files without a name and the places where programs run. */
  readonly folder: string;
  /** Whether there is room in that folder. */
  readonly disk: DiskWatch;
  /** A worker ended without being asked to. */
  readonly lost: (worker: string, reason: string) => void;
  /** See `PoolContext.workerGone`. Told at once, and maybe again. */
  readonly gone: (worker: string, reason: string) => void;
  /** An error surfaced in a worker of a body that had ended. */
  readonly late: (worker: string, tasks: readonly string[], error: unknown) => void;
}
