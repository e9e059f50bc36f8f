/** Changes packets and messages: some stay well-formed and are wrong, others are malformed. */
import { serialize } from 'node:v8';
import { byteCodec, encodePacket } from '../../src/codec.ts';
import type { Frame } from '../../src/protocol/messages.ts';
import type { Random } from '../sim/random.ts';

/** Values that are wrong nearly everywhere. */
const strange: readonly unknown[] = [
  ...[undefined, null, true, false, 0, -1, 1, 2, 1.5, 1e9, 2 ** 53, -0, Number.NaN, Infinity, 10n],
  ...['', 'x', 'ended', '__proto__', 'px1.lab.ask', '../../etc/passwd', '\u0000', '😀'.repeat(50)],
  ...[[], {}, [1, 2], new Map([[1, 2]]), new Set(['a']), new Date(Number.NaN), /a/, new Error('e')],
  ...[new Uint8Array(3), new Float64Array(2), { __proto__: null, kind: 'frames' }, [[[[[]]]]]],
  JSON.parse('{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}'),
];

/** The value with one place changed: replaced, removed, added, or doubled. */
function mutated(value: unknown, random: Random): unknown {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || random.chance(0.1))
    return random.chance(0.3) ? nearby(value, random) : pick(strange, random);
  if (Array.isArray(value)) {
    if (value.length === 0 || random.chance(0.2)) return [...value, pick(strange, random)];
    const at = random.int(0, value.length);
    if (random.chance(0.2)) return value.filter((_, n) => n !== at);
    return value.map((each, n) => (n === at ? mutated(each, random) : each));
  }
  const names = Object.keys(value);
  const name = names[random.int(0, Math.max(1, names.length))] ?? 'extra';
  const changed: Record<string, unknown> = { ...value };
  if (random.chance(0.15)) delete changed[name];
  else if (random.chance(0.1)) changed[`extra${random.int(0, 3)}`] = pick(strange, random);
  else changed[name] = mutated(changed[name], random);
  return changed;
}

/** Another value of the same kind. */
function nearby(value: unknown, random: Random): unknown {
  if (typeof value === 'number') return value + random.int(-3, 4);
  if (typeof value === 'string') return value.slice(random.int(0, 3)) + (random.chance(0.3) ? 'x' : '');
  return typeof value === 'boolean' ? !value : value;
}

/** Bytes with some of them changed, cut off, or doubled. */
export function garbled(bytes: Uint8Array, random: Random): Uint8Array {
  const copy = Buffer.from(bytes);
  const kind = random.int(0, 4);
  if (kind === 0) return copy.subarray(0, random.int(0, copy.length + 1));
  if (kind === 1) return Buffer.concat([copy, copy.subarray(random.int(0, copy.length + 1))]);
  if (kind === 2) return Buffer.from(Array.from({ length: random.int(0, 64) }, () => random.int(0, 256)));
  for (let n = random.int(1, 6); n > 0; n--)
    copy[random.int(0, Math.max(1, copy.length))] = random.int(0, 256);
  return copy;
}

interface PacketLike {
  readonly frames?: readonly Frame[];
}

/** The bytes of the packet with one of its messages changed, or a part of itself, or some of its bytes. */
export function mutatedPacket(packet: object, random: Random): Uint8Array {
  const { frames } = packet as PacketLike;
  const kind = random.next();
  if (kind < 0.2) return garbled(encodePacket(packet), random);
  if (kind < 0.7 && frames !== undefined && frames.length > 0) {
    const at = random.int(0, frames.length);
    return encodePacket({
      ...packet,
      frames: frames.map((frame, n) => (n === at ? withOther(frame, random) : frame)),
    });
  }
  const other = mutated(packet, random);
  try {
    const bytes = encodePacket(other as object);
    if (bytes.length < 8 * 1024 * 1024) return bytes; // A server accepts no more, even if it is told to accept much.
  } catch {
    // Not every packet can be encoded as one.
  }
  return serialize(other);
}

/** The frame with a message that was changed. */
function withOther(frame: Frame, random: Random): Frame {
  const message: unknown = byteCodec.decoder()(frame.piece);
  if (message === undefined) return frame;
  try {
    const [piece] = byteCodec.encode(mutated(message, random));
    return piece === undefined ? frame : { ...piece, number: frame.number };
  } catch {
    return frame; // Not every value can be sent.
  }
}

export function pick<T>(list: readonly T[], random: Random): T {
  return list[random.int(0, list.length)] as T;
}
