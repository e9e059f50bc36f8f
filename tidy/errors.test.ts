/** docs/ERRORS.md has every code of the sources, and no other. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';
import { published, ROOT, type SourceFile, sourcesIn, walk } from './sources.ts';

/**
 * Environment variables look like codes: those of programs and workers, which docs/processes.md has, that by which workers get the place of compiled code, that of the processes in which a
 * watched suite runs, and that which chooses profiles.
 */
const environment = [
  'ATTEMPT',
  'ATTEMPT_NUMBER',
  'COMPILED_CODE',
  'INTERRUPTIONS',
  'PROFILE',
  'REPORT',
  'SLOT',
  'TASK',
  'TIMEOUT_MS',
  'VALUES',
  'WATCH_ROUND',
].map((name) => `PEXEN_${name}`);

const page = readFileSync(join(ROOT, 'docs/ERRORS.md'), 'utf8');
const documented = [...page.matchAll(/^### (.*)$/gm)].map(([, code = '']) => code);
const sources = published().flatMap((member) => sourcesIn(`${member.dir}/src`));
const named = new Set(sources.flatMap(namesIn));

/** Their messages come from elsewhere: a schema, or a function of the user. */
const withForeignMessages = ['PEXEN_BAD_ARGS', 'PEXEN_JUDGE_THREW', 'PEXEN_LISTENER_THREW'];

/** Every string in the file that looks like a code. */
function namesIn(file: SourceFile): string[] {
  const found: string[] = [];
  walk(file, (node) => {
    if (ts.isStringLiteralLike(node) && /^PEXEN_[A-Z_]+$/.test(node.text)) found.push(node.text);
  });
  return found;
}

/** The strings in the file, each as its constant parts. */
function textsIn(file: SourceFile): string[][] {
  const found: string[][] = [];
  walk(file, (node) => {
    if (ts.isStringLiteralLike(node)) found.push([node.text]);
    if (ts.isTemplateExpression(node))
      found.push([node.head.text, ...node.templateSpans.map(({ literal }) => literal.text)]);
  });
  return found.filter((parts) => parts.join('').trim().length >= 8);
}

/** Does the sentence consist of these parts, in order? */
function isMadeOf(parts: readonly string[], sentence: string): boolean {
  let from = 0;
  return parts.every((part) => {
    const at = sentence.indexOf(part, from);
    from = at + part.length;
    return at >= 0;
  });
}

describe('docs/ERRORS.md', () => {
  test('has exactly the codes that are in the sources', () => {
    const codes = [...named].filter((name) => !environment.includes(name));
    expect([...documented].sort()).toEqual(codes.sort());
  });

  test('lists problems and warnings in alphabetical order', () => {
    const [problems = '', warnings = ''] = page.split('\n## Warnings\n');
    for (const section of [problems, warnings]) {
      const codes = [...section.matchAll(/^### (.*)$/gm)].map(([, code]) => code);
      expect(codes).not.toEqual([]);
      expect(codes).toEqual([...codes].sort());
    }
  });

  test('has a meaning, a message and a next step for each', () => {
    const entries = page.split(/^(?=### |## )/m).filter((part) => part.startsWith('### '));
    expect(entries.filter((entry) => !/^### PEXEN_[A-Z_]+\n\S.*\n> \S.*\n\n\S.*\n+$/.test(entry))).toEqual(
      [],
    );
  });

  test('shows messages of the sources', () => {
    const shown = [...page.matchAll(/^### (.*)\n.*\n> (.*)$/gm)].map(([, code = '', message = '']) => ({
      code,
      message,
    }));
    const read = sources.map((file) => ({ codes: namesIn(file), texts: textsIn(file) }));
    const isMade = (code: string, message: string): boolean =>
      read.some(
        ({ codes, texts }) => codes.includes(code) && texts.some((parts) => isMadeOf(parts, message)),
      );
    expect(shown.length).toBe(documented.length);
    const ours = shown.filter(({ code }) => !withForeignMessages.includes(code));
    expect(ours.filter(({ code, message }) => !isMade(code, message))).toEqual([]);
  });

  test('does not list environment variables', () => {
    expect(environment.filter((name) => !named.has(name))).toEqual([]);
  });
});
