/** The program that ends the processes of a pool whose own process was killed. Arguments: the pool's marker, its folder, its start. */
import { systemClock } from '@pexen/core/timers';
import { sweep } from './process-tree.ts';
import { removeTree } from './programs/sandbox.ts';

/** A process that resists SIGKILL for longer is stuck in the kernel, ms. */
const timeoutMs = 10_000;

const [marker = '', folder = '', start = ''] = process.argv.slice(2);
const sinceTicks = start === '' ? undefined : Number(start);
const found = { pid: undefined, marker, ...(sinceTicks !== undefined && { sinceTicks }) };
void sweep(found, timeoutMs, systemClock).then(() => removeTree(folder));
