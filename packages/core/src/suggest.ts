/** "Did you mean …?": the known name nearest to a mistaken one. */

/** The nearest of `known` to `name`, if it is near enough to be what was meant: less than half of the letters differ, or it begins alike. */
export function nearest(name: string, known: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (const candidate of known) {
    const most = Math.floor(Math.max(name.length, candidate.length) * 0.45);
    const isBeginning = isBeginningOf(name, candidate) || isBeginningOf(candidate, name);
    if (!isBeginning && Math.abs(candidate.length - name.length) > most) continue;
    const distance = isBeginning ? most : editDistance(name, candidate);
    if (distance <= most && distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** `Did you mean "x"?`, or undefined where nothing is near. */
export function didYouMean(name: string, known: Iterable<string>): string | undefined {
  const match = nearest(name, known);
  return match === undefined ? undefined : `Did you mean "${match}"?`;
}

/** `bin` for `binary`. Two letters are too few to mean anything. */
function isBeginningOf(short: string, long: string): boolean {
  return short.length > 2 && long.startsWith(short);
}

/** Levenshtein's distance, by rows. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      const replace = (row[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min(replace, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
