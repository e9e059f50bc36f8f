/** Random suite files: reading them ends and throws nothing, mistakes are reported where they are, and the published schema agrees. */
import { Buffer } from 'node:buffer';
import { readFileSync } from 'node:fs';
import type { Problem } from '@pexen/core';
import { Ajv2020, type AnySchemaObject } from 'ajv/dist/2020.js';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { isWhole } from '#sample';
import type { Files } from '../../src/files.ts';
import { readSuite } from '../../src/suite-file/read-suite.ts';
import { tasksOf } from '../../src/suite-file/tasks-of.ts';
import { factories } from '../../src/tree.ts';
import { plainValue } from '../../src/yaml/values.ts';
import { readYaml } from '../../src/yaml/yaml-tree.ts';
import { planted, suites } from './random-suite.ts';

const numRuns = Number(process.env.PEXEN_SUITE_FILES ?? (isWhole ? 25_000 : 600));

const timeout = 600_000;

/** A disk with a single file. */
function diskWith(text: string): Files {
  return {
    list: () => [],
    look: (path) => ({
      kind: path.startsWith('/x/') ? 'file' : 'other',
      mode: 0o755,
      uid: 0,
      identity: path,
    }),
    head: (_path, bytes) => Buffer.from(text).subarray(0, bytes),
  };
}

async function problemsIn(text: string): Promise<readonly Problem[]> {
  const files = diskWith(text);
  const content = readSuite('/x/suite.yaml', files);
  const problems = [...content.problems];
  const context = { root: '/x', env: { PATH: '/x/bin' } };
  const making = tasksOf(
    { ...content, parts: content.parts.filter(({ kind }) => kind === 'task') },
    context,
    files,
    factories,
    (problem) => problems.push(problem),
  );
  for await (const _ of making);
  return problems;
}

const isValid = new Ajv2020({ allErrors: true, strictTypes: false }).compile(
  JSON.parse(
    readFileSync(new URL('../../../../apps/pexen/schemas/suite.schema.json', import.meta.url), 'utf8'),
  ) as AnySchemaObject,
);

function bySchema(text: string): boolean | undefined {
  const limits = { code: 'PEXEN_BAD_YAML', longest: 1_000_000, deepest: 40, references: true } as const;
  const { root } = readYaml(text, '/x/suite.yaml', limits);
  return root === undefined ? undefined : isValid(plainValue(root)) === true;
}

test('files without mistakes have none, for the schema neither', { timeout }, async () => {
  await fc.assert(
    fc.asyncProperty(suites, async (text) => {
      expect(await problemsIn(text), text).toEqual([]);
      expect(bySchema(text), `${text}\n${JSON.stringify(isValid.errors)}`).toBe(true);
    }),
    { numRuns },
  );
});

test('a mistake is reported where it is, and by the schema', { timeout }, async () => {
  await fc.assert(
    fc.asyncProperty(planted, async ({ text, place, kind }) => {
      const problems = await problemsIn(text);
      const places = problems.map(({ location }) => `${location?.line}:${location?.column}`);
      const isThere = places.some((each) =>
        kind === 'tab' ? each.split(':')[0] === place.split(':')[0] : isAtOrIn(each, place),
      );
      expect(isThere, `${kind} at ${place}, and reported at ${places.join(', ')}:\n${text}`).toBe(true);
      const isKnownToSchema = kind === 'unknown entry' || kind === 'wrong value';
      if (isKnownToSchema) expect(bySchema(text), text).toBe(false);
    }),
    { numRuns },
  );
});

/** A wrong value is reported at its beginning, or at the part of it that is wrong: it is in one line. */
function isAtOrIn(found: string, place: string): boolean {
  const [line, column] = found.split(':').map(Number);
  const [atLine, atColumn] = place.split(':').map(Number);
  return line === atLine && Number(column) >= Number(atColumn) && Number(column) <= Number(atColumn) + 20;
}

const words = fc.constantFrom(
  ...[
    'tasks',
    'templates',
    'defaults',
    'from',
    'include',
    'capacities',
    'command',
    'template',
    'with',
    'matrix',
  ],
  ...[
    'exclude',
    'cells',
    'when',
    'if',
    'needs',
    'requires',
    'anyOf',
    'env',
    'a',
    'b',
    'suite.yaml',
    'x-y',
    '20s',
    '1.10',
  ],
  ...[
    ': ',
    ':\n  ',
    '\n',
    '\n  ',
    '\n    ',
    '\n- ',
    ', ',
    '{ ',
    ' }',
    '[',
    ']',
    '- ',
    '? ',
    '"',
    "'",
    '|',
    '>',
    '\t',
  ],
  ...[
    '&a ',
    '*a',
    '<<: *a',
    '!!set ',
    '---\n',
    '...',
    '# ',
    `\${{ a }}`,
    `\${{`,
    `$\${{ a }}`,
    '\0',
    '\ufeff',
    '\u{1f600}',
    '%YAML 1.1\n',
  ],
);
const texts = fc.oneof(
  fc.array(words, { maxLength: 80 }).map((parts) => parts.join('')),
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc
    .tuple(suites, fc.nat(), fc.nat({ max: 40 }), fc.array(words, { maxLength: 3 }))
    .map(([text, at, length, parts]) => {
      const start = at % (text.length + 1);
      return text.slice(0, start) + parts.join('') + text.slice(start + length);
    }),
);

test('whatever a file contains, reading it ends and throws nothing, and places are in the file', {
  timeout,
}, async () => {
  let slowest = 0;
  await fc.assert(
    fc.asyncProperty(texts, async (text) => {
      const start = performance.now();
      const problems = await problemsIn(text);
      slowest = Math.max(slowest, performance.now() - start);
      const lines = text.split('\n');
      for (const { code, message, location } of problems) {
        expect(code.startsWith('PEXEN_') && message !== '').toBe(true);
        const { line = 1, column = 1 } = location ?? {};
        expect(
          line >= 1 && line <= lines.length && column >= 1,
          `${line}:${column} ${message}\n${text}`,
        ).toBe(true);
        expect(column <= (lines[line - 1] ?? '').length + 1, `${line}:${column} ${message}\n${text}`).toBe(
          true,
        );
      }
    }),
    { numRuns: 2 * numRuns },
  );
  expect(slowest).toBeLessThan(1_000);
  if (numRuns > 10_000) console.log(`${4 * numRuns} suite files, slowest ${slowest.toFixed(1)} ms`);
});
