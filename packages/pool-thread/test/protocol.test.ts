import { expect, test } from 'vitest';
import { countOf, pack, unpack } from '../src/protocol.ts';

const address = { kind: 'made', url: 'file:///tasks.ts', id: 'build', fingerprint: 'abc' } as const;
const bare = { address, path: 'a/build', attempt: 2 };

test('assignments without values come out as they went in', () => {
  const other = { ...bare, path: 'b', attempt: 1 };
  const packed = pack([bare, other]) ?? [];
  expect(countOf(packed)).toBe(2);
  expect([unpack(packed, 0), unpack(packed, 1)]).toEqual([bare, other]);
});

test('what has more to say is not packed', () => {
  for (const more of [{ args: { a: 1 } }, { part: 'cleanup' as const }, { timeoutMs: 5 }]) {
    expect(pack([bare, { ...bare, ...more }])).toBeUndefined();
  }
  const exported = { kind: 'export', url: 'file:///x.ts', exportPath: ['a'], fingerprint: '' } as const;
  expect(pack([{ ...bare, address: exported }])).toBeUndefined();
  expect(pack([{ path: 'x', attempt: 1, refusal: { value: 1 } }])).toBeUndefined();
});
