/** The contract of pools, tried on this one. */
import './support/compile-cache.ts';
import { contract, poolConformance } from '@pexen/pool-kit/conformance';
import { describe, test } from 'vitest';
import { sampled } from '#sample';
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

/** What a launcher changes is how a worker is reached: an ordinary run plays a tenth of the cases again. */
const again = new Set(
  contract.flatMap(({ title, cases }) => sampled(cases).map(({ name }) => `${title}: ${name}`)),
);

describe('processes through a launcher', () => {
  const launcher = ['/bin/sh', '-c', 'echo Welcome!; exec "$@"', 'sh'];
  poolConformance({
    test: (name, body) => {
      if (again.has(name)) define(name, body);
    },
    timeoutMs,
    factory: () => processes({ workers: 2, launcher }),
  });
});
