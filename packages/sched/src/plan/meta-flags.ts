/** Which entries a task's metadata has, as bits: looking for twenty that are not there costs more than all else. */
import type { TaskMeta } from '@pexen/core';

export const REQUIRES = 1;
export const PROVIDES = 2;
/** `after`, `before`. */
export const ORDERED = 4;
/** `salvages`, `tearsDown`: it takes poisoned resources, too. */
export const EXEMPT = 8;
/** `uses`, `claims`, `exclusive`. */
export const HOLDS = 16;
/** What `rulesOf` reads. */
export const RULED = 32;
export const CONDITIONAL = 64;
/** `priority`, `weight`. */
export const RANKED = 128;
/** Its expected duration is known, from `weight` or from the run: set where it is weighed. */
export const MEASURED = 256;
export const CLEANS = 512;
/** `group`, `pool`. */
export const PLACED = 1024;
/** `args`. */
export const TAKES = 2048;
/** The task is a plain function. */
export const PLAIN = 4096;

const bits: Readonly<Partial<Record<string, number>>> = Object.assign(Object.create(null) as object, {
  requires: REQUIRES,
  provides: PROVIDES,
  after: ORDERED,
  before: ORDERED,
  salvages: EXEMPT,
  tearsDown: EXEMPT,
  uses: HOLDS,
  claims: HOLDS,
  exclusive: HOLDS,
  timeout: RULED,
  idleTimeout: RULED,
  grace: RULED,
  slowAfter: RULED,
  retries: RULED,
  rerunnable: RULED,
  when: CONDITIONAL,
  priority: RANKED,
  weight: RANKED,
  cleanup: CLEANS,
  args: TAKES,
  group: PLACED,
  pool: PLACED,
} satisfies Partial<Record<keyof TaskMeta, number>>);

/** Of these, what is given as undefined does not count; others are looked at again where they are used. */
const EXACT = EXEMPT | CLEANS;

/** The bits of the entries that are there. Reading a value by its name costs more than all else here: few are read. */
export function metaFlagsOf(meta: TaskMeta): number {
  let metaFlags = 0;
  for (const name in meta) {
    const bit = bits[name] ?? 0;
    if ((bit & EXACT) === 0 || (meta as Record<string, unknown>)[name] !== undefined) metaFlags |= bit;
  }
  return metaFlags;
}
