/** `node --conditions=@pexen/source test/sim/run-cluster.ts [--seeds N] [--from S] [--seed S]`: plays seeds, and prints those that break a rule. */
import { parseArgs } from 'node:util';
import { simulateCluster } from './cluster.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
  },
});
if (values.seed !== undefined)
  console.log(await simulateCluster(Number(values.seed), (line) => console.log(line)));
else {
  const from = Number(values.from);
  const total = { seeds: 0, grants: 0, losses: 0, crashes: 0, wipes: 0, epochs: 0, violations: 0 };
  for (let seed = from; seed < from + Number(values.seeds); seed++) {
    const { violation, ...counts } = await simulateCluster(seed);
    total.seeds++;
    for (const name of ['grants', 'losses', 'crashes', 'wipes', 'epochs'] as const)
      total[name] += counts[name];
    if (violation === undefined) continue;
    if (++total.violations <= 10) console.log(`seed ${seed}: ${violation}`);
  }
  console.log(total);
  process.exitCode = total.violations > 0 ? 1 : 0;
}
