/**
 * Long texts of a message, carried beside it as bytes: looking through them for what JSON must escape takes most of the time that large
 * messages cost. Knows nothing of frames; the values are plain, and what comes from the other side may be garbage.
 */

import { isStringOneByteRepresentation } from 'node:v8';

/** So many characters are worth it. */
export const longText = 2048;

/** A text, and where in the message it belongs. */
interface Place {
  readonly path: readonly (string | number)[];
  readonly bytes: number;
  /** Two bytes a character; else one. */
  readonly isWide: boolean;
}

/** What is carried: the message with '' for every long text, and where they belong, both fit for JSON. */
export interface Parted {
  readonly message: unknown;
  readonly places: readonly Place[];
}

/** Takes the long texts out of a copy of the message. */
export function part(message: unknown): { readonly parted: Parted; readonly texts: readonly string[] } {
  const places: Place[] = [];
  const texts: string[] = [];
  const copy = (value: unknown, path: Place['path']): unknown => {
    if (typeof value === 'string' && value.length >= longText) {
      const isWide = !isStringOneByteRepresentation(value);
      places.push({ path, bytes: isWide ? value.length * 2 : value.length, isWide });
      texts.push(value);
      return '';
    }
    if (Array.isArray(value)) return value.map((each, at) => copy(each, [...path, at]));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, copy(each, [...path, key])]));
  };
  return { parted: { message: copy(message, []), places }, texts };
}

/** How many bytes the texts take. */
export function bytesOf({ places }: Parted): number {
  return places.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** Writes the texts into the buffer, from there on. */
export function writeTexts(texts: readonly string[], { places }: Parted, into: Buffer, from: number): void {
  let at = from;
  for (const [index, { isWide }] of places.entries()) {
    at += into.write(texts[index] as string, at, isWide ? 'utf16le' : 'latin1');
  }
}

/**
 * The message with its texts, which lie in the buffer from there on.
 * @throws TypeError where it makes no sense
 */
export function join({ message, places }: Parted, bytes: Buffer, from: number): unknown {
  const whole: { message: unknown } = { message };
  let at = from;
  for (const { path, bytes: length, isWide } of places) {
    const text = bytes.toString(isWide ? 'utf16le' : 'latin1', at, at + length);
    put(whole, ['message', ...path], text);
    at += length;
  }
  return whole.message;
}

function put(root: object, path: readonly (string | number)[], text: string): void {
  let at: unknown = root;
  for (const [index, key] of path.entries()) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key))
      throw new TypeError('a text that belongs nowhere');
    const holder = at as Record<string | number, unknown>;
    if (index === path.length - 1) holder[key] = text;
    at = holder[key];
  }
}
