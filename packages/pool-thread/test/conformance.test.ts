import { poolConformance } from '@pexen/pool-kit/conformance';
import { threads } from '@pexen/pool-thread';
import { test } from 'vitest';

poolConformance({ test, factory: () => threads({ workers: 2 }) });
