/** Times contenders in alternation, so that what the machine does meanwhile hits all of them. */
import type { Contender } from './contenders.ts';
import type { Shape } from './shapes.ts';

export interface Row {
  readonly name: string;
  /** Median of the rounds, µs per task. */
  readonly micros: number;
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
  const times = new Map(crew.map((contender): [Contender, number[]] => [contender, []]));
  for (const contender of crew) await timeOf(contender, shape);
  for (let round = 0; round < rounds; round++)
    for (const contender of round % 2 === 0 ? crew : crew.toReversed())
      times.get(contender)?.push(await timeOf(contender, shape));
  const base = times.get(crew.find(({ name }) => name === reference) as Contender) as number[];
  return crew.map((contender) => {
    const own = times.get(contender) as number[];
    return {
      name: contender.name,
      micros: Number((median(own) / shape.works.length).toFixed(3)),
      ratio: Number(median(own.map((time, round) => time / (base[round] as number))).toFixed(3)),
    };
  });
}

/** µs for the whole. */
async function timeOf(contender: Contender, shape: Shape): Promise<number> {
  globalThis.gc?.();
  const beganAt = performance.now();
  const count = await contender.run(shape);
  const micros = (performance.now() - beganAt) * 1000;
  if (count !== shape.works.length)
    throw new Error(`${contender.name} ran ${count} of ${shape.works.length}`);
  return micros;
}

export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] as number;
}
