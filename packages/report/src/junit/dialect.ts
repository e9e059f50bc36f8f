/** The two dialects of JUnit XML, each valid under a schema. Makes all text valid XML. */

import type { Rerun, TestCase } from './test-case.ts';
import { type Element, xmlName, xmlText } from './xml.ts';

/** The attributes of a suite, with the counts of its cases. */
export interface SuiteFacts {
  readonly name: string;
  readonly index: number;
  readonly tests: number;
  readonly failures: number;
  readonly errors: number;
  readonly skipped: number;
  readonly seconds: number;
  readonly startedAt: number;
  readonly hostname: string;
}

/** One dialect. */
export interface Dialect {
  /** The attributes of the root element. */
  whole(suites: readonly SuiteFacts[], name: string, seconds: number): Readonly<Record<string, string>>;
  suite(suite: SuiteFacts): Readonly<Record<string, string>>;
  testCase(testCase: TestCase, classname: string, name: string): Element;
  /** If a case cannot have output of its own, that of the suite is at its end. */
  readonly keepsOutputOfCases: boolean;
}

/**
 * The dialect of Jenkins, GitLab and most others (xunit-plugin's junit-10.xsd), with flaky and rerun elements. The attributes `file` and `line` of
 * cases are not in that schema; GitLab and CircleCI read them, others ignore them.
 */
export const jenkins: Dialect = jenkinsDialect(true);

/** The same without places, valid under the schema to the letter. */
export const jenkinsWithoutPlaces: Dialect = jenkinsDialect(false);

function jenkinsDialect(hasPlaces: boolean): Dialect {
  return {
    keepsOutputOfCases: true,
    whole: (suites, name, seconds) => ({
      name: xmlName(name),
      tests: String(sum(suites.map(({ tests }) => tests))),
      failures: String(sum(suites.map(({ failures }) => failures))),
      errors: String(sum(suites.map(({ errors }) => errors))),
      time: xmlSeconds(seconds),
    }),
    suite: (suite) => suiteAttributes(suite),
    testCase: (testCase, classname, name) => ({
      name: 'testcase',
      attributes: {
        ...{ name, classname, time: xmlSeconds(testCase.seconds) },
        ...(hasPlaces && testCase.file !== undefined && { file: xmlName(testCase.file) }),
        ...(hasPlaces && testCase.line !== undefined && { line: String(testCase.line) }),
      },
      content: [
        ...statusElements(testCase),
        ...testCase.reruns.map((rerun) => rerunElement(rerun, testCase.status.kind === 'passed')),
        ...textElement('system-out', testCase.out),
        ...textElement('system-err', testCase.err),
      ],
    }),
  };
}

/** The Ant dialect (windyroad's JUnit.xsd): at most one element in a case; output belongs to the suite. */
export const strict: Dialect = {
  keepsOutputOfCases: false,
  whole: () => ({}),
  suite: (suite) => ({ ...suiteAttributes(suite), package: suite.name, id: String(suite.index) }),
  testCase: (testCase, classname, name) => ({
    name: 'testcase',
    attributes: { name, classname, time: xmlSeconds(testCase.seconds) },
    content: statusElements(testCase),
  }),
};

/** An element with text, or none if the text is empty. */
export function textElement(name: string, text: string): Element[] {
  return text === '' ? [] : [{ name, content: xmlText(text) }];
}

function suiteAttributes(suite: SuiteFacts): Readonly<Record<string, string>> {
  return {
    name: suite.name,
    tests: String(suite.tests),
    failures: String(suite.failures),
    errors: String(suite.errors),
    skipped: String(suite.skipped),
    time: xmlSeconds(suite.seconds),
    timestamp: timestampOf(suite.startedAt),
    hostname: xmlName(suite.hostname, 'localhost'),
  };
}

/** GitLab shows only the text of an element, Jenkins also its message, so both are written. */
function statusElements({ status }: TestCase): Element[] {
  if (status.kind === 'passed') return [];
  const { kind, message } = status;
  if (kind === 'skipped') {
    return [{ name: kind, attributes: { message: xmlName(message, '') }, content: xmlText(message) }];
  }
  const attributes = { message: xmlName(message, kind), type: xmlName(status.type, kind) };
  return [{ name: kind, attributes, content: xmlText(status.text) }];
}

function rerunElement({ kind, type, message, text, out, err }: Rerun, passed: boolean): Element {
  const name = `${passed ? 'flaky' : 'rerun'}${kind === 'failure' ? 'Failure' : 'Error'}`;
  return {
    name,
    attributes: { message: xmlName(message, kind), type: xmlName(type, kind) },
    content: [
      ...textElement('stackTrace', text),
      ...textElement('system-out', out),
      ...textElement('system-err', err),
    ],
  };
}

/** Seconds with three decimals; 0 for numbers that are not finite. */
function xmlSeconds(seconds: number): string {
  return (Number.isFinite(seconds) ? Math.min(Math.max(0, seconds), 1e12) : 0).toFixed(3);
}

/** UTC, without fractions and without a zone: the strict schema forbids both. */
function timestampOf(startedAt: number): string {
  const isDate = startedAt >= 0 && startedAt < Date.UTC(10_000, 0);
  return new Date(isDate ? startedAt : 0).toISOString().slice(0, 19);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
