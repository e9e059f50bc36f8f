/** `node run-node-locks.ts [--from S] [--seeds N] [--seed S]`: plays runs whose tasks need resources of nodes, and prints those that break a rule. */
import { parseArgs } from 'node:util';
import { drawNodeLocks, playNodeLocks } from './node-locks.ts';

const { values } = parseArgs({
  options: {
    from: { type: 'string', default: '1' },
    seeds: { type: 'string', default: '5000' },
    seed: { type: 'string' },
    most: { type: 'string', default: '5' },
  },
});

if (values.seed !== undefined) {
  const scenario = drawNodeLocks(Number(values.seed));
  console.log(JSON.stringify(scenario, undefined, 1));
  console.log(playNodeLocks(scenario, console.log) ?? 'no violation');
} else {
  let violations = 0;
  const from = Number(values.from);
  for (let seed = from; seed < from + Number(values.seeds) && violations < Number(values.most); seed++) {
    const wrong = playNodeLocks(drawNodeLocks(seed));
    if (wrong === undefined) continue;
    violations++;
    console.log(`seed ${seed}: ${wrong}`);
  }
  console.log(`${violations} violations`);
  process.exitCode = violations > 0 ? 1 : 0;
}
