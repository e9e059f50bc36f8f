/** An output that is sent in chunks: how much is on its way, what becomes of what does not arrive, and of a disk that refuses. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '@pexen/pool-kit';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { OutputReceiver } from '../src/remote/output-receiver.ts';
import { chunkBytes, type OutputChunk, OutputSender } from '../src/remote/output-sender.ts';

const mebibyte = 1024 * 1024;

let expire: () => void;
let afterMs: number;
const clock: Pick<Clock, 'after'> = {
  after: (ms, callback) => {
    afterMs = ms;
    expire = callback;
    return () => {
      expire = () => {};
    };
  },
};

const sent: OutputChunk[] = [];
beforeEach(() => void sent.splice(0));

function sender(hear: (chunk: OutputChunk) => void = () => {}): OutputSender {
  return new OutputSender({ id: 3, stream: 'stdout' }, clock as Clock, (chunk) => {
    sent.push(chunk);
    hear(chunk);
  });
}

/** A receiver with a file for attempt 3, and what happened to it. */
function receiver(file?: string): { outputs: OutputReceiver; file: string; failures: () => number } {
  const folder = mkdtempSync(join(tmpdir(), 'whole-output-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const target = file ?? join(folder, 'out');
  let failures = 0;
  const outputs = new OutputReceiver(() => ({ file: target, failed: () => failures++ }));
  outputs.expect(3, { path: 'a', attempt: 1 });
  return { outputs, file: target, failures: () => failures };
}

function chunk(at: number, text: string, isLast = false): OutputChunk {
  return { is: 'output', id: 3, stream: 'stdout', at, bytes: Buffer.from(text), isLast };
}

describe('the sender', () => {
  test('has at most 1 MiB on its way, and goes on with each credit', async () => {
    const from = sender();
    const writing = from.write(new Uint8Array(3 * mebibyte));
    await Promise.resolve();
    for (let credits = 0; credits < 16; credits++) {
      await expect.poll(() => sent.length).toBe(8 + credits);
      from.credited();
    }
    await writing;
    expect(sent).toHaveLength(24);
    expect(sent.at(-1)).toMatchObject({ at: 3 * mebibyte - chunkBytes, isLast: false });
  });

  test('gives the slot free when its host takes too long, and earlier when the attempt is aborted', async () => {
    const from = sender();
    const writing = from.write(new Uint8Array(2 * mebibyte));
    expect(afterMs).toBe(5_000);
    from.hurry();
    expect(afterMs).toBe(1_000);
    expire();
    await expect(writing).rejects.toThrow('the host took too long');
    await expect(from.end()).rejects.toThrow();
  });
});

describe('the receiver', () => {
  test('has the whole output when the sender has ended', async () => {
    const { outputs, file, failures } = receiver();
    const bytes = Buffer.from('some words of a log\n'.repeat(100_000));
    const from = sender((each) => outputs.take(each, () => from.credited()));
    await from.write(bytes);
    await from.end();
    outputs.end(3);
    expect(readFileSync(file).equals(bytes)).toBe(true);
    expect(failures()).toBe(0);
  });

  test('marks where bytes are missing, and that the rest is', async () => {
    const { outputs, file } = receiver();
    await new Promise<void>((resolve) => outputs.take(chunk(0, 'first'), resolve));
    await new Promise<void>((resolve) => outputs.take(chunk(100, 'later'), resolve));
    outputs.close();
    expect(readFileSync(file, 'utf8')).toBe(
      'first\n… 95 bytes are missing here: they did not arrive …\nlater\n… the rest is missing: it did not arrive …\n',
    );
  });

  test('keeps nothing beyond 256 MiB, and of no attempt that it does not know', async () => {
    const { outputs, file } = receiver();
    await new Promise<void>((resolve) => outputs.take(chunk(0, 'first'), resolve));
    await new Promise<void>((resolve) => outputs.take(chunk(256 * mebibyte, 'too much'), resolve));
    await new Promise<void>((resolve) => outputs.take({ ...chunk(0, 'whose?'), id: 4 }, resolve));
    outputs.end(3);
    expect(readFileSync(file, 'utf8')).toBe('first\n… the rest is missing: it did not arrive …\n');
  });

  test('says once that the disk refuses, and the sender is not held up', async () => {
    const { outputs, failures } = receiver('/dev/full');
    const from = sender((each) => outputs.take(each, () => from.credited()));
    await from.write(new Uint8Array(2 * mebibyte));
    await from.end();
    outputs.end(3);
    expect(failures()).toBe(1);
  });
});
