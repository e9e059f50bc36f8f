/** What must compile, and what must not. */
import type { TaskMeta } from '@pexen/core';
import { expectTypeOf } from 'vitest';
import { type Held, type LockRequest, Locks, LockTable, path } from '../src/index.ts';

declare const meta: TaskMeta;
expectTypeOf(meta).toExtend<LockRequest>();
expectTypeOf(new LockTable().compile(meta)).toEqualTypeOf<number>();
expectTypeOf(
  new Locks().acquire({ uses: [1, 'a', path('b', {})], claims: ['x'] }),
).resolves.toEqualTypeOf<Held>();
// @ts-expect-error a bare string is not a list of resources
new Locks().acquire({ uses: 'a' });
// @ts-expect-error exclusive is a flag
new Locks().acquire({ exclusive: 'x' });
