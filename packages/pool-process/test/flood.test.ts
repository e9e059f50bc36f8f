/** One GiB of output: what it costs here, and what it costs the others. */
import { describe, expect, test } from 'vitest';
import { body, factsOf, shell } from './support/attempts.ts';
import { Bench } from './support/bench.ts';
import { costInMib } from './support/memory.ts';

const gibibyte = 1024 ** 3;
const mostMib = 64;

/**
 * A worker that is held up by the flood ends one attempt in it, or two. How fast it is beside the flood says little where other tests run at the same
 * time on two cores: docs/processes.md has the figure of a quiet machine.
 */
const leastTrips = 10;

describe('a body that writes 1 GiB', () => {
  test('head and tail are kept, little memory is used, and the other worker continues', () =>
    new Bench({ workers: 2 }).with(async (bench) => {
      const trips = new Trips(bench);
      await trips.until(elapsed(300));
      const before = await trips.until(elapsed(500));
      let isOver = false;
      const { result, mib } = await costInMib(async () => {
        const flood = bench.run(body('flood', { bytes: gibibyte }));
        const over = flood.finally(() => {
          isOver = true;
        });
        const meanwhile = await trips.until(() => isOver);
        return { meanwhile, outcome: await over };
      });
      const { meanwhile, outcome } = result;
      console.info(
        `round trips beside 1 GiB of output: ${(meanwhile.perSecond / before.perSecond).toFixed(2)} of those alone`,
      );
      expect(outcome.kind).toBe('returned');
      expect(outcome.stdout?.totalBytes).toBeGreaterThanOrEqual(gibibyte);
      expect(outcome.stdout?.head).toHaveLength(2 * 1024 * 1024);
      expect(outcome.stdout?.tail).toHaveLength(2 * 1024 * 1024);
      expect(mib).toBeLessThan(mostMib);
      expect(meanwhile.count).toBeGreaterThan(leastTrips);
    }));
});

describe('a program that writes 1 GiB', () => {
  test('head and tail are kept, and little memory is used', () =>
    new Bench().with(async (bench) => {
      const flood = shell(`yes 0123456789abcde | head -c ${gibibyte}`);
      const { result, mib } = await costInMib(() => bench.run(flood));
      const { stdout } = factsOf(result);
      expect(stdout.head.startsWith('0123456789abcde\n')).toBe(true);
      expect(stdout.tail.endsWith('0123456789abcde\n')).toBe(true);
      expect(stdout.totalBytes).toBe(gibibyte);
      expect(mib).toBeLessThan(mostMib);
    }));
});

/** Attempts that do nothing, one after the other. */
class Trips {
  readonly #bench: Bench;

  constructor(bench: Bench) {
    this.#bench = bench;
  }

  /** How many there are until it is over, and how many in a second. */
  async until(isOver: () => boolean): Promise<{ readonly count: number; readonly perSecond: number }> {
    const sinceMs = performance.now();
    let count = 0;
    for (; !isOver(); count++) {
      const { kind } = await this.#bench.run(body('nothing'));
      expect(kind).toBe('returned');
    }
    return { count, perSecond: (count / (performance.now() - sinceMs)) * 1000 };
  }
}

function elapsed(ms: number): () => boolean {
  const endMs = performance.now() + ms;
  return () => performance.now() > endMs;
}
