/**
 * Estimates the duration of a task from how long it took before. Durations vary by factors, so everything is computed with logarithms; medians
 * keep single outliers out, and the latest runs count most, so that a task that became slower is known as slow after a few runs.
 * Knows neither runs nor machines.
 */

/** How many of the latest durations count. */
export const mostDurations = 32;
/** After so many further runs a duration counts half as much. */
const halfLife = 3;
/** The spread of a task of which nothing is known, and how many runs that assumption counts as much as. */
const usualSpread = 0.3;
const assumedRuns = 2;
/** Shorter durations are noise of the clock. */
const shortestMs = 0.1;

/** The duration of a task: `center` and `spread` are natural logarithms, of milliseconds and of a factor. */
export interface DurationEstimate {
  readonly center: number;
  readonly spread: number;
  /** How many durations it is made of, counted by their age: 1 for a single one, at most 4.8. */
  readonly weight: number;
}

/** An estimate with the number of durations that it is made of. */
export interface CountedEstimate extends DurationEstimate {
  readonly count: number;
}

/** The estimate from these durations, ms, the latest first; undefined without any. */
export function estimateDuration(latestFirst: readonly number[]): CountedEstimate | undefined {
  if (latestFirst.length === 0) return undefined;
  const values = latestFirst
    .slice(0, mostDurations)
    .map((ms, age): Weighted => [Math.log(Math.max(ms, shortestMs)), weightAt(age)]);
  const weight = weightOfRuns(values.length);
  const center = weightedMedian(values);
  const deviation = 1.4826 * weightedMedian(values.map(([x, w]) => [Math.abs(x - center), w]));
  const spread = (deviation * weight + usualSpread * assumedRuns) / (weight + assumedRuns);
  return { center, spread, weight, count: values.length };
}

/** The `weight` of an estimate from so many durations. */
export function weightOfRuns(count: number): number {
  let sum = 0;
  for (let age = 0; age < Math.min(count, mostDurations); age++) sum += weightAt(age);
  return sum;
}

function weightAt(age: number): number {
  return 2 ** (-age / halfLife);
}

/** The most likely duration, ms. */
export function likelyMs({ center }: DurationEstimate): number {
  return Math.exp(center);
}

/** A duration that the task exceeds in fewer than 1 of 10 runs, ms: for a task that may start before another one only if it does not delay that. */
export function boundMs({ center, spread }: DurationEstimate): number {
  return Math.exp(center + 1.6 * spread);
}

/** From here on the task runs unusually long, ms: at least a second and the double of what is likely. */
export function unusualMs({ center, spread }: DurationEstimate): number {
  return Math.max(Math.exp(center + 3.2 * spread), 2 * Math.exp(center), 1000);
}

/** A value, and how much it counts. */
export type Weighted = readonly [value: number, weight: number];

/** The least value that is not below half of all weight. There is at least one. */
export function weightedMedian(values: readonly Weighted[]): number {
  const sorted = [...values].sort(([one], [other]) => one - other);
  let half = 0;
  for (const [, weight] of sorted) half += weight / 2;
  let sum = 0;
  for (const [value, weight] of sorted) {
    sum += weight;
    if (sum >= half) return value;
  }
  return (sorted.at(-1) as Weighted)[0];
}
