/**
 * Round trips per second of pools of processes (W4 of the design).
 *
 *     node --conditions=@pexen/source bench/processes.ts [processes] [--json FILE] [--rounds N]
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { contenders, workers } from './process-contenders.ts';
import { type Load, lapOf, measure, print } from './side-by-side.ts';

interface Scenario extends Load {
  readonly name: string;
  readonly text?: string;
}

const reference = 'poolifier cluster';
const scenarios: readonly Scenario[] = [
  { name: 'one at a time', concurrent: 1, calls: 1_500 },
  { name: 'spare 1 for each of two workers', concurrent: 4, calls: 4_000 },
  { name: 'spare 62', concurrent: 64, calls: 10_000 },
  { name: '100 KiB there', concurrent: 18, calls: 1_000, text: 'x'.repeat(102_400) },
];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'string' }, rounds: { type: 'string', default: '9' } },
});

if (positionals.length === 0 || positionals.includes('processes')) await main(Number(values.rounds));

async function main(rounds: number): Promise<void> {
  const results = [];
  for (const { text, ...scenario } of scenarios) {
    const crew = await contenders(text);
    const rows = await measure(
      crew.map((contender) => lapOf(contender, scenario)),
      rounds,
      reference,
    );
    for (const contender of crew) await contender.close();
    const { name, concurrent, calls } = scenario;
    print(`${name}: ${concurrent} in flight, ${workers} processes, ${calls} calls a round`, rows, reference);
    results.push({ ...scenario, textLength: text?.length ?? 0, workers, rounds, rows });
  }
  if (values.json !== undefined) {
    writeFileSync(values.json, JSON.stringify({ bench: 'processes', reference, results }, null, 2));
  }
  process.exit(0); // Some peers leave handles open.
}
