/**
 * A report in progress: each case becomes text at once, so that a long run costs only as much memory as its report has characters. Suites are in
 * the order of their first task.
 */

import { limited } from '../text/plain.ts';
import { type Dialect, type SuiteFacts, textElement } from './dialect.ts';
import type { TestCase } from './test-case.ts';
import { closeTag, type Element, openTag, render, xmlName } from './xml.ts';

/** In the strict dialect, the output of all cases of a suite together, in characters. */
const SUITE_OUTPUT = 4_000_000;

/** Known only at the end. */
export interface DocumentFacts {
  readonly name: string;
  readonly seconds: number;
  readonly startedAt: number;
  readonly hostname: string;
  readonly properties: Readonly<Record<string, string>>;
}

interface Suite {
  readonly name: string;
  readonly cases: string[];
  readonly out: string[];
  readonly err: string[];
  failures: number;
  errors: number;
  skipped: number;
  seconds: number;
}

export class Document {
  readonly #dialect: Dialect;
  readonly #rootName: string;
  readonly #suites = new Map<string, Suite>();
  readonly #names = new Map<string, number>();

  /** `rootName` is the suite of tasks with a call path of one part. */
  constructor(dialect: Dialect, rootName: string) {
    this.#dialect = dialect;
    this.#rootName = rootName;
  }

  /** Makes the suite of a task that has not ended yet, which fixes its place in the order. */
  expect(callPath: readonly string[]): void {
    this.#suiteOf(this.#foldersOf(callPath));
  }

  /** Adds a case of the task at that call path. */
  add(callPath: readonly string[], testCase: TestCase): void {
    const folders = this.#foldersOf(callPath);
    const suite = this.#suiteOf(folders);
    const classname = folders.map(classPart).join('.');
    const name = this.#unique(classname, xmlName(testCase.name));
    suite.cases.push(render(this.#dialect.testCase(testCase, classname, name), 2));
    count(suite, testCase);
    if (!this.#dialect.keepsOutputOfCases) keepOutput(suite, name, testCase);
  }

  /** The whole report, in pieces. */
  *pieces(facts: DocumentFacts): Generator<string> {
    const suites = [...this.#suites.values()];
    const described = suites.map((suite, index) => factsOf(suite, index, facts));
    yield '<?xml version="1.0" encoding="UTF-8"?>';
    yield openTag('testsuites', this.#dialect.whole(described, facts.name, facts.seconds));
    for (const [index, suite] of suites.entries()) {
      yield openTag('testsuite', this.#dialect.suite(described[index] as SuiteFacts), 1);
      yield render(propertiesElement(facts.properties), 2);
      yield* suite.cases;
      if (!this.#dialect.keepsOutputOfCases) yield* outputPieces(suite);
      yield closeTag('testsuite', 1);
    }
    yield `${closeTag('testsuites')}\n`;
  }

  #foldersOf(callPath: readonly string[]): readonly string[] {
    return callPath.length > 1 ? callPath.slice(0, -1) : [this.#rootName];
  }

  #suiteOf(folders: readonly string[]): Suite {
    const name = xmlName(folders[0] ?? '');
    const known = this.#suites.get(name);
    if (known !== undefined) return known;
    const suite = { name, cases: [], out: [], err: [], failures: 0, errors: 0, skipped: 0, seconds: 0 };
    this.#suites.set(name, suite);
    return suite;
  }

  /** Readers drop all but one of the cases with the same name, and may keep the green one. */
  #unique(classname: string, name: string): string {
    const key = `${classname}\n${name}`;
    const before = this.#names.get(key) ?? 0;
    this.#names.set(key, before + 1);
    return before === 0 ? name : this.#unique(classname, `${name} (${before + 1})`);
  }
}

/** Readers split class names at dots; in our names a dot has no meaning. */
function classPart(part: string): string {
  return xmlName(part).replaceAll('.', '_');
}

function count(suite: Suite, { status, seconds }: TestCase): void {
  if (Number.isFinite(seconds)) suite.seconds += Math.max(0, seconds);
  if (status.kind === 'failure') suite.failures++;
  if (status.kind === 'error') suite.errors++;
  if (status.kind === 'skipped') suite.skipped++;
}

function keepOutput(suite: Suite, name: string, { out, err }: TestCase): void {
  if (out !== '') suite.out.push(`── ${name} ──\n${out}\n`);
  if (err !== '') suite.err.push(`── ${name} ──\n${err}\n`);
}

/** The strict schema requires both elements, even empty. */
function outputPieces({ out, err }: Suite): string[] {
  const texts = { 'system-out': out, 'system-err': err };
  return Object.entries(texts).map(([name, texts]) => {
    const [element = { name }] = textElement(name, limited(texts.join(''), SUITE_OUTPUT));
    return render(element, 2);
  });
}

function propertiesElement(properties: Readonly<Record<string, string>>): Element {
  const content = Object.entries(properties).map(([name, value]) => ({
    name: 'property',
    attributes: { name: xmlName(name), value: xmlName(value, '') },
  }));
  return { name: 'properties', content };
}

function factsOf(suite: Suite, index: number, { startedAt, hostname }: DocumentFacts): SuiteFacts {
  const { name, cases, failures, errors, skipped, seconds } = suite;
  return { name, index, tests: cases.length, failures, errors, skipped, seconds, startedAt, hostname };
}
