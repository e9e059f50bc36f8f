import { Worker } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';
import { Tray } from '../src/tray.ts';

function taken(tray: Tray): [number, unknown][] {
  const all: [number, unknown][] = [];
  tray.takeAll((number, value) => all.push([number, value]));
  return all;
}

describe('a tray', () => {
  test('hands over what was laid, in order', () => {
    const tray = new Tray();
    const values = [undefined, null, true, false, 0, -1.5, Number.NaN, Number.MAX_VALUE];
    for (const [number, value] of values.entries()) expect(tray.lay(number, value)).toBe(true);
    expect(taken(tray)).toEqual([...values.entries()]);
    expect(taken(tray)).toEqual([]);
  });

  test('takes only what fits', () => {
    const tray = new Tray();
    for (const value of ['text', {}, 1n, Symbol.iterator, () => 1]) expect(tray.lay(1, value)).toBe(false);
    for (let number = 0; number < 64; number++) expect(tray.lay(number, 1)).toBe(true);
    expect(tray.lay(64, 1)).toBe(false);
    expect(taken(tray)).toHaveLength(64);
    expect(tray.lay(64, 1)).toBe(true);
  });

  test('calls once until all has been taken', () => {
    const tray = new Tray();
    tray.lay(1, 1);
    expect(tray.mustCall()).toBe(true);
    tray.lay(2, 2);
    expect(tray.mustCall()).toBe(false);
    taken(tray);
    tray.lay(3, 3);
    expect(tray.mustCall()).toBe(true);
  });

  test('loses nothing between two threads, and calls often enough', async () => {
    const tray = new Tray();
    const script = `
      const { workerData, parentPort } = require('node:worker_threads');
      const { Tray } = require(${JSON.stringify(new URL('../src/tray.ts', import.meta.url).pathname)});
      const tray = new Tray(workerData);
      for (let number = 0; number < 20000; number++) {
        while (!tray.lay(number, number * 2));
        if (tray.mustCall()) parentPort.postMessage('laid');
      }
      parentPort.postMessage('done');`;
    const worker = new Worker(script, { eval: true, workerData: tray.memory });
    const all: [number, unknown][] = [];
    await new Promise<void>((resolve) => {
      worker.on('message', () => {
        all.push(...taken(tray));
        if (all.length === 20_000) resolve();
      });
    });
    expect(all.every(([number, value], index) => number === index && value === index * 2)).toBe(true);
    await worker.terminate();
  });
});
