import { appendFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { every, task } from 'pexen';

const dir = join(import.meta.dirname, '..');

/** One line for each start and end, in their true order: all nodes append to one file. */
const note = (what: string): void => appendFileSync(join(dir, 'ledger'), `${what}\n`);

/** A body that notes when it runs. */
function noted(name: string, body: () => Promise<unknown> = () => setTimeout(20)) {
  return async (): Promise<void> => {
    note(`start ${name}`);
    await body();
    note(`end ${name}`);
  };
}

/** Goes on until the link is cut. */
async function untilCut(): Promise<void> {
  while (!existsSync(join(dir, 'is-cut'))) await setTimeout(20);
}

export const build = task({ provides: ['site'] }, noted('build'));
export const east = task({ requires: ['site'], provides: ['pages'] }, noted('east', untilCut));
export const west = task({ requires: ['site'], provides: ['pages'] }, noted('west', untilCut));
export const one = task({ requires: [every('pages')], claims: ['/table'] }, noted('one'));
export const two = task({ requires: [every('pages')], claims: ['/table'] }, noted('two'));
export const three = task({ requires: [every('pages')], claims: ['/table'] }, noted('three'));
