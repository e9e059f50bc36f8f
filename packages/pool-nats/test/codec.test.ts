/** Packets as bytes: what is sent arrives as it was, and what anyone may send is refused. */
import { expect, test } from 'vitest';
import { byteCodec, decodePacket, encodePacket } from '../src/codec.ts';
import type { Frame, ToNode } from '../src/protocol/messages.ts';

type Packet = Extract<ToNode, { kind: 'frames' }>;

const messages: readonly unknown[] = [
  { do: 'credit', link: 1, id: 2 },
  { text: 'ä€😀', values: [1.5, -0, null, undefined, Number.NaN] },
  {
    map: new Map([[1, new Set(['a'])]]),
    date: new Date(0),
    bytes: new Uint8Array([1, 2, 3]),
    large: 2n ** 70n,
  },
  { text: 'x'.repeat(600_000) },
  {},
];

function packetWith(list: readonly unknown[]): Packet {
  const frames = list
    .flatMap(byteCodec.encode)
    .map((piece, at): Frame => ({ ...piece, number: 2 ** 40 + at }));
  return { kind: 'frames', session: 'h.n.1', heardUpTo: 7, frames, echoMs: 123_456.789 };
}

/** The messages in the frames, in their order. */
function messagesIn({ frames }: Packet): unknown[] {
  const decode = byteCodec.decoder();
  return frames.flatMap(({ piece }) => decode(piece) ?? []);
}

test('messages of all kinds arrive as they were, in frames with their numbers', () => {
  const sent = packetWith(messages);
  const { frames, ...rest } = decodePacket(encodePacket(sent)) as Packet;
  expect(rest).toEqual({ kind: 'frames', session: 'h.n.1', heardUpTo: 7, echoMs: 123_456.789 });
  expect(frames.map(({ number, size }) => [number, size])).toEqual(
    sent.frames.map(({ number, size }) => [number, size]),
  );
  expect(messagesIn({ ...sent, frames })).toEqual(messages);
});

test('packets without frames, and greetings, arrive as they were', () => {
  for (const packet of [packetWith([]), { kind: 'leave', session: 's' }, { node: 'n', labels: { a: 'b' } }])
    expect(decodePacket(encodePacket(packet))).toEqual(packet);
});

test('other bytes are refused, wherever a packet breaks off or differs', () => {
  const bytes = encodePacket(packetWith(messages.slice(0, 2)));
  const heads = Buffer.from(bytes).readUInt32LE(1) + 5;
  for (let length = 0; length < bytes.length; length++) {
    const part = decodePacket(bytes.subarray(0, length)) as Packet | undefined;
    // A packet may end after its head or after a frame: it has fewer frames, which are whole.
    if (part !== undefined) expect(length >= heads && part.frames.length < 2).toBe(true);
  }
  for (let at = 0; at < heads; at++) {
    const other = Uint8Array.from(bytes);
    other[at] = (other[at] ?? 0) ^ 0xff;
    expect(() => decodePacket(other)).not.toThrow();
  }
  for (const text of ['', 'px', '\u00b7', '{"kind":"frames"}'])
    expect(decodePacket(Buffer.from(text, 'latin1'))).toBeUndefined();
});

test('a packet that is longer than any is refused, also if it could be read', () => {
  const frames = Array.from({ length: 100_000 }, (_, at) => ({
    number: at,
    size: 0,
    piece: { bytes: Buffer.alloc(0), isPart: false },
  }));
  expect(decodePacket(encodePacket({ kind: 'frames', session: 's', heardUpTo: 0, frames }))).toBeUndefined();
  expect(
    decodePacket(encodePacket({ kind: 'frames', session: 's', heardUpTo: 0, frames: frames.slice(0, 10) })),
  ).toBeDefined();
});
