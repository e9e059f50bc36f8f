/** `node --conditions=@pexen/source test/machine/run.ts [--rounds N]`: plays rounds of real runs, and prints what is wrong. */
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { playRound } from './round.ts';

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '10' } } });
const gaps: number[] = [];
const loads: number[] = [];
const rows = new Map<number, number>();
let wrong = 0;
for (let nth = 0; nth < Number(values.rounds); nth++) {
  const { problems, killed, row, gapMs } = await playRound(
    nth % 2 === 0 ? 'keeper' : 'holder',
    1 + (nth % 12),
  );
  gaps.push(gapMs);
  loads.push(loadavg()[0] ?? 0);
  rows.set(row, (rows.get(row) ?? 0) + 1);
  if (problems.length === 0) continue;
  wrong++;
  console.log(`round ${nth}, ${killed} was killed: ${problems.join('; ')}`);
}
gaps.sort((a, b) => a - b);
const at = (share: number) => gaps[Math.floor((gaps.length - 1) * share)]?.toFixed(1);
console.log(
  `${gaps.length} rounds, ${wrong} wrong; from the kill to the next start: median ${at(0.5)} ms, 99 % ${at(0.99)} ms, most ${at(1)} ms`,
);
const lengths = [...rows].sort(([a], [b]) => a - b).map(([row, times]) => `${row}: ${times}`);
console.log(
  `most grants of one run in a row while another waited, and in how many rounds: ${lengths.join(', ')}`,
);
console.log(`load ${Math.min(...loads).toFixed(1)} to ${Math.max(...loads).toFixed(1)}`);
process.exitCode = wrong > 0 ? 1 : 0;
