/** Plays many seeds: `node --conditions=@pexen/source run.ts [first] [count]`. */
import { play } from './world.ts';

const [first = 1, count = 10_000] = process.argv.slice(2).map(Number);
const start = performance.now();
let bad = 0;
for (let seed = first; seed < first + count; seed++) {
  const violations = play(seed);
  if (violations.length === 0) continue;
  bad++;
  console.log(`seed ${seed}: ${violations.join(' · ')}`);
  if (bad >= 10) break;
}
const seconds = (performance.now() - start) / 1000;
console.log(`${count} seeds, ${bad} with violations, ${seconds.toFixed(1)} s`);
process.exitCode = bad === 0 ? 0 : 1;
