/** Cuts many suites at every event: `node --conditions=@pexen/source test/cuts/hunt.ts [suites] [first seed]`. */
import { cutEverywhere } from './cut-everywhere.ts';

const [suites = 20, first = 1] = process.argv.slice(2).map(Number);
let cuts = 0;
let compared = 0;
let bad = 0;
const started = performance.now();
for (let seed = first; seed < first + suites; seed++) {
  const found = await cutEverywhere(seed);
  cuts += found.cuts;
  compared += found.compared;
  for (const { cuts: at, wrong } of found.wrong) {
    bad++;
    if (bad <= 20) console.log(`seed ${seed}, cuts ${at.join(' ')}: ${wrong.join('; ')}`);
  }
}
console.log(
  `${suites} suites, ${cuts} cuts, ${compared} runs compared, ${bad} wrong, ${((performance.now() - started) / 1000).toFixed(1)} s`,
);
