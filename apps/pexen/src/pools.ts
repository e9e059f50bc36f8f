/**
 * The pools, for configurations. What makes a pool is loaded when a configuration makes one: workers evaluate `import … from 'pexen'` with every module of
 * tests, and make none.
 */
import { createRequire } from 'node:module';
import type { Pool } from '@pexen/core';
import type * as poolProcess from '@pexen/pool-process';
import type { ProcessesOptions } from '@pexen/pool-process';
import type * as poolThread from '@pexen/pool-thread';
import type { ThreadsOptions } from '@pexen/pool-thread';
import type * as sched from '@pexen/sched';
import type { InlineOptions } from '@pexen/sched';

const require = createRequire(import.meta.url);

/**
 * A pool of processes: programs, each in a group of its own, and bodies in worker processes that are reused. A hanging attempt
 * is killed with all its processes.
 * @throws PexenError PEXEN_BAD_OPTION
 */
export function processes(options?: ProcessesOptions): Pool {
  return (require('@pexen/pool-process') as typeof poolProcess).processes(options);
}

/**
 * A pool of worker threads. A body that does not stop is ended with its thread; one that is stuck in native code cannot be ended: use `processes()` for those.
 * @throws PexenError PEXEN_BAD_OPTION
 */
export function threads(options?: ThreadsOptions): Pool {
  return (require('@pexen/pool-thread') as typeof poolThread).threads(options);
}

/**
 * A pool in this thread: bodies get their values by reference.
 * @throws PexenError PEXEN_BAD_OPTION
 */
export function inline(options?: InlineOptions): Pool {
  return (require('@pexen/sched') as typeof sched).inline(options);
}
