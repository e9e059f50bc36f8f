/**
 * W2: our locks and those of other packages, side by side. `node bench/locks.ts [--count 100000] [--rounds 5] [--web] [--cpu] [--json FILE]`.
 * All take turns in one process; medians of the rounds, µs per section, and ratios to the best of the others.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type Contender, contenders, contendersWithWeb, TABLE_IN_SLOTS } from './contenders.ts';
import { type Column, columns, deepColumns, type Section, sectionsOf } from './sections.ts';

export interface LocksBenchOptions {
  /** Sections in each measurement; default 1e5. */
  readonly count?: number;
  /** Default 5. */
  readonly rounds?: number;
  /** Also the locks of the platform, with at most 1e4 sections for all. */
  readonly web?: boolean;
  /** Processor time of the process instead of wall time: for busy machines. */
  readonly cpu?: boolean;
  /** Where to write the figures. */
  readonly json?: string;
  readonly print?: (line: string) => void;
}

export interface LocksBenchRow {
  readonly column: string;
  /** `all at once`, or `16 workers`, each of which enters one section after the other. */
  readonly load: string;
  readonly count: number;
  /** Median µs per section, by contender. */
  readonly micros: Readonly<Record<string, number>>;
  /** The best of the others. */
  readonly best: string;
  /** Ours over the best of the others, by contender; or a deep tree over a flat one. */
  readonly ratios: Readonly<Record<string, number>>;
}

/** All sections at once, as the other packages are used and were measured; and few at a time. */
const LOADS: readonly (readonly [string, number])[] = [
  ['all at once', Number.POSITIVE_INFINITY],
  ['16 workers', 16],
];

export async function locksBench(options: LocksBenchOptions = {}): Promise<LocksBenchRow[]> {
  const { json, print = console.log, rounds = 5 } = options;
  const rows: LocksBenchRow[] = [];
  const add = (row: LocksBenchRow): void => {
    rows.push(row);
    print(lineOf(row));
  };
  for (const [load, slots] of LOADS)
    for (const column of columns) add(await measure(column, load, slots, options));
  for (const [index, column] of deepColumns.entries())
    add(await measureDeep(column, rows[index] as LocksBenchRow, options));
  if (json !== undefined)
    writeFileSync(json, `${JSON.stringify({ bench: 'locks', rounds, rows }, null, 2)}\n`);
  return rows;
}

async function measure(
  column: Column,
  load: string,
  slots: number,
  options: LocksBenchOptions,
): Promise<LocksBenchRow> {
  const all = (options.web ? contendersWithWeb : contenders).filter(
    ({ name }) => name !== TABLE_IN_SLOTS || slots > 16,
  );
  const { micros, count } = await takeTurns(all, column, slots, options);
  const others = all.filter(({ isOurs }) => !isOurs).map(({ name }) => name);
  const best = others.reduce((a, b) => ((micros[a] as number) < (micros[b] as number) ? a : b));
  const ours = all.filter(({ isOurs }) => isOurs).map(({ name }) => name);
  const ratios = ours.map((name) => [name, (micros[name] as number) / (micros[best] as number)]);
  return { column: column.name, load, count, micros, best, ratios: Object.fromEntries(ratios) };
}

/** The other packages have no tree: a deep one of ours is compared with a flat one of ours. */
async function measureDeep(
  column: Column,
  flat: LocksBenchRow,
  options: LocksBenchOptions,
): Promise<LocksBenchRow> {
  const own = contenders.filter(({ name }) => name === TABLE_IN_SLOTS);
  const { micros, count } = await takeTurns(own, column, 16, options);
  const ratio = (micros[TABLE_IN_SLOTS] as number) / (flat.micros[TABLE_IN_SLOTS] as number);
  const best = 'a flat tree';
  return { column: column.name, load: '16 slots', count, micros, best, ratios: { [TABLE_IN_SLOTS]: ratio } };
}

/** Medians of rounds in which every contender has its turn, after a warm-up of all. */
async function takeTurns(
  all: readonly Contender[],
  column: Column,
  slots: number,
  { web = false, cpu = false, rounds = 5, count: wanted = 1e5 }: LocksBenchOptions,
): Promise<{ readonly micros: Record<string, number>; readonly count: number }> {
  const count = web ? Math.min(wanted, 1e4) : wanted;
  const sections = sectionsOf(column, count);
  const times = new Map<string, number[]>(all.map(({ name }) => [name, []]));
  for (const contender of all) await contender.run(sections.slice(0, count / 10), slots);
  for (let round = 0; round < rounds; round++)
    for (const contender of all) times.get(contender.name)?.push(await time(contender, sections, slots, cpu));
  const micros = Object.fromEntries([...times].map(([name, taken]) => [name, median(taken)]));
  return { micros, count };
}

/**
 * µs per section. A garbage collection first keeps the garbage of one contender out of the time of the next. It also discards optimized
 * code, so each warms up again with a tenth of the sections.
 */
async function time(
  contender: Contender,
  sections: readonly Section[],
  slots: number,
  cpu: boolean,
): Promise<number> {
  globalThis.gc?.();
  await contender.run(sections.slice(0, sections.length / 10), slots);
  const begin = performance.now();
  const used = process.cpuUsage();
  await contender.run(sections, slots);
  const { user, system } = process.cpuUsage(used);
  return (cpu ? user + system : (performance.now() - begin) * 1000) / sections.length;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] as number;
}

function lineOf({ column, load, micros, best, ratios }: LocksBenchRow): string {
  const list = (figures: Readonly<Record<string, number>>): string =>
    Object.entries(figures)
      .map(([name, value]) => `${name} ${value.toFixed(2)}`)
      .join(' · ');
  return `${column}, ${load}: ${list(micros)} µs\n    over ${best}: ${list(ratios)}`;
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      count: { type: 'string' },
      rounds: { type: 'string' },
      web: { type: 'boolean', default: false },
      cpu: { type: 'boolean', default: false },
      json: { type: 'string' },
    },
  });
  await locksBench({
    web: values.web,
    cpu: values.cpu,
    ...(values.count !== undefined && { count: Number(values.count) }),
    ...(values.rounds !== undefined && { rounds: Number(values.rounds) }),
    ...(values.json !== undefined && { json: values.json }),
  });
}
