/** The pools of the showcase, chosen by environment variables: the same tests run in any of them. */
import {
  processes,
  type SuiteConfig,
  type SuiteEnvironment,
  type SuiteGroup,
  type TaskMeta,
  threads,
} from 'pexen';

/** The entries of the configuration about pools. */
export interface Pools {
  readonly pool: SuiteGroup['pool'];
  readonly pools: NonNullable<SuiteConfig['pools']>;
  /** Metadata of tasks that are programs. */
  readonly programs: TaskMeta;
}

/**
 * `SHOWCASE_BODIES`: `processes` (default) or `threads`, for the tasks that are functions; programs run in processes in any case.
 * `SHOWCASE_LAUNCHER`: the command that starts every process, such as `nice -n 5` or `sudo -n -u builder`.
 * @throws Error for other values
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
