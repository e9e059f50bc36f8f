/** The page of the configuration says of each option what its declaration says, in the same order. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  declaredOptions,
  type OptionDeclaration,
  variableOf,
  Words,
} from '../packages/usecase-testsuite/src/options/declarations.ts';
import { ROOT } from './sources.ts';

const page = readFileSync(join(ROOT, 'docs/configuration.md'), 'utf8');

/** The table without the meanings, which are prose. */
test('docs/configuration.md has a row for each option, with its default, its places and its exit code', () => {
  const rows = [...page.matchAll(/^\| `(\w+)` \|(.*)\|$/gm)].filter(
    ([, , rest]) => rest?.split('|').length === 6,
  );
  const found = rows.map(([, name, rest = '']) =>
    [name, ...rest.split(' | ').slice(0, 5)].map((cell) => cell?.trim()),
  );
  expect(found).toEqual(declaredOptions.map(([name, declaration]) => [name, ...cellsOf(name, declaration)]));
  for (const [, name, rest = ''] of rows) expect(rest.split('|').at(-1)?.trim(), name).not.toBe('');
});

function cellsOf(
  name: string,
  { default: value, command = [], text, isOfTasks, exitCode }: OptionDeclaration,
): string[] {
  return [
    defaultText(value),
    command.map(({ flags }) => code(flags)).join(', '),
    text === undefined ? '' : code(variableOf(name)),
    isOfTasks === true ? 'task' : '',
    exitCode === undefined ? '' : String(exitCode),
  ];
}

function defaultText(value: unknown): string {
  if (value instanceof Words) return value.text;
  return code(
    typeof value === 'number' ? value.toLocaleString('en') : JSON.stringify(value).replaceAll('"', "'"),
  );
}

function code(text: string): string {
  return `\`${text}\``;
}
