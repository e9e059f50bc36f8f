/**
 * W1 of the design: no-op tasks, everything included, µs per task; ours and others in alternation in one process, medians of the rounds
 * and ratios within each round.
 *
 *     node --expose-gc --conditions=@pexen/source bench/sched.ts [--count 100000] [--rounds 5] [--large] [--json FILE]
 *
 * `--large` adds the layered graph of a million tasks, ours and p-graph only, with what each keeps in memory.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type Contender, concurrency, contenders, type Graph } from './contenders.ts';
import { chain, fan, independent, layered } from './graphs.ts';

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '100000' },
    rounds: { type: 'string', default: '5' },
    large: { type: 'boolean', default: false },
    json: { type: 'string' },
  },
});
const count = Number(values.count);
const rounds = Number(values.rounds);

interface Row {
  readonly contender: string;
  /** Median, µs per task. */
  readonly micros: number;
  /** Median over the rounds of ours by this contender's. */
  readonly ours: number;
}

const results: { readonly shape: string; readonly count: number; readonly rows: readonly Row[] }[] = [];
const ordering = contenders.filter(({ ordersTasks }) => ordersTasks);
await compare('independent', independent(count), contenders, rounds);
await compare('layered, 3 dependencies each', layered(count), ordering, rounds);
await compare(
  'chain',
  chain(count),
  ordering.filter(({ name }) => name !== 'p-graph'),
  rounds,
);
await compare('fan', fan(count), ordering, rounds);
await compare('layered, a tenth of it', layered(count / 10), ordering, rounds);
if (values.large) await compare('layered, ten times as many', layered(count * 10), ordering, 1);
await addedOneByOne();
if (values.json !== undefined) {
  writeFileSync(values.json, JSON.stringify({ bench: 'sched', concurrency, rounds, results }, undefined, 2));
}

async function compare(shape: string, graph: Graph, crew: readonly Contender[], most: number): Promise<void> {
  const micros = new Map(crew.map(({ name }): [string, number[]] => [name, []]));
  for (let round = -1; round < most; round++) {
    for (const contender of round % 2 === 0 ? crew : crew.toReversed()) {
      const took = await time(contender, graph);
      if (round >= 0) micros.get(contender.name)?.push(took);
    }
  }
  const own = micros.get('pexen') ?? [];
  const rows = crew.map(({ name }) => {
    const theirs = micros.get(name) ?? [];
    return {
      contender: name,
      micros: median(theirs),
      ours: median(own.map((each, at) => each / (theirs[at] ?? 1))),
    };
  });
  results.push({ shape, count: graph.length, rows });
  print(shape, graph.length, rows);
}

async function time(contender: Contender, graph: Graph): Promise<number> {
  globalThis.gc?.();
  const beganAt = performance.now();
  const ended = await contender.run(graph);
  const micros = ((performance.now() - beganAt) * 1_000) / graph.length;
  if (ended !== graph.length) throw new Error(`${contender.name} ran ${ended} of ${graph.length} tasks`);
  return micros;
}

/** Each task is added by the loop that gets the result of the one before. */
async function addedOneByOne(): Promise<void> {
  const { run, inline } = await import('../src/index.ts');
  const { withMeta } = await import('@pexen/core');
  const make = (index: number) => withMeta(async () => {}, { name: `task-${index}` });
  const atOnce: number[] = [];
  const singly: number[] = [];
  for (let round = 0; round < rounds; round++) {
    let beganAt = performance.now();
    const pool = () => inline({ concurrency });
    for await (const _ of run(
      Array.from({ length: count }, (_, index) => make(index)),
      { pool },
    ));
    atOnce.push(((performance.now() - beganAt) * 1_000) / count);
    beganAt = performance.now();
    const execution = run([make(0)], { pool });
    let added = 1;
    for await (const _ of execution) if (added < count) execution.add([make(added++)]);
    singly.push(((performance.now() - beganAt) * 1_000) / count);
  }
  const ratio = median(singly.map((each, at) => each / (atOnce[at] ?? 1)));
  console.log(
    `\nadded one by one: ${median(singly).toFixed(2)} µs, ${ratio.toFixed(2)} × adding them at once`,
  );
  const row = { contender: 'pexen, added one by one', micros: median(singly), ours: 1 / ratio };
  results.push({ shape: 'added one by one', count, rows: [row] });
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function print(shape: string, tasks: number, rows: readonly Row[]): void {
  console.log(`\n${shape}: ${tasks} tasks, ${concurrency} at a time`);
  for (const { contender, micros, ours } of rows.toSorted((a, b) => a.micros - b.micros)) {
    const ratio = contender === 'pexen' ? '' : `ours is ${ours.toFixed(2)} × this`;
    console.log(`  ${contender.padEnd(30)} ${micros.toFixed(2).padStart(8)} µs  ${ratio}`);
  }
}
