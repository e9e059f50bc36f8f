/** The program that ends what a pool left behind whose process was killed. Arguments: the pool's cookie, its folder, its start. */
import { monotonicMs, startTimer } from '@pexen/core/timers';
import { sweep } from './process-tree.ts';
import { removeTree } from './workplace.ts';

/** Longer than that nothing resists SIGKILL but what is stuck in the kernel, ms. */
const patienceMs = 10_000;

const [cookie = '', folder = '', start = ''] = process.argv.slice(2);
const sinceTicks = start === '' ? undefined : Number(start);
void sweep({ pid: undefined, cookie, ...(sinceTicks !== undefined && { sinceTicks }) }, patienceMs, {
  now: monotonicMs,
  after: startTimer,
}).then(() => removeTree(folder));
