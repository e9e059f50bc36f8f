import { poolConformance } from '@pexen/pool-kit/conformance';
import { test } from 'vitest';
import { inline } from '../src/driver/inline-pool.ts';

poolConformance({ test, factory: () => inline({ concurrency: 2 }) });
