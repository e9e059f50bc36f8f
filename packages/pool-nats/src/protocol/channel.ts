/**
 * One end of a session: messages arrive once and in order, although packets are lost, late, doubled or out of order. Frames are numbered; those that
 * were not acknowledged are kept and sent again. Knows no network, no clock and no meaning of a message.
 */
import type { Codec, Frame, Frames, Piece } from './messages.ts';

/** So much may be unacknowledged on its way. */
const most = { frames: 1_024, bytes: 4 * 1024 * 1024 };

/** A packet has no more than that, so that it fits into what a server allows by default (1 MiB). */
const packetBytes = 512 * 1024;

/** After so much an acknowledgement does not wait for the next sign of life. */
const prompt = { frames: 32, bytes: 1024 * 1024 };

interface Sent extends Piece {
  readonly number: number;
  /** When it was sent last; undefined if it was not sent yet. */
  sentMs: number | undefined;
}

export class Channel {
  readonly session: string;
  readonly #codec: Codec;
  readonly #decode: (piece: unknown) => unknown;
  #lastNumber = 0;
  #heard = 0;
  /** In the order of their numbers. */
  #unacknowledged: Sent[] = [];
  /** What was heard since the last packet was made. */
  #toAcknowledge = { frames: 0, bytes: 0 };

  constructor(session: string, codec: Codec) {
    this.session = session;
    this.#codec = codec;
    this.#decode = codec.decoder();
  }

  /** Everything that was pushed has been heard. */
  get isEmpty(): boolean {
    return this.#unacknowledged.length === 0;
  }

  /** So much was heard that an acknowledgement should not wait. */
  get owesAnswer(): boolean {
    const { frames, bytes } = this.#toAcknowledge;
    return frames >= prompt.frames || bytes >= prompt.bytes;
  }

  /**
   * Adds a message.
   * @throws what the codec throws for a value that it cannot carry: then nothing was added
   */
  push(message: unknown): void {
    for (const { piece, size } of this.#codec.encode(message))
      this.#unacknowledged.push({ piece, size, number: ++this.#lastNumber, sentMs: undefined });
  }

  /** Takes a packet of the other end. Returns the messages that are complete by it. */
  take({ heardUpTo, frames }: Pick<Frames, 'heardUpTo' | 'frames'>): unknown[] {
    const kept = this.#unacknowledged.findIndex(({ number }) => number > heardUpTo);
    if (kept !== 0) this.#unacknowledged = kept < 0 ? [] : this.#unacknowledged.slice(kept);
    const messages: unknown[] = [];
    for (const { number, piece, size } of frames) {
      this.#toAcknowledge.frames++;
      this.#toAcknowledge.bytes += size;
      if (number !== this.#heard + 1) continue;
      this.#heard = number;
      const message = this.#decode(piece);
      if (message !== undefined) messages.push(message);
    }
    return messages;
  }

  /** The packets with everything that was not sent yet, or was sent `resendMs` ago or earlier and not acknowledged. */
  packets(nowMs: number, resendMs: number): Frames[] {
    const packets: Frames[] = [];
    let frames: Frame[] = [];
    let bytes = 0;
    for (const sent of this.#due(nowMs, resendMs)) {
      if (bytes + sent.size > packetBytes && frames.length > 0) {
        packets.push(this.packet(frames));
        frames = [];
        bytes = 0;
      }
      sent.sentMs = nowMs;
      bytes += sent.size;
      frames.push({ number: sent.number, piece: sent.piece, size: sent.size });
    }
    if (frames.length > 0) packets.push(this.packet(frames));
    return packets;
  }

  /** A packet, which acknowledges what was heard. */
  packet(frames: readonly Frame[] = []): Frames {
    this.#toAcknowledge = { frames: 0, bytes: 0 };
    return { session: this.session, heardUpTo: this.#heard, frames };
  }

  #due(nowMs: number, resendMs: number): Sent[] {
    const due: Sent[] = [];
    let count = 0;
    let bytes = 0;
    for (const sent of this.#unacknowledged) {
      bytes += sent.size;
      if (count++ > 0 && (count > most.frames || bytes > most.bytes)) break;
      if (sent.sentMs === undefined || nowMs - sent.sentMs >= resendMs) due.push(sent);
    }
    return due;
  }
}
