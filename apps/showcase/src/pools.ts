/** Where the showcase runs, as the environment says: the same tests, whatever carries them. */
import { processes, type SuiteConfig, type SuiteEnvironment, type TaskMeta, threads } from 'pexen';

/** What the configuration says of pools. */
export interface Pools {
  readonly pool: NonNullable<SuiteConfig['pool']>;
  readonly pools: NonNullable<SuiteConfig['pools']>;
  /** Metadata of tasks that are programs. */
  readonly programs: TaskMeta;
}

/**
 * `SHOWCASE_BODIES`: `processes` (default) or `threads`, for the tasks that are functions; programs run in processes in any case.
 * `SHOWCASE_LAUNCHER`: what stands before every process, in words, as `nice -n 5` or `sudo -n -u builder`.
 * @throws Error for another word
 */
export function poolsFor({ SHOWCASE_BODIES = 'processes', SHOWCASE_LAUNCHER = '' }: Environment): Pools {
  const launcher = SHOWCASE_LAUNCHER.split(' ').filter((word) => word !== '');
  const programPool: Pools['pool'] = ({ workers }) => processes({ workers, launcher });
  switch (SHOWCASE_BODIES) {
    case 'processes':
      return { pool: programPool, pools: {}, programs: {} };
    case 'threads': {
      const pool: Pools['pool'] = ({ workers }) => threads({ workers });
      return { pool, pools: { programs: programPool }, programs: { pool: 'programs' } };
    }
    default:
      throw new Error(`SHOWCASE_BODIES is "${SHOWCASE_BODIES}": it must be "processes" or "threads"`);
  }
}

type Environment = SuiteEnvironment['env'];
