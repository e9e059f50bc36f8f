/**
 * Round trips per second of pools of threads (W3 of the design): all contenders in alternation, so that what the machine does
 * meanwhile hits all of them; medians of the rounds, and ratios within each round.
 *
 *     node --conditions=@pexen/source bench/threads.ts [threads] [--json FILE] [--rounds N]
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type Contender, contenders, workers } from './contenders.ts';

interface Scenario {
  readonly name: string;
  /** Calls on their way at the same time. */
  readonly concurrent: number;
  /** Calls a round. */
  readonly calls: number;
  readonly text?: string;
}

const kib100 = 'x'.repeat(102_400);

/** 18 in flight is what `spare: 16` makes of two workers. */
const scenarios: readonly Scenario[] = [
  { name: 'one at a time', concurrent: 1, calls: 2_000 },
  { name: 'spare 1 for each of two workers', concurrent: 4, calls: 6_000 },
  { name: 'spare 16', concurrent: 18, calls: 12_000 },
  { name: 'spare 62', concurrent: 64, calls: 12_000 },
  { name: '100 KiB there', concurrent: 18, calls: 1_500, text: kib100 },
];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'string' }, rounds: { type: 'string', default: '9' } },
});

if (positionals.length === 0 || positionals.includes('threads')) await main(Number(values.rounds));

async function main(rounds: number): Promise<void> {
  const crew = await contenders();
  const results = [];
  for (const scenario of scenarios) {
    const table = await measure(crew, scenario, rounds);
    print(scenario, table);
    results.push({ ...scenario, text: scenario.text?.length ?? 0, workers, rounds, table });
  }
  if (values.json !== undefined) {
    writeFileSync(values.json, JSON.stringify({ bench: 'threads', results }, null, 2));
  }
  await crew[0]?.close();
  process.exit(); // Not every peer's close() ends: poolifier's sometimes waits forever.
}

interface Row {
  readonly name: string;
  /** Median of the rounds. */
  readonly perSecond: number;
  /** Median over the rounds of this contender's rate by Piscina's in the same round. */
  readonly byPiscina: number;
  /** Median of what a call costs all threads together, µs of processor: unlike the rate it does not depend on where they run. */
  readonly processorUs: number;
}

/** What one round showed. */
interface Round {
  readonly perSecond: number;
  readonly processorUs: number;
}

async function measure(crew: readonly Contender[], scenario: Scenario, rounds: number): Promise<Row[]> {
  const seen = new Map(crew.map((contender): [Contender, Round[]] => [contender, []]));
  for (const contender of crew) await play(contender, scenario);
  for (let round = 0; round < rounds; round++) {
    const order = round % 2 === 0 ? crew : crew.toReversed();
    for (const contender of order) seen.get(contender)?.push(await play(contender, scenario));
  }
  const piscina = seen.get(crew.find(({ name }) => name === 'piscina') as Contender) as Round[];
  return crew.map((contender) => {
    const own = seen.get(contender) as Round[];
    const byPiscina = own.map(({ perSecond }, round) => perSecond / (piscina[round] as Round).perSecond);
    return {
      name: contender.name,
      perSecond: Math.round(median(own.map(({ perSecond }) => perSecond))),
      byPiscina: Number(median(byPiscina).toFixed(2)),
      processorUs: Number(median(own.map(({ processorUs }) => processorUs)).toFixed(1)),
    };
  });
}

async function play(contender: Contender, { concurrent, calls, text }: Scenario): Promise<Round> {
  let left = calls;
  const callInTurn = async (): Promise<void> => {
    while (left-- > 0) await contender.call(text);
  };
  const usedBefore = process.cpuUsage();
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: concurrent }, callInTurn));
  const perSecond = (calls / (performance.now() - startedAt)) * 1_000;
  const { user, system } = process.cpuUsage(usedBefore);
  return { perSecond, processorUs: (user + system) / calls };
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] as number;
}

function print({ name, concurrent, calls }: Scenario, rows: readonly Row[]): void {
  console.log(`\n${name}: ${concurrent} in flight, ${workers} threads, ${calls} calls a round`);
  for (const row of rows.toSorted((a, b) => b.perSecond - a.perSecond)) {
    const rateText = row.perSecond.toLocaleString('en').padStart(9);
    const ratio = `${row.byPiscina.toFixed(2)} × piscina`;
    console.log(
      `  ${row.name.padEnd(16)} ${rateText}/s  ${ratio}  ${row.processorUs.toFixed(1)} µs of processor each`,
    );
  }
}
