/**
 * The cost of scheduling a task (W1 of the design), ours and that of others, and how it grows.
 *
 * node --conditions=@pexen/source --expose-gc bench/sched.ts [--count N] [--rounds N] [--large] [--json FILE]
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { contenders, pexen, pexenAdding } from './contenders.ts';
import { measure, type Row } from './measure.ts';
import * as shapes from './shapes.ts';

interface Peak {
  readonly micros: number;
  readonly peakMb: number;
  readonly bareMb: number;
}

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '100000' },
    rounds: { type: 'string', default: '5' },
    large: { type: 'boolean', default: false },
    json: { type: 'string' },
  },
});
await main(Number(values.count), Number(values.rounds));

async function main(count: number, rounds: number): Promise<void> {
  const report = {
    bench: 'sched',
    ...{ count, rounds },
    independent: await versus(shapes.independent(count), rounds, 'async.priorityQueue'),
    layered: await versus(shapes.layered(count), rounds, 'p-graph'),
    shapes: await ownShapes(count, rounds),
    growth: await ownGrowth(count, rounds),
    peaks: memory(values.large ? [count, 1e6] : [count]),
  };
  if (values.json !== undefined) writeFileSync(values.json, JSON.stringify(report, null, 2));
}

/** All that can do it, side by side. */
async function versus(shape: shapes.Shape, rounds: number, reference: string): Promise<Row[]> {
  const hasOrder = shape.works.some(({ requires }) => requires.length > 0);
  const crew = contenders.filter(({ ordersTasks }) => ordersTasks || !hasOrder);
  const rows = await measure(crew, shape, rounds, reference);
  console.log(
    `\n${shape.name}: ${shape.works.length} tasks, 16 at a time, µs of processor (and on the wall) per task`,
  );
  for (const row of rows.toSorted((a, b) => a.cpuMicros - b.cpuMicros)) print(row.name, row, reference);
  return rows;
}

/** Adversarial shapes, each beside the layered one of the same size. */
async function ownShapes(count: number, rounds: number): Promise<object[]> {
  const base = shapes.layered(count);
  const all = [];
  console.log(`\npexen, other shapes: ${count} tasks, µs of processor (and on the wall) per task`);
  for (const make of [shapes.chain, shapes.fan, shapes.wide, shapes.oneLock, shapes.hierarchy]) {
    const shape = make(count);
    const layered = { ...pexen, name: 'layered', run: () => pexen.run(base) };
    const [row] = await measure([pexen, layered], shape, rounds, 'layered');
    all.push({ ...row, name: shape.name, reference: 'layered' });
    print(shape.name, row, 'layered');
  }
  const [row] = await measure([pexenAdding, pexen], shapes.independent(count), rounds, 'pexen');
  all.push({ ...row, name: 'added one by one', reference: 'added at once' });
  print('added one by one', row, 'added at once');
  return all;
}

function print(name: string, row: Row | undefined, reference: string): void {
  const { cpuMicros = Number.NaN, micros = Number.NaN, ratio = Number.NaN } = row ?? {};
  const figures = `${cpuMicros.toFixed(2).padStart(7)} ${`(${micros.toFixed(2)})`.padStart(9)}`;
  console.log(`  ${name.padEnd(32)} ${figures}  ${ratio.toFixed(2)} × ${reference}`);
}

/** The exponent with which the time grows from a tenth of the tasks to all of them. */
async function ownGrowth(count: number, rounds: number): Promise<object> {
  const times = [];
  for (const size of [count / 10, count]) {
    const [row] = await measure([pexen], shapes.layered(size), rounds, 'pexen');
    times.push((row?.cpuMicros ?? Number.NaN) * size);
  }
  const exponent = Math.log10((times[1] as number) / (times[0] as number));
  console.log(`\ngrowth from ${count / 10} to ${count} layered tasks: exponent ${exponent.toFixed(3)}`);
  return { from: count / 10, to: count, exponent };
}

/** Peaks of memory, each in a process of its own. */
function memory(sizes: readonly number[]): object[] {
  const all = [];
  console.log('\nlayered, each in a process of its own');
  for (const size of sizes)
    for (const name of ['pexen', 'p-graph']) {
      const peak = peakOf(name, size);
      const bytesPerTask = Math.round(((peak.peakMb - peak.bareMb) * 1024 * 1024) / size);
      all.push({ name, size, ...peak, bytesPerTask });
      const figures = `${peak.peakMb.toFixed(0).padStart(6)} MB, ${bytesPerTask} bytes per task`;
      console.log(
        `  ${name.padEnd(10)} ${String(size).padStart(8)} tasks  ${figures}, ${peak.micros.toFixed(2)} µs per task`,
      );
    }
  return all;
}

function peakOf(name: string, size: number): Peak {
  const script = fileURLToPath(new URL('peak.ts', import.meta.url));
  const args = [
    '--conditions=@pexen/source',
    '--max-old-space-size=8000',
    script,
    'layered',
    name,
    `${size}`,
  ];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' }));
}
