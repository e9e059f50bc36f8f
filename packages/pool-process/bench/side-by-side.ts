/** Measures contenders in alternation, so that what the machine does meanwhile hits all of them; medians, and ratios by round. */
export interface Contender {
  readonly name: string;
  /** One piece of work. */
  call(): Promise<unknown>;
  close(): Promise<unknown>;
}

export interface Row {
  readonly name: string;
  /** Median of the rounds. */
  readonly perSecond: number;
  /** Median over the rounds of this rate by that of the reference in the same round. */
  readonly ratio: number;
}

export interface Load {
  /** Calls on their way at the same time. */
  readonly concurrent: number;
  /** Calls a round. */
  readonly calls: number;
}

/** Anything that can be timed as a whole: calls a second. */
export interface Lap {
  readonly name: string;
  lap(): Promise<number>;
}

/** A contender with a load is a lap. */
export function lapOf({ name, call }: Contender, { concurrent, calls }: Load): Lap {
  const lap = async (): Promise<number> => {
    let left = calls;
    const callInTurn = async (): Promise<void> => {
      while (left-- > 0) await call();
    };
    const startedAt = performance.now();
    await Promise.all(Array.from({ length: concurrent }, callInTurn));
    return (calls / (performance.now() - startedAt)) * 1_000;
  };
  return { name, lap };
}

/** One lap each to warm up, then the rounds, every other one in the opposite order. */
export async function measure(laps: readonly Lap[], rounds: number, reference: string): Promise<Row[]> {
  const rates = new Map(laps.map((each): [Lap, number[]] => [each, []]));
  for (const { lap } of laps) await lap();
  for (let round = 0; round < rounds; round++) {
    for (const each of round % 2 === 0 ? laps : laps.toReversed()) rates.get(each)?.push(await each.lap());
  }
  const base = rates.get(laps.find(({ name }) => name === reference) ?? (laps[0] as Lap)) ?? [];
  return [...rates].map(([{ name }, own]) => ({
    name,
    perSecond: Math.round(median(own)),
    ratio: Number(median(own.map((rate, round) => rate / (base[round] ?? Number.NaN))).toFixed(2)),
  }));
}

/** The table, fastest first. */
export function print(title: string, rows: readonly Row[], reference: string): void {
  console.log(`\n${title}`);
  for (const { name, perSecond, ratio } of rows.toSorted((a, b) => b.perSecond - a.perSecond)) {
    const rate = perSecond.toLocaleString('en').padStart(9);
    console.log(`  ${name.padEnd(24)} ${rate}/s  ${ratio.toFixed(2)} × ${reference}`);
  }
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] as number;
}
