/** Measures contenders in alternation, so that what the machine does meanwhile hits all of them; medians, and ratios by round. */

/** Something that is called many times at once. */
export interface Contender {
  readonly name: string;
  /** One piece of work. */
  call(): Promise<unknown>;
  close(): Promise<unknown>;
}

/** Something that is timed as a whole. */
export interface Lap {
  readonly name: string;
  /** How many pieces of work a second. */
  lap(): Promise<number>;
}

export interface Row {
  readonly name: string;
  /** Median of the rounds. */
  readonly perSecond: number;
  /** Median over the rounds of this rate by that of the reference in the same round. */
  readonly ratio: number;
}

/** So many calls, some of them on their way at the same time. */
export function lapOf({ name, call }: Contender, calls: number, concurrent: number): Lap {
  const lap = async (): Promise<number> => {
    let left = calls;
    const oneByOne = async (): Promise<void> => {
      while (left-- > 0) await call();
    };
    const startMs = performance.now();
    await Promise.all(Array.from({ length: concurrent }, oneByOne));
    return (calls / (performance.now() - startMs)) * 1_000;
  };
  return { name, lap };
}

/** One lap each to warm up, then the rounds, every other one in the opposite order. */
export async function measure(laps: readonly Lap[], rounds: number, reference: string): Promise<Row[]> {
  const rates = laps.map((): number[] => []);
  for (const { lap } of laps) await lap();
  const order = [...laps.keys()];
  for (let round = 0; round < rounds; round++)
    for (const at of round % 2 === 0 ? order : order.toReversed())
      rates[at]?.push((await laps[at]?.lap()) ?? Number.NaN);
  const base = rates[laps.findIndex(({ name }) => name === reference)] ?? [];
  return laps.map(({ name }, at) => {
    const own = rates[at] ?? [];
    const ratios = own.map((rate, round) => rate / (base[round] ?? Number.NaN));
    return { name, perSecond: Math.round(median(own)), ratio: Number(median(ratios).toFixed(2)) };
  });
}

export function print(title: string, rows: readonly Row[], reference: string): void {
  console.log(`\n${title}`);
  for (const { name, perSecond, ratio } of rows.toSorted((a, b) => b.perSecond - a.perSecond))
    console.log(
      `  ${name.padEnd(36)} ${perSecond.toLocaleString('en').padStart(7)}/s  ${ratio.toFixed(2)} × ${reference}`,
    );
}

export function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
}
