/** Many real runs in which things fail: `node --conditions=@pexen/source run.ts [first] [count] [resumes]`. */
import { findServer } from '../../src/node.ts';
import { chaos, chaosWithResumes } from './chaos.ts';

const [first = 1, count = 10] = process.argv.slice(2, 4).map(Number);
const play = process.argv[4] === 'resumes' ? chaosWithResumes : chaos;
const { file } = await findServer();
let bad = 0;
for (let seed = first; seed < first + count; seed++) {
  const { violations, actions, results, seconds } = await play(seed, file);
  if (violations.length > 0) bad++;
  const verdict = violations.length === 0 ? 'ok' : violations.join(' · ');
  console.log(
    `seed ${seed}: ${JSON.stringify(results)} ${seconds.toFixed(1)} s [${actions.join(', ')}] ${verdict}`,
  );
}
console.log(`${count} runs, ${bad} with violations`);
process.exit(bad === 0 ? 0 : 1);
