/** Catching output in files. */
import { readFileSync, statSync, truncateSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '@pexen/pool-kit';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { HolePuncher } from '../src/capture.ts';
import { Capture, type CaptureLimits, HelperHolePuncher, headText, tailText } from '../src/capture.ts';
import { ProcessMarkers } from '../src/process-markers.ts';
import { Spawner } from '../src/programs/spawner.ts';
import { scratch } from './support/attempts.ts';
import { until } from './support/strays.ts';

const impossible: HolePuncher = { isPossible: false, makeHole: () => {} };

function helperHolePuncher(): HolePuncher {
  const means = { clock: systemClock, markers: new ProcessMarkers(), env: { PATH: process.env.PATH ?? '' } };
  const spawner = new Spawner(1, undefined, means);
  onTestFinished(() => spawner.close());
  return new HelperHolePuncher(spawner);
}

const limits: CaptureLimits = { kept: 8, onDisk: 32, reportedAtOnce: 4 };

function capture(
  given: Partial<CaptureLimits> = {},
  holePuncher: HolePuncher = impossible,
): {
  caught: Capture;
  write: (text: string | Buffer) => void;
} {
  const caught = new Capture(join(scratch(), 'output'), { ...limits, ...given }, holePuncher);
  onTestFinished(() => caught.close());
  return { caught, write: (text) => void writeSync(caught.fd, Buffer.from(text)) };
}

test('short output is kept whole', () => {
  const { caught, write } = capture();
  write('12345678');
  expect(caught.finish()).toEqual({ head: '12345678', tail: '', totalBytes: 8 });
});

test('of longer output, the beginning and the end are kept', () => {
  const { caught, write } = capture();
  write('1234----5678');
  expect(caught.finish()).toEqual({ head: '1234', tail: '5678', totalBytes: 12 });
});

test('one attempt after the other', () => {
  const { caught, write } = capture();
  write('one');
  expect(caught.finish().head).toBe('one');
  write('two');
  expect(caught.finish().head).toBe('two');
  expect(caught.finish()).toEqual({ head: '', tail: '', totalBytes: 0 });
});

test('attempts of a writer that continues', () => {
  const { caught, write } = capture();
  write('stray');
  caught.begin();
  write('one');
  const end = caught.size;
  write('two');
  expect(caught.finishAt(end, false).head).toBe('one');
  expect(caught.readNew()).toBe('two');
  expect(caught.finishAt(caught.size, true).head).toBe('two');
  expect(caught.size).toBe(0);
});

test('new output: each part once, and a note about what is left out', () => {
  const { caught, write } = capture();
  write('ab');
  expect([caught.readNew(), caught.readNew()]).toEqual(['ab', '']);
  write('0123456789');
  expect(caught.readNew()).toBe('\n… 6 bytes left out …\n6789');
});

test('new output: a character in two parts', () => {
  const { caught, write } = capture();
  const [first, ...rest] = Buffer.from('ä€');
  write(Buffer.from([first ?? 0]));
  expect(caught.readNew()).toBe('');
  write(Buffer.from(rest));
  expect(caught.readNew()).toBe('ä€');
});

describe('where the middle of a file cannot be freed', () => {
  test('the file is truncated, and the kept parts stay', () => {
    const { caught, write } = capture();
    write(`head${'-'.repeat(40)}`);
    caught.readNew();
    expect(caught.size).toBe(0);
    write('tail');
    expect(caught.finish()).toEqual({ head: 'head', tail: 'tail', totalBytes: 48 });
  });

  test('where it was truncated just before the end, the place is marked', () => {
    const { caught, write } = capture();
    write(`head${'-'.repeat(38)}ta`);
    caught.readNew();
    write('il');
    expect(caught.finish()).toEqual({ head: 'head', tail: 'ta\n…\nil', totalBytes: 46 });
  });
});

test('the middle of a large file takes no disk space, and the rest is kept', async () => {
  const { caught, write } = capture({ kept: 65_536, onDisk: 1_048_576 }, helperHolePuncher());
  for (let round = 0; round < 4; round++) {
    write(`begin ${round}\n${'-'.repeat(4 * 1_048_576)}`);
    caught.readNew();
  }
  write('the end');
  await until(() => statSync(caught.path).blocks * 512 < 5 * 1_048_576);
  const { head, tail, totalBytes } = caught.finish();
  expect(head.startsWith('begin 0\n---')).toBe(true);
  expect(tail.endsWith('---the end')).toBe(true);
  expect(totalBytes).toBe(4 * (8 + 4 * 1_048_576) + 7);
});

test('a program that empties its own output', () => {
  const { caught, write } = capture();
  write('gone');
  caught.readNew();
  truncateSync(caught.path);
  write('new');
  expect(caught.readNew()).toBe('new');
  expect(caught.finish()).toEqual({ head: 'new', tail: '', totalBytes: 3 });
});

describe('text that was cut within characters', () => {
  const bytes = Buffer.from('aä€😀z');

  test('at the end', () => {
    const texts = Array.from(bytes, (_, length) => headText(bytes.subarray(0, length)));
    expect(texts).toEqual(['', 'a', 'a', 'aä', 'aä', 'aä', 'aä€', 'aä€', 'aä€', 'aä€', 'aä€😀']);
  });

  test('at the beginning', () => {
    const texts = Array.from(bytes, (_, from) => tailText(bytes.subarray(from)));
    expect(texts).toEqual(['aä€😀z', 'ä€😀z', '€😀z', '€😀z', '😀z', '😀z', '😀z', 'z', 'z', 'z', 'z']);
  });

  test('bytes that are not text stay recognizable', () => {
    expect(headText(Buffer.from([0x61, 0xff, 0xfe]))).toBe('a\ufffd\ufffd');
  });
});

describe('a copy of output that is too long to be returned', () => {
  const copyOf = async (caught: Capture): Promise<string> => {
    const target = join(scratch(), 'copy');
    await caught.copyTo(target);
    return readFileSync(target, 'utf8');
  };

  test('is whole while all of it is on the disk, and starts where the attempt does', async () => {
    const { caught, write } = capture();
    write('before');
    caught.begin();
    write('12345678');
    expect(caught.isLong).toBe(false);
    write('9');
    expect(caught.isLong).toBe(true);
    expect(await copyOf(caught)).toBe('123456789');
  });

  test('is without the mark of a file that is evidence', async () => {
    const caught = new Capture(join(scratch(), 'output'), limits, impossible, {});
    onTestFinished(() => caught.close());
    writeSync(caught.fd, '1234567890');
    expect(await copyOf(caught)).toBe('1234567890');
  });

  test('says how much was left out in a hole', async () => {
    const { caught, write } = capture({}, { isPossible: true, makeHole: () => {} });
    write(`head${'-'.repeat(40)}tail`);
    caught.readNew();
    write('more');
    expect(await copyOf(caught)).toBe('head\n… 40 bytes left out …\ntailmore');
  });

  test('says how much was left out of a file that was truncated', async () => {
    const { caught, write } = capture();
    write(`head${'-'.repeat(40)}tail`);
    caught.readNew();
    write('more');
    expect(await copyOf(caught)).toBe('head\n… 40 bytes left out …\ntailmore');
  });

  test('rejects where the target cannot be written', async () => {
    const { caught, write } = capture();
    write('123456789');
    await expect(caught.copyTo('/nowhere/at/all')).rejects.toThrow('ENOENT');
  });
});
