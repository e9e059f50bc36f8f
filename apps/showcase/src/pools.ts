/** The pools of the showcase, chosen by environment variables: the same tests run in any of them. */
import { nats } from '@pexen/pool-nats';
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
  /** The pool of the group that has one of its own. */
  readonly crowd: SuiteGroup['pool'];
  readonly pools: NonNullable<SuiteConfig['pools']>;
  /** Metadata of tasks that are programs. */
  readonly programs: TaskMeta;
}

/**
 * `SHOWCASE_BODIES`: `processes` (default) or `threads`, for the tasks that are functions; programs run in processes in any case. `nodes`: both run on the
 * nodes of the pool `showcase` at `SHOWCASE_SERVERS`, of which there must be three.
 * `SHOWCASE_LAUNCHER`: the command that starts every process, such as `nice -n 5` or `sudo -n -u builder`.
 * @throws Error for other values
 */
export function poolsFor({
  SHOWCASE_BODIES = 'processes',
  SHOWCASE_LAUNCHER = '',
  SHOWCASE_SERVERS,
}: Environment): Pools {
  const launcher = SHOWCASE_LAUNCHER.split(' ').filter((word) => word !== '');
  const programPool: Pools['pool'] = ({ workers }) => processes({ workers, launcher });
  switch (SHOWCASE_BODIES) {
    case 'processes':
      return { pool: programPool, crowd: programPool, pools: {}, programs: {} };
    case 'threads': {
      const pool: Pools['pool'] = ({ workers }) => threads({ workers });
      return { pool, crowd: pool, pools: { programs: programPool }, programs: { pool: 'programs' } };
    }
    case 'nodes': {
      const servers = SHOWCASE_SERVERS === undefined ? {} : { servers: SHOWCASE_SERVERS };
      const pool = () => nats({ ...servers, pool: 'showcase', nodes: 3 });
      return { pool, crowd: programPool, pools: {}, programs: {} };
    }
    default:
      throw new Error(
        `SHOWCASE_BODIES is "${SHOWCASE_BODIES}": it must be "processes", "threads" or "nodes"`,
      );
  }
}

type Environment = SuiteEnvironment['env'];
