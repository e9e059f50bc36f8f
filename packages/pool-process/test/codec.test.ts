/** Frames, whole and broken. */
import { describe, expect, test } from 'vitest';
import { encodeFrame, FrameReader, greeting, ProtocolError } from '../src/codec.ts';
import { isFromWorker } from '../src/workers/messages.ts';

const messages: unknown[] = [
  { is: 'ready' },
  null,
  'ä€😀',
  [1, -0, Number.NaN, Number.POSITIVE_INFINITY, 1n, undefined],
  { a: undefined, b: new Map([[1, new Set([new Date(0)])]]), c: Buffer.from('bytes') },
  { odd: 'x', numbers: new Float64Array([1, 2.5]), view: new DataView(new Uint8Array([1, 2]).buffer) },
  'lone \ud800 surrogate',
  { text: 'täxt "quoted"\n\u2028'.repeat(10_000) },
  ['ASCII '.repeat(1_000), { deep: ['é'.repeat(5_000), '\ud800'.repeat(5_000)] }, 'short'],
  '€'.repeat(5_000),
  { long: 'x'.repeat(10_000), many: Array.from({ length: 1000 }, (_, n) => n) },
  JSON.parse('{"__proto__": {"polluted": true}, "toJSON": 1}'),
];

function carry<T>(message: T): T {
  const heard: unknown[] = [];
  new FrameReader().push(encodeFrame(message), (each) => heard.push(each));
  return heard[0] as T;
}

/** Numbers that look random and are the same every time. */
function* numbers(seed: number): Generator<number, never> {
  for (let state = seed >>> 0; ; ) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    yield state;
  }
}

test('messages survive any split of their bytes', () => {
  const bytes = Buffer.concat(messages.map((message) => encodeFrame(message)));
  const random = numbers(1);
  for (let round = 0; round < 50; round++) {
    const reader = new FrameReader();
    const heard: unknown[] = [];
    for (let at = 0; at < bytes.length; ) {
      const length = 1 + (random.next().value % (round === 0 ? 1 : 4000));
      reader.push(bytes.subarray(at, at + length), (message) => heard.push(message));
      at += length;
    }
    expect(heard).toEqual(messages);
  }
});

test('values that JSON would change are kept: named properties of an array, and shared objects', () => {
  const twice = { here: 'and there' };
  const carried = carry({ match: 'abc'.match(/b/), first: twice, second: twice });
  expect(carried.match?.index).toBe(1);
  expect(carried.second).toBe(carried.first);
});

test('long texts are carried, whatever their length in JSON', () => {
  const texts = Array.from({ length: 12 }, () => '\u0001'.repeat(8 * 1024 * 1024));
  expect(carry(texts)).toEqual(texts);
});

test('a frame that is written into a buffer is the same', () => {
  const room = Buffer.alloc(1000);
  for (const message of messages) expect(encodeFrame(message, room)).toEqual(encodeFrame(message));
});

test('the kept part of a reused chunk is a copy', () => {
  const bytes = Buffer.concat(messages.map((message) => encodeFrame(message)));
  const lent = Buffer.alloc(100);
  const reader = new FrameReader();
  const heard: unknown[] = [];
  for (let at = 0; at < bytes.length; at += lent.length) {
    const length = bytes.copy(lent, 0, at);
    reader.push(lent.subarray(0, length), (message) => heard.push(message), true);
    lent.fill(0);
  }
  expect(heard).toEqual(messages);
});

test('no prototype is changed by a message', () => {
  const heard: unknown[] = [];
  new FrameReader().push(encodeFrame(messages.at(-1)), (each) => heard.push(each));
  const [message] = heard;
  expect(Object.getPrototypeOf(message)).toBe(Object.prototype);
  expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
});

test('a long text stays in its place', () => {
  const forged = { message: { a: '' }, places: [{ path: ['__proto__', 'x'], bytes: 1, isWide: false }] };
  const json = Buffer.from(JSON.stringify(forged));
  const content = Buffer.concat([Buffer.from([0xfe, json.length, 0, 0, 0]), json, Buffer.from('y')]);
  const frame = Buffer.concat([Buffer.from([0xa7, content.length, 0, 0, 0]), content]);
  expect(() => new FrameReader().push(frame, () => {})).toThrow(ProtocolError);
  expect(({} as { x?: string }).x).toBeUndefined();
});

describe('garbage', () => {
  test('is noticed at the first byte, and earlier messages are delivered', () => {
    const heard: unknown[] = [];
    const bytes = Buffer.concat([encodeFrame(1), encodeFrame(2), Buffer.from('hello')]);
    expect(() => new FrameReader().push(bytes, (each) => heard.push(each))).toThrow(ProtocolError);
    expect(heard).toEqual([1, 2]);
  });

  test('is an error of the protocol or a message, never anything else: 20,000 frames with some bytes changed', () => {
    const random = numbers(7);
    const next = (below: number) => random.next().value % below;
    const frames = [
      ...messages,
      { is: 'ended', id: 1, out: 0, err: 0, outcome: { kind: 'returned', value: new Map() } },
    ].map((message) => encodeFrame(message));
    for (let round = 0; round < 20_000; round++) {
      const frame = Buffer.from(frames[next(frames.length)] ?? []);
      for (let change = 0; change <= next(4); change++) frame[5 + next(frame.length - 5)] = next(256);
      try {
        new FrameReader().push(frame, isFromWorker);
      } catch (error) {
        expect(error).toBeInstanceOf(ProtocolError);
      }
    }
  });
});

describe('with a greeting', () => {
  test.each(['', 'Welcome to host!\r\n', '\0pexen', '\xa7\xff\xff\xff\xff'])(
    'what comes before it is passed over: %j',
    (before) => {
      const bytes = Buffer.concat([
        Buffer.from(before, 'latin1'),
        greeting,
        encodeFrame({ a: 1 }),
        encodeFrame(2),
      ]);
      for (const step of [1, 3, 1000]) {
        const reader = new FrameReader(true);
        const heard: unknown[] = [];
        for (let at = 0; at < bytes.length; at += step)
          reader.push(bytes.subarray(at, at + step), (message) => heard.push(message));
        expect(heard).toEqual([{ a: 1 }, 2]);
      }
    },
  );
});
