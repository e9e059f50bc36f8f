/** Resource specs, and how tests get units of them. */
import { describe, expect, test } from 'vitest';
import { Allocator, readResourceSpec, resourceVariables } from '../../src/ctest/resource-spec.ts';

const spec = (local: unknown): string => JSON.stringify({ version: { major: 1, minor: 0 }, local: [local] });
const gpus = spec({ gpus: [{ id: '0', slots: 2 }, { id: '1', slots: 4 }, { id: 'x' }], BIG: [{ id: '0' }] });
const needs = (...slots: readonly number[]) => slots.map((each) => ({ type: 'gpus', slots: each }));

describe('the file', () => {
  test('names of types that CTest does not know are left out', () => {
    expect([...readResourceSpec(gpus).keys()]).toEqual(['gpus']);
    expect(readResourceSpec(gpus).get('gpus')?.at(2)).toEqual({ id: 'x', slots: 1 });
  });

  test.each([
    ['{', /not JSON/],
    ['3', /not an object/],
    ['{"version":{"major":2,"minor":0}}', /version is not 1.0/],
    ['{"version":{"major":1,"minor":0},"local":[{},{}]}', /"local"/],
    [spec({ gpus: 1 }), /"gpus" is not a list/],
    [spec({ gpus: [{ id: 'A' }] }), /an "id" of "gpus"/],
    [spec({ gpus: [{ id: 'a', slots: 0.5 }] }), /the "slots" of "gpus" a/],
  ])('%s is refused', (text, why) => {
    expect(() => readResourceSpec(text)).toThrow(why);
  });
});

describe('allocation', () => {
  test('all slots of a requirement come from one unit', () => {
    const allocator = new Allocator(readResourceSpec(gpus));
    expect(allocator.allocate([needs(4)])).toEqual([{ type: 'gpus', slots: 4, group: 0, id: '1' }]);
    expect(allocator.allocate([needs(5)])).toBe(
      'it needs 5 slots of "gpus", and the resource spec has "0": 2, "1": 4, "x": 1',
    );
    expect(allocator.allocate([[{ type: 'tpus', slots: 1 }]])).toMatch(/no such type/);
  });

  test('finds the only way in which all fit', () => {
    const grants = new Allocator(readResourceSpec(gpus)).allocate([needs(1, 2), needs(4)]);
    expect(grants).toEqual([
      { type: 'gpus', slots: 1, group: 0, id: 'x' },
      { type: 'gpus', slots: 2, group: 0, id: '0' },
      { type: 'gpus', slots: 4, group: 1, id: '1' },
    ]);
    expect(new Allocator(readResourceSpec(gpus)).allocate([needs(2, 2, 2, 1, 1)])).toMatch(/2 \+ 2 \+ 2/);
  });

  test('distributes tests over the units, by their expected work', () => {
    const allocator = new Allocator(readResourceSpec(spec({ gpus: [{ id: 'a' }, { id: 'b' }] })));
    const ids = [9, 1, 1, 1].map((weight) => {
      const grants = allocator.allocate([needs(1)], weight);
      return typeof grants === 'string' ? grants : grants[0]?.id;
    });
    expect(ids).toEqual(['a', 'b', 'b', 'b']);
  });
});

test('the variables are those of the manual', () => {
  const grants = [
    ...[
      { group: 0, type: 'gpus', id: '0', slots: 2 },
      { group: 1, type: 'gpus', id: '2', slots: 2 },
    ],
    ...[
      { group: 2, type: 'gpus', id: '1', slots: 4 },
      { group: 2, type: 'gpus', id: '3', slots: 1 },
    ],
    { group: 2, type: 'crypto_chips', id: 'card0', slots: 2 },
  ];
  expect(resourceVariables(grants, 3)).toEqual({
    CTEST_RESOURCE_GROUP_COUNT: '3',
    CTEST_RESOURCE_GROUP_0: 'gpus',
    CTEST_RESOURCE_GROUP_0_GPUS: 'id:0,slots:2',
    CTEST_RESOURCE_GROUP_1: 'gpus',
    CTEST_RESOURCE_GROUP_1_GPUS: 'id:2,slots:2',
    CTEST_RESOURCE_GROUP_2: 'crypto_chips,gpus',
    CTEST_RESOURCE_GROUP_2_GPUS: 'id:1,slots:4;id:3,slots:1',
    CTEST_RESOURCE_GROUP_2_CRYPTO_CHIPS: 'id:card0,slots:2',
  });
});
