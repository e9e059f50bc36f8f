/** The contract of pools, tried on this one. */
import { poolConformance } from '@pexen/pool-kit/conformance';
import { describe, test } from 'vitest';
import { processes } from '../src/index.ts';

describe('processes', () => {
  poolConformance({ test, factory: () => processes({ workers: 2 }) });
});
