/** docs/ERRORS.md has every code of the sources, and no other. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';
import { published, ROOT, type SourceFile, sourcesIn, walk } from './sources.ts';

/** Variables of the environment of programs and workers look like codes and are none: docs/processes.md has them. */
const environment = ['ATTEMPT', 'ATTEMPT_NUMBER', 'REPORT', 'SLOT', 'TASK', 'TIMEOUT_MS'].map(
  (name) => `PEXEN_${name}`,
);

const page = readFileSync(join(ROOT, 'docs/ERRORS.md'), 'utf8');
const told = [...page.matchAll(/^### (.*)$/gm)].map(([, code = '']) => code);
const named = new Set(
  published()
    .flatMap((member) => sourcesIn(`${member.dir}/src`))
    .flatMap(namesIn),
);

/** Every text in the file that is written like a code. */
function namesIn(file: SourceFile): string[] {
  const found: string[] = [];
  walk(file, (node) => {
    if (ts.isStringLiteralLike(node) && /^PEXEN_[A-Z_]+$/.test(node.text)) found.push(node.text);
  });
  return found;
}

describe('docs/ERRORS.md', () => {
  test('has every code that the sources name, and none besides', () => {
    const codes = [...named].filter((name) => !environment.includes(name));
    expect([...told].sort()).toEqual(codes.sort());
  });

  test('has them in alphabetical order, problems and warnings apart', () => {
    const [problems = '', warnings = ''] = page.split('\n## Warnings\n');
    for (const section of [problems, warnings]) {
      const codes = [...section.matchAll(/^### (.*)$/gm)].map(([, code]) => code);
      expect(codes).not.toEqual([]);
      expect(codes).toEqual([...codes].sort());
    }
  });

  test('says of each what it means, how it reads and what to do', () => {
    const entries = page.split(/^(?=### |## )/m).filter((part) => part.startsWith('### '));
    expect(entries.filter((entry) => !/^### PEXEN_[A-Z_]+\n\S.*\n> \S.*\n\n\S.*\n+$/.test(entry))).toEqual(
      [],
    );
  });

  test('does not speak of the environment, which the sources name elsewhere', () => {
    expect(environment.filter((name) => !named.has(name))).toEqual([]);
  });
});
