import { Worker } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';
import { Claims, distance, numberAfter } from '../src/claims.ts';

describe('an attempt', () => {
  test('that was claimed has begun', () => {
    const claims = new Claims();
    expect(claims.claim(claims.epoch, 1)).toBe(true);
    expect(claims.begun).toBe(1);
  });

  test('that was taken back cannot be claimed, not even after others were sent', () => {
    const claims = new Claims();
    const { epoch } = claims;
    claims.claim(epoch, 1);
    claims.takeBack();
    expect(claims.claim(epoch, 2)).toBe(false);
    expect(claims.begun).toBe(1);
    expect(claims.claim(claims.epoch, 3)).toBe(true);
  });

  test('keeps its place when numbers and epochs go round', () => {
    const claims = new Claims();
    for (let n = 0; n < 5_000; n++) claims.takeBack();
    const last = numberAfter(0, -1 + 2 ** 20);
    expect(claims.claim(claims.epoch, last)).toBe(true);
    expect(claims.claim(claims.epoch, numberAfter(last, 1))).toBe(true);
    expect(claims.begun).toBe(0);
    expect(distance(last, 0)).toBe(1);
    expect(distance(0, last)).toBe(-1);
  });
});

test('a thread that claims and a host that takes back never both get an attempt', async () => {
  const claims = new Claims();
  const script = `
    const { workerData, parentPort } = require('node:worker_threads');
    const { Claims } = require(${JSON.stringify(new URL('../src/claims.ts', import.meta.url).pathname)});
    const claims = new Claims(workerData);
    const won = [];
    for (let number = 1; number <= 200000; number++) {
      const epoch = claims.epoch;
      if (claims.claim(epoch, number)) won.push(epoch);
    }
    parentPort.postMessage(won.length);`;
  const worker = new Worker(script, { eval: true, workerData: claims.memory });
  const won = new Promise<number>((resolve) => worker.once('message', resolve));
  let isRunning = true;
  won.then(() => {
    isRunning = false;
  });
  let last = 0;
  while (isRunning) {
    for (let n = 0; n < 100; n++) {
      const before = claims.begun;
      claims.takeBack();
      const after = claims.begun;
      expect(after).toBeGreaterThanOrEqual(before);
      expect(after).toBeGreaterThanOrEqual(last);
      last = after;
    }
    await new Promise(setImmediate);
  }
  expect(await won).toBeGreaterThan(100_000);
  await worker.terminate();
});
