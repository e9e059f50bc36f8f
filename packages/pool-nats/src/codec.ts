/** Packets and messages as bytes, in V8's format. Long messages go in pieces that servers accept. Interprets nothing. */
import { deserialize, serialize } from 'node:v8';
import type { Codec, Piece } from './protocol/messages.ts';

/** The version of V8's format here: the first two bytes of everything that is serialized are a mark and the version. */
export const formatVersion: number = serialize(0)[1] ?? 0;

/** Servers accept payloads of 1 MiB by default; a packet is half of that. */
const pieceBytes = 256 * 1024;

interface BytePiece {
  readonly bytes: Uint8Array;
  /** The message goes on in the next piece. */
  readonly isPart: boolean;
}

/** Messages as pieces of bytes. */
export const byteCodec: Codec = {
  encode(message) {
    const bytes = serialize(message);
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
    return (piece) => {
      const { bytes, isPart } = piece as BytePiece;
      parts.push(bytes);
      if (isPart) return undefined;
      const whole = parts.length === 1 ? bytes : Buffer.concat(parts);
      parts = [];
      return deserialize(whole);
    };
  },
};

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
