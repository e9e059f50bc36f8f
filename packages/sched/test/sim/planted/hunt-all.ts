/**
 * Looks for every planted bug, two at a time, from the first seed on, and prints a table of them. `--remember` notes where each was found, so that
 * test runs look there first.
 *
 *     node --conditions=@pexen/source test/sim/planted/hunt-all.ts [--seeds N] [--only TEXT] [--remember]
 */
import { parseArgs } from 'node:util';
import { allBugs } from './all-bugs.ts';
import { clear, type Hunt, hunt, writeFoundAt } from './plant.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '10000' },
    only: { type: 'string', default: '' },
    remember: { type: 'boolean', default: false },
  },
});

const bugs = allBugs.filter(({ what, file }) => `${file} ${what}`.includes(values.only));
const hunts: Hunt[] = [];
const left = [...bugs.entries()];
const hunter = async (): Promise<void> => {
  for (let next = left.shift(); next !== undefined; next = left.shift()) {
    const found = await hunt(next[1], `${next[0]}`, Number(values.seeds));
    hunts.push(found);
    if (values.remember) writeFoundAt([found]);
  }
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
