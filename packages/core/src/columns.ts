/** Columns of numbers: typed arrays that grow. Does not know what they contain. */

type Column = Int32Array | Float64Array | Uint8Array;

const least = 16;

/** A new column of small numbers. */
export const bytes = (): Uint8Array => new Uint8Array(least);
/** A new column of whole numbers. */
export const ints = (): Int32Array => new Int32Array(least);
/** A new column of any numbers. */
export const floats = (): Float64Array => new Float64Array(least);

/** The column itself if it has room for `size`, else a copy of at least twice its length; the new entries are `fill`. */
export function grown<T extends Column>(column: T, size: number, fill = 0): T {
  if (size <= column.length) return column;
  const Kind = column.constructor as new (length: number) => T;
  const larger = new Kind(Math.max(size, column.length * 2, least));
  if (fill !== 0) larger.fill(fill, column.length);
  larger.set(column);
  return larger;
}

/** Columns that grow together: all properties that are typed arrays, which have the same length. New entries are 0. */
export abstract class Table {
  #length = least;

  /** Copies the rows of another table of its class. */
  protected copyRows(of: Table): void {
    this.#length = of.#length;
    const properties = this as unknown as Record<string, unknown>;
    for (const [name, column] of Object.entries(of))
      if (ArrayBuffer.isView(column)) properties[name] = (column as Int32Array).slice();
  }

  /** Makes room for so many rows. */
  reserve(count: number): void {
    if (count <= this.#length) return;
    this.#length = Math.max(count, this.#length * 2);
    const properties = this as unknown as Record<string, unknown>;
    for (const [name, column] of Object.entries(this))
      if (ArrayBuffer.isView(column)) properties[name] = grown(column as Column, this.#length);
  }
}
