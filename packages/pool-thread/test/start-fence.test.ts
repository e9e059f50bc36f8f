import { Worker } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';
import { StartFence } from '../src/shared-memory.ts';

describe('an attempt', () => {
  test('that was claimed has started', () => {
    const fence = new StartFence();
    expect(fence.claim(fence.epoch, 1)).toBe(true);
    expect(fence.startedUpTo).toBe(1);
  });

  test('that was taken back cannot be claimed, not even after others were sent', () => {
    const fence = new StartFence();
    const { epoch } = fence;
    fence.claim(epoch, 1);
    fence.takeBack();
    expect(fence.claim(epoch, 2)).toBe(false);
    expect(fence.startedUpTo).toBe(1);
    expect(fence.claim(fence.epoch, 3)).toBe(true);
  });

  test('keeps its number when the word has no room for more digits, and when epochs go round', () => {
    const fence = new StartFence();
    expect(fence.startedUpTo).toBe(-1);
    for (let n = 0; n < 5_000; n++) fence.takeBack();
    const last = 2 ** 20 - 1;
    for (const number of [last - 1, last, last + 1, last + 70]) {
      expect(fence.claim(fence.epoch, number)).toBe(true);
      expect(fence.startedUpTo).toBe(number);
    }
  });
});

test('a thread that claims and a host that takes back never both get an attempt', async () => {
  const fence = new StartFence();
  const script = `
    const { workerData, parentPort } = require('node:worker_threads');
    const { StartFence } = require(${JSON.stringify(new URL('../src/shared-memory.ts', import.meta.url).pathname)});
    const fence = new StartFence(workerData);
    const won = [];
    for (let number = 1; number <= 200000; number++) {
      const epoch = fence.epoch;
      if (fence.claim(epoch, number)) won.push(epoch);
    }
    parentPort.postMessage(won.length);`;
  const worker = new Worker(script, { eval: true, workerData: fence.memory });
  const won = new Promise<number>((resolve) => worker.once('message', resolve));
  let isRunning = true;
  won.then(() => {
    isRunning = false;
  });
  let last = -1;
  while (isRunning) {
    for (let n = 0; n < 100; n++) {
      const before = fence.startedUpTo;
      fence.takeBack();
      const after = fence.startedUpTo;
      expect(after).toBeGreaterThanOrEqual(before);
      expect(after).toBeGreaterThanOrEqual(last);
      last = after;
    }
    await new Promise(setImmediate);
  }
  expect(await won).toBeGreaterThan(100_000);
  await worker.terminate();
});
