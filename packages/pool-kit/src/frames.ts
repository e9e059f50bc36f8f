/** Messages on a stream of bytes: where one ends and the next starts. Does not interpret them; the other side may send garbage. */
import type { Duplex } from 'node:stream';
import { deserialize, serialize } from 'node:v8';

const headLength = 4;

/** No frame may be longer, bytes. */
const longestFrame = 512 * 1024 * 1024;

/**
 * The bytes with their length (4 bytes, little endian) before them.
 * @throws RangeError for more than 512 MiB
 */
export function frame(content: Uint8Array): Buffer {
  if (content.length > longestFrame)
    throw new RangeError(`the message has ${content.length} bytes, more than ${longestFrame}`);
  const framed = Buffer.allocUnsafe(headLength + content.length);
  framed.writeUInt32LE(content.length, 0);
  framed.set(content, headLength);
  return framed;
}

/** Assembles frames from chunks of any size. */
export class FrameReader {
  #chunks: Buffer[] = [];
  #held = 0;
  #needed = headLength;

  /**
   * The content of every frame that is complete with this chunk.
   * @throws RangeError for a frame that says that it is longer than 512 MiB: the stream cannot be used any more.
   */
  push(chunk: Uint8Array): Buffer[] {
    this.#chunks.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length));
    this.#held += chunk.length;
    if (this.#held < this.#needed) return [];
    const bytes = this.#chunks.length === 1 ? (this.#chunks[0] as Buffer) : Buffer.concat(this.#chunks);
    const contents: Buffer[] = [];
    let at = 0;
    for (;;) {
      const left = bytes.length - at;
      const length = left < headLength ? 0 : bytes.readUInt32LE(at);
      if (length > longestFrame) throw new RangeError(`a message with a stated length of ${length} bytes`);
      this.#needed = headLength + length;
      if (left < this.#needed) break;
      contents.push(bytes.subarray(at + headLength, at + this.#needed));
      at += this.#needed;
    }
    this.#chunks = at === bytes.length ? [] : [bytes.subarray(at)];
    this.#held = bytes.length - at;
    return contents;
  }
}

/** Assembles lines from chunks of any size; a line ends with \n. */
export class LineReader {
  #rest = '';
  readonly #decoder = new TextDecoder();

  /** Every line that is complete with this chunk, without its end. A chunk is bytes, or text that was decoded already. */
  push(chunk: Uint8Array | string): string[] {
    const text = typeof chunk === 'string' ? chunk : this.#decoder.decode(chunk, { stream: true });
    const lines = text.split('\n'); // Of this chunk alone: a long line comes in many.
    const rest = this.#rest + (lines[0] ?? '');
    if (lines.length === 1) {
      this.#rest = rest;
      return [];
    }
    lines[0] = rest;
    this.#rest = lines.pop() ?? '';
    return lines;
  }
}

/** Messages in V8's format, framed, over a stream: it carries everything that the transport `clone` promises. */
export class MessageStream {
  /** Resolves when the stream is closed and every message that came has been delivered. */
  readonly closed: Promise<void>;
  readonly #stream: Duplex;

  /** Calls `hear` with each message, and `garbled` once when invalid bytes came; no message is delivered after that. */
  constructor(
    stream: Duplex,
    hear: (message: unknown) => void,
    garbled: (error: unknown) => void = () => {},
  ) {
    this.#stream = stream;
    const reader = new FrameReader();
    const take = (chunk: Buffer): void => {
      try {
        for (const content of reader.push(chunk)) hear(deserialize(content));
      } catch (error) {
        stream.off('data', take).resume();
        garbled(error);
      }
    };
    stream.on('data', take);
    stream.on('error', () => {}); // 'close' follows.
    this.closed = new Promise((resolve) => stream.once('close', resolve));
  }

  /** @throws what V8 throws for a value that cannot be serialized; RangeError for a message of more than 512 MiB */
  send(message: unknown): void {
    const framed = frame(serialize(message));
    if (!this.#stream.destroyed) this.#stream.write(framed);
  }
}
