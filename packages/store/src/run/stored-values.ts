/**
 * Values of tasks as the journal stores them: as JSON where parsing it gives an equal value, otherwise in V8's clone format. A value that would not
 * come back as it is has the reason instead. Knows nothing of tasks.
 */
import { deserialize, serialize } from 'node:v8';
import { messageOf } from '@pexen/core';
import type { Json, StoredValue } from '../journal/events.ts';
import type { Secrets } from './secrets.ts';

/** A value that was stored, or why it is gone. */
export type ReadValue = { readonly value: unknown } | { readonly lost: string };

/** The most characters of a value. */
const longest = 64 * 1024 * 1024;

/** Encodes a value. Never throws. */
export function storeValue(value: unknown, secrets: Secrets): StoredValue {
  try {
    const stored = encode(value);
    const text = 'json' in stored ? JSON.stringify(stored.json) : stored.clone;
    if (text.length > longest) return { lost: 'it is larger than 64 MiB' };
    return secrets.areIn(value) ? { lost: 'it contains a secret' } : stored;
  } catch (error) {
    const isDeep = error instanceof RangeError;
    return { lost: isDeep ? 'it is nested too deeply or too large' : messageOf(error) };
  }
}

/** Decodes a value. Never throws, also where what is stored is damaged. */
export function readValue(stored: StoredValue | undefined): ReadValue {
  if (stored === undefined) return { value: undefined };
  if ('lost' in stored) return stored;
  if ('json' in stored) return { value: stored.json };
  try {
    return { value: deserialize(Buffer.from(stored.clone, 'base64')) };
  } catch (error) {
    return { lost: messageOf(error) };
  }
}

/** The value itself, where it is plain data; otherwise undefined. */
export function recalledValue(stored: StoredValue | undefined): unknown {
  const read = readValue(stored);
  return 'value' in read ? read.value : undefined;
}

function encode(value: unknown): { readonly json: Json } | { readonly clone: string } {
  const visited = new Set<object>();
  if (isExactJson(value, visited)) return { json: value };
  checkCloneable(value, new Set());
  return { clone: serialize(value).toString('base64') };
}

/** True where parsing the JSON text of the value gives an equal value. `above` are the objects that contain it. */
function isExactJson(value: unknown, above: Set<object>): value is Json {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true;
    case 'number':
      return Number.isFinite(value) && !Object.is(value, -0);
    case 'object':
      return value === null || isExactObject(value, above);
    default:
      return false;
  }
}

function isExactObject(value: object, above: Set<object>): boolean {
  if (above.has(value) || !isPlain(value)) return false;
  const keys = Reflect.ownKeys(value);
  if (Array.isArray(value) ? keys.length !== value.length + 1 : keys.some((key) => typeof key === 'symbol'))
    return false;
  above.add(value);
  const isExact = keys.every(
    (key) => (key === 'length' && Array.isArray(value)) || isExactEntry(value, key, above),
  );
  above.delete(value);
  return isExact;
}

function isExactEntry(value: object, key: string | symbol, above: Set<object>): boolean {
  const { enumerable, value: entry } = Object.getOwnPropertyDescriptor(value, key) ?? {};
  return enumerable === true && key !== 'toJSON' && isExactJson(entry, above);
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (Array.isArray(value)) return prototype === Array.prototype;
  return prototype === Object.prototype || prototype === null;
}

/** Classes whose instances V8 clones completely. */
const cloned: ReadonlySet<unknown> = new Set(
  [
    ...[Date, RegExp, Map, Set, Boolean, Number, String, BigInt, Buffer, ArrayBuffer, DataView],
    ...[Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array],
    ...[Float32Array, Float64Array, BigInt64Array, BigUint64Array],
    ...[Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError],
  ].map((each): unknown => each.prototype),
);

/** V8 refuses some values, and changes others: of an instance of a class it keeps only the fields. @throws Error, with the reason. */
function checkCloneable(value: unknown, visited: Set<object>): void {
  if (typeof value === 'function') throw new Error(`it contains a function${nameOf(value)}`);
  if (typeof value === 'symbol') throw new Error('it contains a symbol');
  if (typeof value !== 'object' || value === null || visited.has(value)) return;
  visited.add(value);
  if (!isPlain(value) && !cloned.has(Object.getPrototypeOf(value)))
    throw new Error(`it contains an instance of ${classOf(value)}`);
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return;
  if (value instanceof Map)
    for (const entry of value) for (const each of entry) checkCloneable(each, visited);
  if (value instanceof Set) for (const each of value) checkCloneable(each, visited);
  checkEntries(value, visited);
}

function checkEntries(value: object, visited: Set<object>): void {
  const keys = Reflect.ownKeys(value);
  if (keys.some((key) => typeof key === 'symbol')) throw new Error('it has a property whose key is a symbol');
  const hasLost = value instanceof Error || value instanceof Map || value instanceof Set;
  for (const key of keys) {
    const { enumerable, get, value: entry } = Object.getOwnPropertyDescriptor(value, key) ?? {};
    if (enumerable !== true) {
      if (key === 'cause') checkCloneable(entry, visited);
      continue;
    }
    if (get !== undefined) throw new Error(`it has a getter "${String(key)}"`);
    if (hasLost) throw new Error(`it contains ${classOf(value)} with a property "${String(key)}"`);
    checkCloneable(entry, visited);
  }
}

function classOf(value: object): string {
  const { constructor: made } = value as { readonly constructor?: unknown };
  return typeof made === 'function' && made.name !== '' ? made.name : 'a class without a name';
}

function nameOf(value: { readonly name: string }): string {
  return value.name === '' ? '' : ` "${value.name}"`;
}
