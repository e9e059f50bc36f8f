/** The tests of CMake builds end as `ctest` lets them end, and in an order that their properties allow. Against the CTest that is installed. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { differences, missingCTest, type PlayOptions, playByCTest, playByPexen } from '#play-ctest';
import { isWhole, sampled, seed } from '#sample';
import { type GeneratedTest, generateBuild } from './generated-build.ts';
import { brokenRules } from './order.ts';
import {
  alone,
  combinations,
  generatedResources,
  newerTests,
  pairs,
  referredTo,
  resourceSpec,
  resourceTests,
} from './property-tests.ts';

const missing = missingCTest();
const workers = 2;
/** The environment that some of the tests check. */
const given = {
  HOME: '/generated/home',
  GIVEN_PATH: '/b',
  GIVEN_TEXT: 'text',
  GIVEN_GONE: 'x',
  GIVEN_KEPT: 'kept',
};

function scratch(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'pexen-ctest-')));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));
  return folder;
}

/** Plays the tests by both, each in a build of its own, since tests leave files behind. */
function compare(tests: readonly GeneratedTest[], options: Partial<PlayOptions> = {}): void {
  const folder = scratch();
  const play = (
    name: string,
    by: (buildDir: string, options: PlayOptions) => ReturnType<typeof playByCTest>,
  ) => {
    const build = generateBuild(join(folder, name), tests);
    const played = by(build.buildDir, { workers, env: { ...given, ORDER_LOG: build.log }, ...options });
    return { ...played, order: build.takeOrder() };
  };
  const native = play('native', playByCTest);
  const ours = play('ours', (buildDir, all) => playByPexen(buildDir, join(folder, 'suite'), all));
  expect(native.ends.size, native.output).toBe(tests.length);
  expect(differences(native.ends, ours.ends), ours.output).toEqual([]);
  expect(brokenRules(tests, native.order, workers)).toEqual([]);
  expect(brokenRules(tests, ours.order, workers)).toEqual([]);
}

function randomFrom(of: number): () => number {
  let state = of >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

describe.skipIf(missing !== undefined)(`against CTest (${missing ?? 'installed'})`, () => {
  test('every property by itself, pairs, and random combinations', () => {
    const some = combinations(isWhole ? 500 : 20, randomFrom(seed));
    compare([...alone, ...newerTests, ...referredTo, ...sampled(pairs()), ...some]);
  });

  test('resources', () => {
    const file = join(scratch(), 'spec.json');
    writeFileSync(file, JSON.stringify(resourceSpec));
    compare(resourceTests, { resourceSpecFile: file });
  });

  test.runIf(isWhole).each([
    ['valid', JSON.stringify(resourceSpec)],
    ['invalid', '{'],
  ])('resources that a test finds out, %s', (_, text) => {
    const folder = scratch();
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'spec.json'), text);
    compare(generatedResources(join(folder, 'spec.json')));
  });
});

describe('the check of the order', () => {
  const tests: readonly GeneratedTest[] = [
    { name: 'a', properties: { RESOURCE_LOCK: 'x', FIXTURES_SETUP: 'f' } },
    { name: 'b', properties: { RESOURCE_LOCK: 'x;y', DEPENDS: 'a' } },
    { name: 'c', properties: { RUN_SERIAL: 'ON', FIXTURES_CLEANUP: 'f' } },
    { name: 'd', properties: { PROCESSORS: '9', FIXTURES_REQUIRED: 'f' } },
  ];
  const orderOf = (text: string): string[] =>
    text.split(' ').map((word) => `${word.startsWith('-') ? 'end' : 'start'} ${word.slice(1)}`);

  test('finds nothing where all is well', () => {
    expect(brokenRules(tests, orderOf('+a -a +b -b +d -d +c -c'), 2)).toEqual([]);
  });

  test.each([
    ['+a +b -a -b', /both have a RESOURCE_LOCK/],
    ['+a +c -a -c', /one of them has RUN_SERIAL/],
    ['+b +d -b -d', /3 of 2 processors/],
    ['+b -b +a -a', /DEPENDS/],
    ['+d -d +a -a', /FIXTURES_REQUIRED/],
    ['+c -c +a -a', /FIXTURES_CLEANUP/],
  ])('finds what is wrong with %s', (order, rule) => {
    expect(brokenRules(tests, orderOf(order), 2).join('\n')).toMatch(rule);
  });
});
