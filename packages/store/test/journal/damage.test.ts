/** Damaged journals: never a crash, never an event that was not recorded, and every loss is seen. `test/fuzz/run.ts` loads more of them. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { sampled, seed } from '#sample';
import { damageOf, load, makeOriginal } from './damage.ts';
import { scratchFolder } from './random-events.ts';
import { randomOf } from './random-numbers.ts';

const numbers = Array.from({ length: 3000 }, (_, number) => number);

test('damaged journals are read without a crash, an invented event, or a loss that is not seen', async () => {
  const directory = scratchFolder();
  const original = await makeOriginal(directory, 60);
  const random = randomOf(seed);
  const verdicts = new Map<string, number>();
  for (const number of sampled(numbers)) {
    const damage = damageOf(original, Math.floor(number / 10) + number * 7, random);
    let verdict: string;
    try {
      verdict = load(original, damage, join(directory, 'damaged'), random() < 0.5);
    } catch (error) {
      throw new Error(`${JSON.stringify(damage)} (seed ${seed})`, { cause: error });
    }
    verdicts.set(verdict, (verdicts.get(verdict) ?? 0) + 1);
  }
  // The bytes that matter are many, and there are others, such as the free space of pages.
  expect(verdicts.get('damaged')).toBeGreaterThan(50);
  expect(verdicts.get('whole')).toBeGreaterThan(10);
});
