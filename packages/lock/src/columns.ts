/** Typed arrays that grow. Knows nothing of what is in them. */

type Column = Int32Array | Float64Array | Uint8Array;

/** The column itself if it has room for `size`, else a copy of at least twice its length, filled up with `fill`. */
export function grown<T extends Column>(column: T, size: number, fill = 0): T {
  if (size <= column.length) return column;
  const Kind = column.constructor as new (length: number) => T;
  const larger = new Kind(Math.max(size, column.length * 2, 16));
  if (fill !== 0) larger.fill(fill, column.length);
  larger.set(column);
  return larger;
}
