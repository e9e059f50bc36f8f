/** Packets and messages as bytes, in V8's format. Long messages go in pieces that servers accept. Interprets nothing. */
import { deserialize, serialize } from 'node:v8';
import { misuse, type PexenError } from '@pexen/core';
import type { Codec, Piece } from './protocol/messages.ts';

/** The version of V8's format here: the first two bytes of everything that is serialized are a mark and the version. */
export const formatVersion: number = serialize(0)[1] ?? 0;

/** Servers accept payloads of 1 MiB by default; a packet is half of that. */
const pieceBytes = 256 * 1024;

/** No message may be longer, bytes: both sides hold a message as a whole. */
export const longestMessage: number = 64 * 1024 * 1024;

interface BytePiece {
  readonly bytes: Uint8Array;
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
    const bytes = serialize(message);
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
    let parts: Uint8Array[] = [];
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
      return deserialize(whole);
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

/** A packet or a greeting as bytes. */
export function encodePacket(packet: object): Uint8Array {
  return serialize(packet);
}

/** What `encodePacket` has encoded; undefined for other bytes, which anyone may have sent. */
export function decodePacket(bytes: Uint8Array): object | undefined {
  try {
    const packet: unknown = deserialize(bytes);
    return typeof packet === 'object' && packet !== null ? packet : undefined;
  } catch {
    return undefined;
  }
}
