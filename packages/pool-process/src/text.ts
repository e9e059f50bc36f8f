/** Bytes as text, where the bytes were cut at places that know nothing of characters. */

/** The text of bytes from the beginning of something: a character that is cut off at the end is left out. */
export function headText(bytes: Buffer): string {
  return bytes.toString('utf8', 0, bytes.length - cutOffAtEnd(bytes));
}

/** The text of bytes from the end of something: a character that is cut off at the beginning is left out. */
export function tailText(bytes: Buffer): string {
  let from = 0;
  while (from < 3 && isContinuation(bytes[from])) from++;
  return bytes.toString('utf8', from);
}

/** How many bytes at the end belong to a character that is not complete. */
function cutOffAtEnd(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (!isContinuation(byte)) return lengthOf(byte) > back ? back : 0;
  }
  return 0;
}

/** How many bytes a character has that begins with this one; 1 for what begins none. */
function lengthOf(byte: number): number {
  if (byte < 0xc0 || byte >= 0xf8) return 1;
  if (byte >= 0xf0) return 4;
  return byte >= 0xe0 ? 3 : 2;
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}
