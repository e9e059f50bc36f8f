/**
 * Encodes messages as bytes on a stream, and decodes them. A frame is a mark, the length of its content (4 bytes), and the content: JSON where the
 * message allows it, since that costs half as much for small ones; V8's own format for all others. Does not interpret messages; the other side may
 * send garbage.
 */
import { DefaultDeserializer, DefaultSerializer } from 'node:v8';
import { own } from '@pexen/pool-kit';

/** The first byte of every frame: garbage is noticed at once. */
const mark = 0xa7;
const headLength = 5;
/** The first byte of V8's format; no JSON starts with it. */
const v8Mark = 0xff;
/** JSON searches texts for characters to escape: from this length on V8 is faster. */
const longText = 2048;

/** No frame may be longer, bytes. */
const longestFrame = 512 * 1024 * 1024;

/** An invalid frame on the stream. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
}

/** The message as a frame in JSON, which must be able to carry it. */
export function encodeJsonFrame(message: unknown): Buffer {
  return frameOf(own.toJson(message));
}

/**
 * The message as a frame. Where it fits into `into`, it is written there: garbage outside of the heap is expensive.
 * @throws what V8 throws for a value that cannot be serialized; RangeError if it is too long.
 */
export function encodeFrame(message: unknown, into?: Buffer): Buffer {
  return new PlainCheck().passes(message)
    ? frameOf(own.toJson(message), into)
    : serializedFrame(message, into);
}

function frameOf(json: string, into?: Buffer): Buffer {
  // A character takes at most three bytes.
  const fits = into !== undefined && json.length * 3 + headLength <= into.length;
  const frame = fits ? into : Buffer.allocUnsafe(headLength + Buffer.byteLength(json));
  return headed(frame.subarray(0, headLength + frame.write(json, headLength)));
}

/** The serializer writes the head, too: a copy of a long message costs as much as the message. */
function serializedFrame(message: unknown, into?: Buffer): Buffer {
  const serializer = new DefaultSerializer();
  serializer.writeRawBytes(emptyHead);
  serializer.writeHeader();
  serializer.writeValue(message);
  const frame = headed(serializer.releaseBuffer());
  if (into === undefined || frame.length > into.length) return frame;
  return into.subarray(0, frame.copy(into));
}

const emptyHead = Buffer.alloc(headLength);

function headed(frame: Buffer): Buffer {
  const length = frame.length - headLength;
  if (length > longestFrame)
    throw new RangeError(`the message has ${length} bytes, more than ${longestFrame}`);
  frame[0] = mark;
  frame.writeUInt32LE(length, 1);
  return frame;
}

/**
 * The message of a whole frame.
 * @throws ProtocolError
 */
export function decodeFrame(frame: Buffer): unknown {
  if (frame.length < headLength || headLength + lengthAt(frame, 0) !== frame.length)
    throw new ProtocolError(`a message of ${frame.length} bytes that states another length`);
  return decode(frame, headLength, frame.length);
}

/** Comes before the first frame where others may write first, such as shells that print a greeting. */
export const greeting: Buffer = Buffer.from('\0pexen\x01\0');

/** Assembles frames from chunks of any size. */
export class FrameReader {
  #chunks: Buffer[] = [];
  #held = 0;
  /** The bytes needed before there is anything to do. */
  #needed = headLength;
  #isGreeted: boolean;

  /** `awaitsGreeting`: everything before the greeting is skipped. */
  constructor(awaitsGreeting = false) {
    this.#isGreeted = !awaitsGreeting;
  }

