/** Instances for the quality of schedules: seeded generators, and files given by the user. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Job {
  readonly id: string;
  /** Milliseconds. */
  readonly duration: number;
  readonly requires: readonly string[];
  /** Resources that are shared, that are exclusive, and that are used by units. */
  readonly uses: readonly string[];
  readonly claims: readonly string[];
  readonly amounts: Readonly<Record<string, number>>;
}

export interface Instance {
  readonly name: string;
  readonly tasks: readonly Job[];
  readonly capacities: Readonly<Record<string, number>>;
  readonly workers: readonly number[];
  /** The best makespan known, by number of workers. */
  readonly best: Readonly<Record<string, number>>;
}

const defaultWorkers = [2, 4, 16];

/** All JSON files of a folder; missing entries are empty. */
export function instancesIn(folder: string): Instance[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.json'))
    .sort()
    .map((file) => {
      const read: Partial<Instance> = JSON.parse(readFileSync(join(folder, file), 'utf8'));
      const tasks = (read.tasks ?? []).map((job) => ({ ...plain, ...job }));
      return { name: file.slice(0, -5), capacities: {}, workers: defaultWorkers, best: {}, ...read, tasks };
    });
}

/** How many of each kind. */
export function generated(count: number): Instance[] {
  const seeds = Array.from({ length: count }, (_, seed) => seed + 1);
  return [
    ...seeds.map((seed) => workflow(seed)),
    ...seeds.map((seed) => contended(seed)),
    ...seeds.map((seed) => amounts(seed)),
  ];
}

/** Stages like those of real workflows: wide ones, narrow ones, durations of very different length. */
function workflow(seed: number): Instance {
  const random = chance(seed);
  const tasks: Job[] = [];
  let before: string[] = [];
  for (let stage = 0; stage < 12; stage++) {
    const width = 1 + Math.floor(random() ** 2 * 60);
    const typical = 20 * Math.exp(2 * random());
    const now = Array.from({ length: width }, (_, index) => `s${stage}-${index}`);
    for (const [index, id] of now.entries()) {
      const some = before.filter(() => random() < 2 / before.length);
      const requires =
        some.length > 0 || before.length === 0 ? some : [before[index % before.length] as string];
      tasks.push({ ...plain, id, requires, duration: typical * lognormal(random, 0.8) });
    }
    before = now;
  }
  return { name: `workflow ${seed}`, tasks, capacities: {}, workers: defaultWorkers, best: {} };
}

/** 600 tasks on 20 contended read-write locks. */
function contended(seed: number): Instance {
  const random = chance(1000 + seed);
  const tasks = Array.from({ length: 600 }, (_, index) => {
    const resource = `r${Math.floor(random() ** 1.5 * 20)}`;
    const held = random() < 0.4 ? { claims: [resource] } : { uses: [resource] };
    return { ...plain, ...held, id: `t${index}`, duration: 10 * lognormal(random, 1) };
  });
  return { name: `contended ${seed}`, tasks, capacities: {}, workers: defaultWorkers, best: {} };
}

/** Projects with resources of which there is a limited amount, as in project scheduling. */
function amounts(seed: number): Instance {
  const random = chance(2000 + seed);
  const capacities = { a: 12, b: 10, c: 14, d: 11 };
  const tasks = Array.from({ length: 120 }, (_, index) => {
    const requires = Array.from({ length: 3 }, () => Math.floor(index - 1 - random() * 15))
      .filter((at) => at >= 0)
      .map((at) => `t${at}`);
    const taken = Object.keys(capacities).filter(() => random() < 0.5);
    return {
      ...plain,
      ...{ id: `t${index}`, duration: 1 + Math.floor(random() * 10), requires: [...new Set(requires)] },
      amounts: Object.fromEntries(taken.map((name) => [name, 1 + Math.floor(random() * 6)])),
    };
  });
  return { name: `amounts ${seed}`, tasks, capacities, workers: [16], best: {} };
}

const plain = { requires: [], uses: [], claims: [], amounts: {} };

/** Numbers from 0 up to 1; the same for the same seed. */
export function chance(seed: number): () => number {
  let state = Math.imul(seed, 0x9e3779b9) >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** Around 1. */
export function lognormal(random: () => number, sigma: number): number {
  const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return Math.exp(sigma * normal);
}
