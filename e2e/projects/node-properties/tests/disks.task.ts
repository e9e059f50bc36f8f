import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { key, task } from 'pexen';

const ledger = join(import.meta.dirname, '../ledger');

/** The environment of the agent says on which node this is. */
const node = process.env.NODE_OF_TEST ?? '';

/** One line for each start and end, in their true order: both nodes append to one file. */
const note = (what: string): void => appendFileSync(ledger, `${node} ${what}\n`);

/** Where the node was prepared. */
const prepared = key<string>('prepared');

export const prepares = task({ perNode: true, provides: [prepared] }, ({ set }) => {
  note('prepares');
  set(prepared, node);
});

const disk = { requires: [prepared], claims: ['/dev/disk'] } as const;

/** Passes only where the other kind of disk is in use meanwhile: there is one on each node. */
function beside(other: string): () => Promise<void> {
  return async () => {
    while (!readFileSync(ledger, 'utf8').includes(`start ${other}`)) await setTimeout(20);
  };
}

function noted(name: string, body: () => Promise<unknown> = () => setTimeout(30)) {
  return async ({ get }: { get(of: typeof prepared): string }): Promise<void> => {
    if (get(prepared) !== node) throw new Error(`on ${node}, and prepared on ${get(prepared)}`);
    note(`start ${name}`);
    await body();
    note(`end ${name}`);
  };
}

export const fast = task({ ...disk, on: 'disk=ssd' }, noted('fast', beside('large')));
export const large = task({ ...disk, on: 'disk=hdd && sizeGb=500' }, noted('large', beside('fast')));
export const one = task(disk, noted('one'));
export const two = task(disk, noted('two'));
export const three = task(disk, noted('three'));
export const four = task({ ...disk, on: 'disk=ssd' }, noted('four'));
