/**
 * Encodes a value as text, so that equal values have equal texts and different values different ones; digests are made of these texts. Knows
 * nothing of tasks.
 */

/** Thrown for values that cannot be encoded: functions, symbols, accessors, instances of classes. */
class NotEncodable extends Error {}

/**
 * The text of the value, or undefined where it cannot be encoded. The order of keys does not matter in plain objects, with or without a prototype. It
 * matters in maps and sets, since bodies see it. A structured clone of a value has the same text.
 */
export function canonical(value: unknown): string | undefined {
  try {
    return encode(value, new Set());
  } catch {
    return undefined; // Also where a proxy throws, or where the value is nested too deeply.
  }
}

/** `above`: the objects that contain the value. */
function encode(value: unknown, above: Set<object>): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value);
    case 'number':
      return Object.is(value, -0) ? '-0' : String(value);
    case 'bigint':
      return `${value}n`;
    case 'boolean':
    case 'undefined':
      return String(value);
    case 'object':
      return value === null ? 'null' : encodeObject(value, above);
    default:
      throw new NotEncodable();
  }
}

function encodeObject(value: object, above: Set<object>): string {
  if (above.has(value)) throw new NotEncodable();
  above.add(value);
  const text = encodeParts(value, (part) => encode(part, above));
  above.delete(value);
  return text;
}

function encodeParts(value: object, each: (part: unknown) => string): string {
  if (Array.isArray(value)) return encodeArray(value, each);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return `{${entriesOf(value, each)}}`;
  if (Object.keys(value).length > 0 && !ArrayBuffer.isView(value)) throw new NotEncodable();
  switch (prototype) {
    case Date.prototype:
      return `Date(${(value as Date).getTime()})`;
    case RegExp.prototype:
      return `RegExp(${JSON.stringify(String(value))})`;
    case Map.prototype: {
      const pairs = [...(value as Map<unknown, unknown>)];
      return `Map(${pairs.map(([key, held]) => `${each(key)}=>${each(held)}`).join()})`;
    }
    case Set.prototype:
      return `Set(${[...(value as Set<unknown>)].map(each).join()})`;
    case ArrayBuffer.prototype:
      return `ArrayBuffer(${hexOf(new Uint8Array(value as ArrayBuffer))})`;
    default:
      return encodeView(value, prototype);
  }
}

/** A hole differs from `undefined`; arrays with further properties cannot be encoded. */
function encodeArray(array: readonly unknown[], each: (part: unknown) => string): string {
  const own = Reflect.ownKeys(array);
  const items = own.filter((key) => key !== 'length');
  if (items.some((key) => typeof key === 'symbol' || !(Number(key) >= 0 && Number.isInteger(Number(key)))))
    throw new NotEncodable();
  if (items.length === array.length)
    return `[${items.map((key) => each(valueAt(array, key as string))).join()}]`;
  return `[${array.length}:${items.map((key) => `${String(key)}=${each(valueAt(array, key as string))}`).join()}]`;
}

function entriesOf(object: object, each: (part: unknown) => string): string {
  const keys = Reflect.ownKeys(object);
  if (keys.some((key) => typeof key === 'symbol')) throw new NotEncodable();
  const texts = (keys as string[]).toSorted();
  return texts.map((key) => `${JSON.stringify(key)}:${each(valueAt(object, key))}`).join();
}

/** The value of a plain entry. Refuses getters, which would run user code, and entries that are not enumerable, which workers would not get. */
function valueAt(object: object, key: string): unknown {
  const { value, enumerable, get, set } = Object.getOwnPropertyDescriptor(object, key) ?? {};
  if (enumerable !== true || get !== undefined || set !== undefined) throw new NotEncodable();
  return value;
}

/** Typed arrays and views. Refuses shared memory, which may change while it is read. */
function encodeView(value: object, prototype: unknown): string {
  if (!ArrayBuffer.isView(value) || !(value.buffer instanceof ArrayBuffer)) throw new NotEncodable();
  const name = Object.prototype.toString.call(value).slice('[object '.length, -1);
  const isOfOurs = (globalThis as Record<string, unknown>)[name] === (prototype as object).constructor;
  const isBuffer = value instanceof Buffer;
  if (!isOfOurs && !isBuffer) throw new NotEncodable();
  return `${name}(${hexOf(new Uint8Array(value.buffer, value.byteOffset, value.byteLength))})`;
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}
