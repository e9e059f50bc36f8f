/** The expected durations by which tasks are divided: rounded, so that small differences between two measurements move no task. */

/** Half a step in each direction, on a logarithmic scale. */
const quarterStep = 1.189207115002721; // 2 to the power of 1/4
const threeQuarterSteps = 1.681792830507429; // 2 to the power of 3/4

/** The nearest power of √2; computed without functions whose last digit may differ from machine to machine. At least 0.1 ms. */
export function roundedWeight(weightMs: number): number {
  const least = Math.max(weightMs, 0.1);
  let power = 1;
  while (power * 2 <= least) power *= 2;
  while (power > least) power /= 2;
  const rest = least / power;
  if (rest < quarterStep) return power;
  return rest < threeQuarterSteps ? power * Math.SQRT2 : power * 2;
}
