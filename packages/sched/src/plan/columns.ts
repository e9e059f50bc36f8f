/** Tables whose columns are typed arrays. They grow together. */

const least = 16;

/** A new column of small numbers. */
export const bytes = (): Uint8Array => new Uint8Array(least);
/** A new column of whole numbers. */
export const ints = (): Int32Array => new Int32Array(least);
/** A new column of any numbers. */
export const floats = (): Float64Array => new Float64Array(least);

/** Its columns are those of its properties that are typed arrays; all are of one length. New entries are 0. */
export abstract class Table {
  #length = least;

  /** Makes room for so many rows. */
  reserve(count: number): void {
    if (count <= this.#length) return;
    this.#length = Math.max(count, this.#length * 2);
    const properties = this as unknown as Record<string, unknown>;
    for (const [name, column] of Object.entries(this))
      if (ArrayBuffer.isView(column)) properties[name] = grown(column as Int32Array, this.#length);
  }
}

/** A larger copy. */
function grown(column: Int32Array, length: number): Int32Array {
  const larger = new (column.constructor as Int32ArrayConstructor)(length);
  larger.set(column);
  return larger;
}
