import { Worker } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';
import { ResultRing } from '../src/shared-memory.ts';

function taken(ring: ResultRing): [number, unknown][] {
  const all: [number, unknown][] = [];
  ring.readAll((number, value) => all.push([number, value]));
  return all;
}

describe('a ring of results', () => {
  test('hands over what was written, in order', () => {
    const ring = new ResultRing();
    const values = [undefined, null, true, false, 0, -1.5, Number.NaN, Number.MAX_VALUE];
    for (const [number, value] of values.entries()) expect(ring.write(number, value)).toBe(true);
    expect(taken(ring)).toEqual([...values.entries()]);
    expect(taken(ring)).toEqual([]);
  });

  test('takes only what fits', () => {
    const ring = new ResultRing();
    for (const value of ['text', {}, 1n, Symbol.iterator, () => 1]) expect(ring.write(1, value)).toBe(false);
    for (let number = 0; number < 64; number++) expect(ring.write(number, 1)).toBe(true);
    expect(ring.write(64, 1)).toBe(false);
    expect(taken(ring)).toHaveLength(64);
    expect(ring.write(64, 1)).toBe(true);
  });

  test('calls once until all has been taken', () => {
    const ring = new ResultRing();
    ring.write(1, 1);
    expect(ring.mustCall()).toBe(true);
    ring.write(2, 2);
    expect(ring.mustCall()).toBe(false);
    taken(ring);
    ring.write(3, 3);
    expect(ring.mustCall()).toBe(true);
  });

  test('loses nothing between two threads, and calls often enough', async () => {
    const ring = new ResultRing();
    const script = `
      const { workerData, parentPort } = require('node:worker_threads');
      const { ResultRing } = require(${JSON.stringify(new URL('../src/shared-memory.ts', import.meta.url).pathname)});
      const ring = new ResultRing(workerData);
      for (let number = 0; number < 20000; number++) {
        while (!ring.write(number, number * 2));
        if (ring.mustCall()) parentPort.postMessage('written');
      }
      parentPort.postMessage('done');`;
    const worker = new Worker(script, { eval: true, workerData: ring.memory });
    const all: [number, unknown][] = [];
    await new Promise<void>((resolve) => {
      worker.on('message', () => {
        all.push(...taken(ring));
        if (all.length === 20_000) resolve();
      });
    });
    expect(all.every(([number, value], index) => number === index && value === index * 2)).toBe(true);
    await worker.terminate();
  });
});
