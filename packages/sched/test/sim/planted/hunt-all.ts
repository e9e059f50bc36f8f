/**
 * Looks for every planted bug, two at a time, and prints a table of them.
 *
 *     node --conditions=@pexen/source test/sim/planted/hunt-all.ts [--seeds N] [--only TEXT]
 */
import { parseArgs } from 'node:util';
import { allBugs } from './all-bugs.ts';
import { clear, type Hunt, hunt } from './plant.ts';

const { values } = parseArgs({
  options: { seeds: { type: 'string', default: '10000' }, only: { type: 'string', default: '' } },
});

const bugs = allBugs.filter(({ what, file }) => `${file} ${what}`.includes(values.only));
const hunts: Hunt[] = [];
const left = [...bugs.entries()];
const hunter = async (): Promise<void> => {
  for (let next = left.shift(); next !== undefined; next = left.shift())
    hunts.push(await hunt(next[1], `${next[0]}`, Number(values.seeds)));
};
await Promise.all([hunter(), hunter()]);
clear();
for (const bug of bugs) {
  const { seeds, reported, isGone } = hunts.find((each) => each.bug === bug) as Hunt;
  const found = isGone ? 'GONE' : seeds === undefined ? 'NOT FOUND' : `${seeds}`;
  console.log(`| ${bug.what} | \`${bug.file}\` | ${found} | ${reported} |`);
}
const missed = hunts.filter(({ seeds }) => seeds === undefined).length;
console.log(`\n${bugs.length} bugs, ${missed} not found`);
process.exitCode = missed > 0 ? 1 : 0;
