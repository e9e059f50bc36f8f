/**
 * Packets and messages as bytes. Messages go as the messages of processes do: in JSON where that is exact and short, else in V8's format; long ones in
 * pieces that servers accept. A packet with pieces has a head in JSON and the bytes of its pieces. Interprets nothing.
 */
import { deserialize, serialize } from 'node:v8';
import { misuse, type PexenError } from '@pexen/core';
import { decodeFrame, encodeFrame } from '@pexen/pool-process/remote';
import type { Codec, Frame, Piece } from './protocol/messages.ts';

/** The version of V8's format here: the first two bytes of everything that is serialized are a mark and the version. */
export const formatVersion: number = serialize(0)[1] ?? 0;

/** Servers accept payloads of 1 MiB by default; a packet is half of that. */
const pieceBytes = 256 * 1024;

/** No packet is longer, bytes, whatever a server accepts: a short frame takes up twenty times what it has. */
const longestPacket = 1024 * 1024;

/** No message may be longer, bytes: both sides hold a message as a whole. */
export const longestMessage: number = 64 * 1024 * 1024;

interface BytePiece {
  readonly bytes: Buffer;
  /** The message goes on in the next piece. */
  readonly isPart: boolean;
}

function tooLarge(length: number): PexenError {
  const mebibytes = (bytes: number): string => `${(bytes / 1024 ** 2).toFixed(1)} MiB`;
  return misuse(
    'PEXEN_VALUE_TOO_LARGE',
    `its values have ${mebibytes(length)}, more than the ${mebibytes(longestMessage)} that may be sent between a run and a node`,
    'Write large data to a file that the nodes share, and hand on its name.',
  );
}

/** Messages as pieces of bytes. */
export const byteCodec: Codec = {
  encode(message) {
    const bytes = encodeFrame(message);
    if (bytes.length > longestMessage) throw tooLarge(bytes.length);
    const pieces: Piece[] = [];
    for (let at = 0; at < bytes.length; at += pieceBytes) {
      const part = bytes.subarray(at, at + pieceBytes);
      const piece: BytePiece = { bytes: part, isPart: at + pieceBytes < bytes.length };
      pieces.push({ piece, size: part.length });
    }
    return pieces;
  },
  decoder() {
    let parts: Buffer[] = [];
    let length = 0;
    return (piece) => {
      const { bytes, isPart } = piece as BytePiece;
      length += bytes.length;
      if (length > longestMessage) throw tooLarge(length);
      parts.push(bytes);
      if (isPart) return undefined;
      const whole = parts.length === 1 ? bytes : Buffer.concat(parts);
      parts = [];
      length = 0;
      return decodeFrame(whole);
    };
  },
};

/** The same; its decoder throws for messages that do not have this form, also for pieces that no encoder makes. */
export function checkedCodec(isMessage: (value: unknown) => boolean): Codec {
  return {
    encode: (message) => byteCodec.encode(message),
    decoder: () => {
      const decode = byteCodec.decoder();
      return (piece) => {
        if (!isBytePiece(piece)) throw new Error('a piece of a message is malformed');
        const message = decode(piece);
        if (message !== undefined && !isMessage(message)) throw new Error('a message is malformed');
        return message;
      };
    },
  };
}

/** Only the last piece of a message may be short: many short ones would take up far more than they have. */
function isBytePiece(value: unknown): value is BytePiece {
  const { bytes, isPart } = (value ?? {}) as Partial<BytePiece>;
  if (!(bytes instanceof Uint8Array) || typeof isPart !== 'boolean') return false;
  return isPart ? bytes.length === pieceBytes : bytes.length > 0 && bytes.length <= pieceBytes;
}

/** The first byte of a packet with frames; everything else is in V8's format, which starts with 0xff. */
const mark = 0xb7;
/** The mark, and the length of the head. */
const headAt = 5;
/** Before the bytes of a frame: its number, whether its message goes on, and how many bytes they are. */
const frameHead = { number: 6, isPart: 1, length: 4, all: 11 };

/** A packet or a greeting as bytes. */
export function encodePacket(packet: object): Uint8Array {
  return 'frames' in packet ? encodeFrames(packet as PacketWithFrames) : serialize(packet);
}

/** What `encodePacket` has encoded; undefined for other bytes, which anyone may have sent. */
export function decodePacket(bytes: Uint8Array): object | undefined {
  if (bytes.length > longestPacket) return undefined;
  try {
    const packet: unknown = bytes[0] === mark ? decodeFrames(bytes) : deserialize(bytes);
    return typeof packet === 'object' && packet !== null ? packet : undefined;
  } catch {
    return undefined;
  }
}

interface PacketWithFrames {
  readonly frames: readonly Frame[];
}

function encodeFrames({ frames, ...rest }: PacketWithFrames): Uint8Array {
  const head = JSON.stringify(rest);
  const headLength = Buffer.byteLength(head);
  const length = frames.reduce((sum, { size }) => sum + frameHead.all + size, headAt + headLength);
  const bytes = Buffer.allocUnsafe(length);
  bytes[0] = mark;
  bytes.writeUInt32LE(headLength, 1);
  let at = headAt + bytes.write(head, headAt);
  for (const { number, piece } of frames) {
    const { bytes: content, isPart } = piece as BytePiece;
    at = bytes.writeUIntLE(number, at, frameHead.number);
    at = bytes.writeUInt8(isPart ? 1 : 0, at);
    at = bytes.writeUInt32LE(content.length, at);
    at += content.copy(bytes, at);
  }
  return bytes;
}

/** Throws for other bytes. */
function decodeFrames({ buffer, byteOffset, length }: Uint8Array): PacketWithFrames {
  const bytes = Buffer.from(buffer, byteOffset, length);
  let at = headAt + bytes.readUInt32LE(1);
  const rest: unknown = JSON.parse(bytes.toString('utf8', headAt, at));
  if (typeof rest !== 'object' || at > length) throw new RangeError('a head that holds no object');
  const frames: Frame[] = [];
  while (at < length) {
    const number = bytes.readUIntLE(at, frameHead.number);
    const isPart = bytes.readUInt8(at + frameHead.number) === 1;
    const size = bytes.readUInt32LE(at + frameHead.number + frameHead.isPart);
    at += frameHead.all;
    if (at + size > length) throw new RangeError('a frame that is longer than its packet');
    const piece: BytePiece = { bytes: bytes.subarray(at, at + size), isPart };
    frames.push({ number, piece, size });
    at += size;
  }
  return { ...rest, frames };
}
