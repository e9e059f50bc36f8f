/** The schemas of this folder accept and refuse the same documents as those of the formats, whose answers to thousands of documents are kept beside (`+` accepted). */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { sampled } from '#sample';
import { changesOf, type Vocabulary } from './schemas/changes.ts';
import { accepted, type DialectName, schemaOf } from './schemas.ts';

/** A report with everything that the dialect has. */
const documents: Readonly<Record<DialectName, readonly string[]>> = {
  jenkins: [
    '<testsuites name="n" time="0.001" tests="1" failures="0" errors="0"><testsuite name="s" tests="1" failures="0" errors="0" time="1,000.5">' +
      '<properties><property name="p" value="v"/></properties><testcase name="t" classname="c" time="x"><failure message="m" type="t">why</failure>' +
      '<rerunError type="t"><stackTrace>s</stackTrace><system-out>o</system-out><system-err>e</system-err></rerunError></testcase>' +
      '<testcase name="u"><flakyFailure type="t">f</flakyFailure><system-out>o</system-out></testcase></testsuite></testsuites>',
    '<testsuite name="s" tests="0" failures="0" errors="0"><testsuite name="inner" tests="0" failures="0" errors="0"/><system-err>e</system-err></testsuite>',
  ],
  strict: [
    '<testsuites><testsuite name="s" package="p" id="0" hostname="h" timestamp="2026-01-02T03:04:05" tests="2" failures="1" errors="0" skipped="1" time="0.5">' +
      '<properties><property name="p" value="v"/></properties><testcase name="t" classname="c" time="0.25"><failure message="m" type="t">why</failure></testcase>' +
      '<testcase name="u" classname="c" time="0"><skipped message="m"/></testcase><testcase name="v" classname="c" time="0"><error type="t"/></testcase>' +
      '<system-out>o</system-out><system-err>e</system-err></testsuite></testsuites>',
    '<testsuite name="s" hostname="h" timestamp="2026-01-02T03:04:05" tests="0" failures="0" errors="0" time="1"><properties/><system-out/><system-err/></testsuite>',
  ],
};

const vocabulary: Vocabulary = {
  elements: [
    ...['testsuites', 'testsuite', 'testcase', 'properties', 'property', 'skipped', 'failure', 'error'],
    ...['rerunFailure', 'flakyError', 'stackTrace', 'system-out', 'system-err', 'other'],
  ],
  attributes: [
    ...['name', 'tests', 'failures', 'errors', 'skipped', 'time', 'timestamp', 'hostname', 'id', 'package'],
    ...['classname', 'group', 'file', 'log', 'url', 'version', 'message', 'type', 'value', 'other'],
  ],
  values: ['', ' ', 'a  b', '7', '-1', '0.1234', '1,000.5', '2026-01-02T03:04:05', '2026-01-02T03:04:05Z'],
};

describe.each(['jenkins', 'strict'] as const)('%s', (dialect) => {
  test('gives the same answers as the schema of the format', async () => {
    const changed = documents[dialect].flatMap((text) =>
      changesOf(`<?xml version="1.0" encoding="UTF-8"?>${text}`, vocabulary),
    );
    const kept = new URL(`schemas/answers-${dialect}.txt`, import.meta.url);
    const signs = readFileSync(kept, 'utf8').replaceAll(/\s/g, '');
    expect(signs).toHaveLength(changed.length);
    const asked = sampled(
      changed.map((document, index) => ({ ...document, expected: signs[index] === '+' })),
    );
    const answers = await accepted(
      asked.map(({ text }) => text),
      schemaOf(dialect),
    );
    const wrong = asked.filter(({ expected }, index) => answers[index] !== expected);
    expect(wrong.map(({ what }) => what)).toEqual([]);
    expect(answers).toContain(true);
    expect(answers).toContain(false);
  });
});
