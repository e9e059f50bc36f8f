/** Typed arrays that grow. */

type Column = Uint8Array | Int32Array | Float64Array;

/** The column, or a larger copy of it where `needed` entries do not fit. New entries are 0. */
export function grown<C extends Column>(column: C, needed: number): C {
  if (column.length >= needed) return column;
  const Larger = column.constructor as new (length: number) => C;
  const larger = new Larger(Math.max(needed, column.length * 2, 16));
  larger.set(column);
  return larger;
}
