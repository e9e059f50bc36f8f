import { poolConformance } from '@pexen/pool-kit/conformance';
import { threads } from '@pexen/pool-thread';
import { test } from 'vitest';

/** Only a pool that is wrong is waited for so long; a right one may run on a machine that is very busy. */
const timeoutMs = 30_000;

poolConformance({ test, timeoutMs, factory: () => threads({ workers: 2 }) });
