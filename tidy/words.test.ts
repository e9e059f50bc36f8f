/** The words that this project does not use are in no name, no comment, no message, no name of a test and no page. */
import { expect, test } from 'vitest';
import { CHECKED, placesIn } from './words.ts';

/** Places where such a word is right. Each must still exist. */
const exceptions: readonly { readonly path: string; readonly found: string; readonly reason: string }[] = [
  { path: '.changeset/standard-words.md', found: 'tell', reason: 'a name as it was before' },
];

const places = new Map(CHECKED.map((path) => [path, placesIn(path)]));

test.each(CHECKED)('%s uses standard words', (path) => {
  const wrong = (places.get(path) ?? []).filter(({ at, found }) => !isException(at, found));
  expect(wrong.map(({ at, found, instead }) => `${at}: ${found} (${instead})`)).toEqual([]);
});

test('every exception is needed', () => {
  const all = [...places.values()].flat();
  const unused = exceptions.filter(
    ({ path, found }) => !all.some((place) => place.at.startsWith(`${path}:`) && place.found === found),
  );
  expect(unused).toEqual([]);
});

function isException(at: string, found: string): boolean {
  return exceptions.some((exception) => at.startsWith(`${exception.path}:`) && exception.found === found);
}
