/** `node --conditions=@pexen/source test/sim/run-exhaustive.ts [--every N]`: plays all small cases, or each N-th of them. */
import { parseArgs } from 'node:util';
import { exhaust } from './exhaustive.ts';

const { values } = parseArgs({ options: { every: { type: 'string', default: '1' } } });
const startedAt = performance.now();
const { cases, played, violations } = exhaust(Number(values.every));
const seconds = (performance.now() - startedAt) / 1000;
for (const violation of violations.slice(0, 10)) console.log(violation);
console.log(
  `${played} of ${cases} cases, ${violations.length} violations, ${Math.round(played / seconds)} cases per second`,
);
process.exitCode = violations.length > 0 ? 1 : 0;
