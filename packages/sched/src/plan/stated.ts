/** Which entries a task's metadata has, as bits: looking for twenty that are not there costs more than all else. */
import type { TaskMeta } from '@pexen/core';

export const REQUIRES = 1;
export const PROVIDES = 2;
/** `after`, `before`, `salvages`, `tearsDown`. */
export const ORDERED = 4;
/** `uses`, `claims`, `exclusive`. */
export const HOLDS = 8;
/** What `rulesOf` reads. */
export const RULED = 16;
export const CONDITIONAL = 32;
/** `priority`, `weight`. */
export const RANKED = 64;
export const CLEANS = 128;
/** `group`, `pool`. */
export const PLACED = 256;
/** `args`. */
export const TAKES = 512;

const bits: Readonly<Partial<Record<string, number>>> = Object.assign(Object.create(null) as object, {
  requires: REQUIRES,
  provides: PROVIDES,
  after: ORDERED,
  before: ORDERED,
  salvages: ORDERED,
  tearsDown: ORDERED,
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

/** The bits of the entries that are there, `undefined` ones included. */
export function statedIn(meta: TaskMeta): number {
  let stated = 0;
  for (const name in meta) stated |= bits[name] ?? 0;
  return stated;
}
