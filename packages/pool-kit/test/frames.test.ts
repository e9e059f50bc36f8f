/** Messages on a stream of bytes that is cut anywhere, and that may carry garbage. */
import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { FrameReader, frame, LineReader, MessageStream } from '../src/index.ts';

/** The same bytes, cut after each one, after every second one, … and not at all. */
function* cut(bytes: Buffer): Generator<Buffer[]> {
  for (let size = 1; size <= bytes.length; size++) {
    const chunks: Buffer[] = [];
    for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size));
    yield chunks;
  }
}

test('frames are assembled from any chunks', () => {
  const contents = ['', 'a', 'größer', 'x'.repeat(300)];
  for (const chunks of cut(Buffer.concat(contents.map((each) => frame(Buffer.from(each)))))) {
    const reader = new FrameReader();
    expect(chunks.flatMap((chunk) => reader.push(chunk)).map(String)).toEqual(contents);
  }
});

test('a frame that says it is longer than 512 MiB is refused', () => {
  const head = Buffer.alloc(4);
  head.writeUInt32LE(512 * 1024 * 1024 + 1);
  expect(() => new FrameReader().push(head)).toThrow(RangeError);
});

test('lines are assembled from any chunks, also within a character', () => {
  for (const chunks of cut(Buffer.from('eins\n\nzwölf €\nrest'))) {
    const reader = new LineReader();
    expect(chunks.flatMap((chunk) => reader.push(chunk))).toEqual(['eins', '', 'zwölf €']);
  }
});

test('text that is already decoded is accepted, too', () => {
  const reader = new LineReader();
  expect(['ei', 'ns\nzw', 'ei\n'].flatMap((chunk) => reader.push(chunk))).toEqual(['eins', 'zwei']);
});

test('after garbage no message is delivered any more, which is reported once', async () => {
  const stream = new PassThrough();
  const heard: unknown[] = [];
  const garbled: unknown[] = [];
  const messages = new MessageStream(
    stream,
    (message) => heard.push(message),
    (error) => garbled.push(error),
  );
  messages.send(new Map([['a', 1n]]));
  stream.write(frame(Buffer.from('no message')));
  messages.send('more');
  stream.write('and more');
  stream.end();
  await messages.closed;
  expect(heard).toEqual([new Map([['a', 1n]])]);
  expect(garbled.length).toBe(1);
});
