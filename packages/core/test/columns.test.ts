import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bytes, floats, grown, ints, Table } from '../src/columns.ts';

test('a column grows to at least twice its length, keeps its values, and is filled with the given one', () => {
  const column = ints();
  column[3] = 7;
  const larger = grown(column, 17, -1);
  expect(larger).toBeInstanceOf(Int32Array);
  expect([...larger]).toEqual([0, 0, 0, 7, ...Array(12).fill(0), ...Array(16).fill(-1)]);
  expect(grown(larger, 32)).toBe(larger);
  expect(grown(floats(), 1_000)).toHaveLength(1_000);
  expect(grown(new Float64Array(0), 1)).toHaveLength(16);
});

class Rows extends Table {
  small = bytes();
  whole = ints();
  any = floats();
  readonly name = 'rows';
  #hidden = 1;

  get hidden(): number {
    return this.#hidden++;
  }
}

test('the columns of a table grow together, and its other properties stay', () => {
  const rows = fc.array(fc.record({ row: fc.nat(300), value: fc.integer({ min: 0, max: 255 }) }));
  fc.assert(
    fc.property(rows, (writes) => {
      const table = new Rows();
      const expected = new Map<number, number>();
      for (const { row, value } of writes) {
        table.reserve(row + 1);
        for (const column of [table.small, table.whole, table.any]) column[row] = value;
        expected.set(row, value);
      }
      for (const column of [table.small, table.whole, table.any])
        for (let row = 0; row < column.length; row++) expect(column[row]).toBe(expected.get(row) ?? 0);
      expect(new Set([table.small, table.whole, table.any].map(({ length }) => length)).size).toBe(1);
      expect(table.name).toBe('rows');
      expect(table.hidden).toBe(1);
    }),
  );
});
