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
/** Its expected duration is known, from `weight` or from the run. */
export const MEASURED = 256;
export const CLEANS = 512;
/** `group`, `pool`. */
export const PLACED = 1024;
/** `args`. */
export const TAKES = 2048;

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
  weight: RANKED | MEASURED,
  cleanup: CLEANS,
  args: TAKES,
  group: PLACED,
  pool: PLACED,
} satisfies Partial<Record<keyof TaskMeta, number>>);

/** The bits of the entries that are there. */
export function statedIn(meta: TaskMeta): number {
  let stated = 0;
  for (const name in meta)
    if ((meta as Record<string, unknown>)[name] !== undefined) stated |= bits[name] ?? 0;
  return stated;
}
