/** Many real runs in which things fail: `node --conditions=@pexen/source run.ts [first] [count]`. */
import { findServer } from '../../src/node.ts';
import { chaos } from './chaos.ts';

const [first = 1, count = 10] = process.argv.slice(2).map(Number);
const { file } = await findServer();
let bad = 0;
for (let seed = first; seed < first + count; seed++) {
  const { violations, actions, results, seconds } = await chaos(seed, file);
  if (violations.length > 0) bad++;
  const verdict = violations.length === 0 ? 'ok' : violations.join(' · ');
  console.log(
    `seed ${seed}: ${JSON.stringify(results)} ${seconds.toFixed(1)} s [${actions.join(', ')}] ${verdict}`,
  );
}
console.log(`${count} runs, ${bad} with violations`);
process.exit(bad === 0 ? 0 : 1);
