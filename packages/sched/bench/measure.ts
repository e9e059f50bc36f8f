/**
 * Times contenders in alternation, so that other load on the machine affects all of them. Ratios are of processor time (garbage collection
 * included): on a shared machine wall time says more about the other load.
 */
import type { Contender } from './contenders.ts';
import type { Shape } from './shapes.ts';

export interface Row {
  readonly name: string;
  /** Median of the rounds, µs per task, on the wall. */
  readonly micros: number;
  /** The same of processor time. */
  readonly cpuMicros: number;
  /** Median over the rounds of this time over that of the reference in the same round. */
  readonly ratio: number;
}

/** One round to warm up, then `rounds`, every other one in the opposite order. */
export async function measure(
  crew: readonly Contender[],
  shape: Shape,
  rounds: number,
  reference: string,
): Promise<Row[]> {
  const times = new Map(crew.map((contender): [Contender, Time[]] => [contender, []]));
  for (const contender of crew) await timeOf(contender, shape);
  for (let round = 0; round < rounds; round++)
    for (const contender of round % 2 === 0 ? crew : crew.toReversed())
      times.get(contender)?.push(await timeOf(contender, shape));
  const base = times.get(crew.find(({ name }) => name === reference) as Contender) as Time[];
  return crew.map((contender) => {
    const own = times.get(contender) as Time[];
    return {
      name: contender.name,
      micros: perTask(
        own.map(({ wall }) => wall),
        shape,
      ),
      cpuMicros: perTask(
        own.map(({ cpu }) => cpu),
        shape,
      ),
      ratio: Number(median(own.map(({ cpu }, round) => cpu / (base[round] as Time).cpu)).toFixed(3)),
    };
  });
}

/** µs for the whole. */
interface Time {
  readonly wall: number;
  readonly cpu: number;
}

function perTask(times: readonly number[], { works }: Shape): number {
  return Number((median(times) / works.length).toFixed(3));
}

/**
 * A collection keeps the garbage of one contender out of the time of the next. It also drops optimized code, so every contender may warm up
 * again with a tenth.
 */
async function timeOf(contender: Contender, shape: Shape): Promise<Time> {
  globalThis.gc?.();
  await contender.run({ ...shape, works: shape.works.slice(0, shape.works.length / 10) });
  const before = process.cpuUsage();
  const startedAt = performance.now();
  const count = await contender.run(shape);
  const wall = (performance.now() - startedAt) * 1000;
  const { user, system } = process.cpuUsage(before);
  if (count !== shape.works.length)
    throw new Error(`${contender.name} ran ${count} of ${shape.works.length}`);
  return { wall, cpu: user + system };
}

export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] as number;
}
