import { poolConformance } from '@pexen/pool-kit/conformance';
import { threads } from '@pexen/pool-thread';
import { test } from 'vitest';

/** Cases that count the handles of this process, or look at the clock: they must be alone. */
const alone = /handle|while it still keeps|how long a body ran/;

/** Only a pool that is wrong is waited for so long; a right one may run on a machine that is very busy. */
const timeoutMs = 30_000;

poolConformance({
  /** Most cases wait for threads: they wait together. */
  test: (name, body) => (alone.test(name) ? test(name, body) : test.concurrent(name, body)),
  timeoutMs,
  factory: () => threads({ workers: 2 }),
});
