/** Compares versions by the numbers in them: `6.12.41-amd64` is at least `6.9`. Loads nothing. */

/** True if the version is not older. Compares the numbers before the first other text (`6.12` in `6.12-rc1`); missing ones are 0. */
export function isVersionAtLeast(version: string, least: string): boolean {
  const [own, wanted] = [numbersOf(version), numbersOf(least)];
  for (let at = 0; at < Math.max(own.length, wanted.length); at++) {
    const difference = (own[at] ?? 0) - (wanted[at] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}

function numbersOf(version: string): number[] {
  const [numbers = ''] = /\d+(?:\.\d+)*/.exec(version) ?? [];
  return numbers === '' ? [] : numbers.split('.').map(Number);
}
