/** Sizes as people write them: `512M`, `2G`, `1.5GiB`. All units are powers of 1024. Loads nothing. */

const unitsMb: Readonly<Record<string, number>> = { K: 1 / 1024, M: 1, G: 1024, T: 1024 * 1024 };

/** How sizes may be written, for messages. */
export const sizeForms = 'a size such as 512M, 2G or 1.5T';

/** Mebibytes; undefined for anything that is not a size. */
export function readSize(value: unknown): number | undefined {
  if (typeof value !== 'string') return undefined;
  const [, count, unit = ''] = /^(\d{1,9}(?:\.\d{1,9})?) ?([KMGT])(?:i?B)?$/.exec(value) ?? [];
  const unitMb = unitsMb[unit];
  return count === undefined || unitMb === undefined ? undefined : Number(count) * unitMb;
}

/** A size for people: `1.9G`. */
export function sizeText(mebibytes: number): string {
  const [unit, count] =
    mebibytes >= 1024 * 1024
      ? ['T', mebibytes / 1024 / 1024]
      : mebibytes >= 1024
        ? ['G', mebibytes / 1024]
        : ['M', mebibytes];
  return `${Number.isInteger(count) ? count : count.toFixed(1)}${unit}`;
}