  /**
   * Calls `hear` with each message that is complete with this chunk. `isLent`: the chunk is used again afterwards, so what is
   * kept of it is copied.
   * @throws ProtocolError at the first thing that is not a frame; the stream cannot be used from then on.
   */
  push(chunk: Buffer, hear: (message: unknown) => void, isLent = false): void {
    this.#chunks.push(chunk);
    this.#held += chunk.length;
    if (this.#held >= this.#needed) this.#take(hear);
    if (isLent && this.#held > 0) this.#chunks.push(Buffer.from(this.#chunks.pop() ?? []));
  }

  #take(hear: (message: unknown) => void): void {
    const bytes = this.#chunks.length === 1 ? (this.#chunks[0] as Buffer) : Buffer.concat(this.#chunks);
    let at = this.#isGreeted ? 0 : this.#endOfGreeting(bytes);
    while (this.#isGreeted) {
      const left = bytes.length - at;
      this.#needed = left < headLength ? headLength : headLength + lengthAt(bytes, at);
      if (left < this.#needed) break;
      hear(decode(bytes, at + headLength, at + this.#needed));
      at += this.#needed;
    }
    const rest = bytes.length - at;
    this.#chunks = rest === 0 ? [] : [bytes.subarray(at)];
    this.#held = rest;
  }

  #endOfGreeting(bytes: Buffer): number {
    const at = bytes.indexOf(greeting);
    this.#isGreeted = at !== -1;
    return this.#isGreeted ? at + greeting.length : Math.max(0, bytes.length - greeting.length + 1);
  }
}

function lengthAt(bytes: Buffer, at: number): number {
  if (bytes[at] !== mark) throw new ProtocolError(`an invalid message: ${preview(bytes.subarray(at))}`);
  const length = bytes.readUInt32LE(at + 1);
  if (length > longestFrame) throw new ProtocolError(`a message with a stated length of ${length} bytes`);
  return length;
}

function decode(bytes: Buffer, start: number, end: number): unknown {
  try {
    if (bytes[start] === v8Mark) return deserialize(bytes.subarray(start, end));
    return own.fromJson(bytes.toString('utf8', start, end));
  } catch (error) {
    throw new ProtocolError(`a message that cannot be read: ${preview(bytes.subarray(start, end))}`, {
      cause: error,
    });
  }
}

function deserialize(content: Buffer): unknown {
  const deserializer = new CopyingDeserializer(content);
  deserializer.readHeader();
  return deserializer.readValue();
}

/** Node's own deserializer returns views of the buffer that it reads, which is reused. */
class CopyingDeserializer extends DefaultDeserializer {
  _readHostObject(): unknown {
    const view = (NodeDeserializer._readHostObject as () => NodeJS.ArrayBufferView).call(this);
    if (view instanceof Buffer) return Buffer.from(view);
    const { constructor: View } = view as unknown as {
      readonly constructor: new (bytes: ArrayBufferLike) => unknown;
    };
    return new View(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
  }
}

const NodeDeserializer = DefaultDeserializer.prototype as DefaultDeserializer & {
  readonly _readHostObject?: unknown;
};

function preview(bytes: Buffer): string {
  return own.toJson(bytes.toString('latin1', 0, 40));
}

/** So many values are checked for whether JSON suffices; for more values both formats cost about the same. */
const mostPlain = 64;

/** Checks that JSON restores a value unchanged. */
class PlainCheck {
  #valuesLeft = mostPlain;
  /** An object that occurs twice must be one object on the other side, too, which V8's format can express. */
  readonly #met: object[] = [];

  passes(value: unknown): boolean {
    if (this.#valuesLeft-- <= 0) return false;
    switch (typeof value) {
      case 'string':
        return value.length < longText;
      case 'boolean':
        return true;
      case 'number':
        return Number.isFinite(value) && !Object.is(value, -0);
      case 'object':
        return value === null || this.#passesObject(value);
      default:
        return false;
    }
  }

  #passesObject(value: object): boolean {
    if (this.#met.includes(value)) return false;
    this.#met.push(value);
    if (Array.isArray(value)) return this.#passesArray(value);
    if (Object.getPrototypeOf(value) !== Object.prototype) return false;
    for (const key in value) {
      if (key === '__proto__' || key === 'toJSON') return false;
      if (!this.passes((value as Record<string, unknown>)[key])) return false;
    }
    return true;
  }

  /** An array may have named properties, as the result of `match` has. */
  #passesArray(list: readonly unknown[]): boolean {
    for (let at = 0; at < list.length; at++) if (!this.passes(list[at])) return false;
    return Object.keys(list).length === list.length;
  }
}
