/** The program that ends what a pool left behind whose process was killed. Arguments: the pool's cookie, its folder, its start. */
import { systemClock } from '@pexen/core/timers';
import { sweep } from './process-tree.ts';
import { removeTree } from './workplace.ts';

/** Longer than that nothing resists SIGKILL but what is stuck in the kernel, ms. */
const patienceMs = 10_000;

const [cookie = '', folder = '', start = ''] = process.argv.slice(2);
const sinceTicks = start === '' ? undefined : Number(start);
const found = { pid: undefined, cookie, ...(sinceTicks !== undefined && { sinceTicks }) };
void sweep(found, patienceMs, systemClock).then(() => removeTree(folder));
