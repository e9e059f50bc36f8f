/** The contract of pools, tried on this one. */
import './support/compile-cache.ts';
import { poolConformance } from '@pexen/pool-kit/conformance';
import { describe, test } from 'vitest';
import { processes } from '../src/index.ts';

/** Cases that count the handles of this process, or look at the clock: they must be alone. */
const alone = /handle|while it still keeps|how long a body ran/;

/** Most cases wait for processes: they wait together. */
function define(name: string, body: () => Promise<void>): void {
  if (alone.test(name)) test(name, body);
  else test.concurrent(name, body);
}

const timeoutMs = 30_000;

describe('processes', () => {
  poolConformance({ test: define, timeoutMs, factory: () => processes({ workers: 2 }) });
});

describe('processes through a launcher', () => {
  const launcher = ['/bin/sh', '-c', 'echo Welcome!; exec "$@"', 'sh'];
  poolConformance({
    test: define,
    timeoutMs,
    factory: () => processes({ workers: 2, launcher }),
  });
});
