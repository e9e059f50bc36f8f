/** Where entries of a configuration stand, for every way in which people write one; and nowhere where the text does not show it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { entriesOf } from '../../src/options/locate.ts';

/** Where the entry stands in a configuration with this text: the text from there on, up to the end of the word. */
function found(text: string, entry: string, name = 'pexen.config.ts'): string | undefined {
  const dir = mkdtempSync(join(tmpdir(), 'pexen-locate-'));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  const file = join(dir, name);
  writeFileSync(file, text);
  const { line = 0, column = 0, ...rest } = entriesOf(file)(entry.split('.')) ?? {};
  if (line === 0) return undefined;
  expect(rest).toEqual({ file });
  return /^[\w'{]+/.exec(text.split('\n')[line - 1]?.slice(column - 1) ?? '')?.[0];
}

it.each([
  ['an object', 'export default { retries: 1 };'],
  ['an argument', 'export default defineSuite({ from: {}, retries: 1 });'],
  ['with types', 'export default defineSuite({ retries: 1 as number } satisfies Suite);'],
  ['a function', 'export default defineSuite(({ ci }: Env): Suite => ({ retries: ci ? 1 : 0 }));'],
  ['an async function', 'export default async function suite() { await x; return { retries: 1 }; }'],
  ['a constant', 'const suite: Suite = {\n  retries: 1,\n};\nexport default defineSuite(suite);'],
  ['an exported constant', 'export const suite = { retries: 1 };\nexport default suite;'],
  ['a constant of the function', 'export default () => { const suite = { retries: 1 }; return suite; };'],
  ['a spread', 'const base = { retries: 1 };\nexport default { ...base, bail: 2 };'],
  ['the last of two', 'const base = { retries: 1 };\nexport default { ...{ retriesOff: 0 }, ...base };'],
  ['shorthand', 'const retries = 1;\nexport default { retries };'],
])('finds an entry in %s', (_, text) => {
  expect(found(text, 'retries')).toBe('retries');
});

it('finds entries inside of others', () => {
  const text = `const set = { timeout: 5 };
export default defineSuite({
  profiles: { ci: { 'bail': 1, overrides: [{ match: 'a', set }, { match: 'b', set: { tags: ['x'] } }] } },
});`;
  expect(found(text, 'profiles.ci.bail')).toBe("'bail'");
  expect(found(text, 'profiles.ci.overrides.1.set.tags')).toBe('tags');
  expect(found(text, 'profiles.ci.overrides.0.set.timeout')).toBe('timeout');
  expect(found(text, 'profiles.ci.overrides.2')).toBeUndefined();
});

it.each([
  ['is not there', 'export default { bail: 1 };'],
  ['is computed', "export default { ['retries']: 1 };"],
  ['is made elsewhere', "import { base } from './base.ts';\nexport default { ...base };"],
  ['is made by a call', 'export default make();'],
  ['is named in a circle', 'const a = b;\nconst b = a;\nexport default a;'],
  ['spreads itself', 'const a = { ...a };\nexport default a;'],
  ['is in a broken file', 'export default { retries: 1'],
  ['is in a file that strips no types', 'enum A { b }\nexport default { retries: 1 };'],
  ['has no default export', 'export const a = { retries: 1 };'],
])('finds nothing where it %s', (_, text) => {
  expect(found(text, 'retries')).toBeUndefined();
});

it('reads modules of JavaScript as they are', () => {
  expect(found('export default { retries: 1 };', 'retries', 'pexen.config.mjs')).toBe('retries');
  expect(entriesOf('/no/such/file.ts')(['retries'])).toBeUndefined();
});
