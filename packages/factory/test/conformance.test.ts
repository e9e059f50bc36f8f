/** All own factories pass the conformance kit. */
import { spawnSync } from 'node:child_process';
import { maker, place, task } from '@pexen/core';
import { describe, test } from 'vitest';
import { factoryConformance } from '../src/conformance.ts';
import {
  automake,
  executables,
  type Factory,
  kyua,
  modules,
  programs,
  together,
  tree,
  under,
  yaml,
} from '../src/index.ts';

const isGnuMake =
  spawnSync('make', ['--version'], { encoding: 'utf8' }).stdout?.startsWith('GNU Make') ?? false;
const sh = (header = ''): string => `#!/bin/sh\n${header}exit 0\n`;
const prefix = 'PEXEN';

const misspelled = {
  name: 'a misspelled entry of a header',
  files: { 't/wrong.sh': sh('# pexen: { timeuot: 5s }\n') },
  at: [{ file: 't/wrong.sh', line: 2 }],
};
const brokenSideFile = {
  name: 'a side file that is not YAML',
  files: { 't/odd.sh': sh(), 't/odd.sh.pexen.yaml': 'timeout: [\n' },
  at: [{ file: 't/odd.sh.pexen.yaml' }],
};
const scripts = { 't/a.sh': sh(), 't/deep/b.sh': sh('# pexen: { tags: [x] }\n'), 't/c.sh': sh() };
const more = { 't/b.sh': sh(), 't/deep/0.sh': sh() };

describe('executables', () => {
  factoryConformance({
    ...{ test, prefix, more, make: () => executables({ dir: 't' }), files: scripts },
    broken: [misspelled, brokenSideFile],
  });
});

describe('programs', () => {
  factoryConformance({
    ...{ test, prefix, more, files: scripts, broken: [misspelled, brokenSideFile] },
    make: () => programs({ files: 't/**/*.sh', command: ['sh', '{file}'] }),
  });
});

describe('a Kyua tree', () => {
  const file = (...names: string[]): string =>
    ["syntax(2)\ntest_suite('x')", ...names.map((name) => `plain_test_program{name='${name}'}`), ''].join(
      '\n',
    );
  factoryConformance({
    ...{ test, prefix, make: () => kyua({ dir: 't' }) },
    files: {
      't/Kyuafile': `${file('a.sh', 'c.sh')}include('deep/Kyuafile')\nif fs.exists('more/Kyuafile') then include('more/Kyuafile') end\n`,
      't/deep/Kyuafile': file('b.sh'),
      ...scripts,
    },
    more: { 't/more/Kyuafile': file('d.sh'), 't/more/d.sh': sh() },
    broken: [
      {
        name: 'a statement beyond the subset',
        files: { 't/deep/Kyuafile': `${file('b.sh')}while 1 do end\n` },
        at: [{ file: 't/deep/Kyuafile', line: 4 }],
      },
      { name: 'a program that is missing', files: { 't/c.sh': null }, at: [{ file: 't/Kyuafile', line: 4 }] },
    ],
  });
});

describe.skipIf(!isGnuMake)('an Automake package (with GNU make)', () => {
  const makefile = (tests: string): string =>
    `srcdir = .\nTESTS = ${tests}\nTEST_LOGS = $(TESTS:.sh=.log)\nall:\n`;
  factoryConformance({
    ...{ test, prefix, make: () => automake({ dir: 't' }) },
    files: {
      't/Makefile': `SUBDIRS = deep\n${makefile('a.sh c.sh')}-include more.mk\n`,
      't/deep/Makefile': makefile('b.sh'),
      ...scripts,
    },
    more: { 't/more.mk': 'TESTS += d.sh\n' },
    broken: [
      {
        name: 'a Makefile that cannot be read',
        files: { 't/deep/Makefile': 'x\n' },
        at: [{ file: 't/deep/Makefile' }],
      },
    ],
  });
});

const module = (name: string): string => `export function test_${name}() {}\nexport function helper() {}\n`;
const brokenModule = {
  name: 'a module that throws',
  files: { 'm/wrong.mjs': 'export function test_w() {}\nthrow new Error("no");\n' },
  at: [{ file: 'm/wrong.mjs', line: 2 }],
};

describe('modules', () => {
  factoryConformance({
    ...{ test, prefix, broken: [brokenModule], more: { 'm/b.mjs': module('b') } },
    make: () => modules({ dir: 'm', include: ['**/*.mjs'], match: 'test_*' }),
    files: { 'm/a.mjs': module('a'), 'm/deep/c.mjs': module('c') },
  });
});

describe('one module', () => {
  factoryConformance({
    ...{ test, prefix, make: () => modules({ file: 'all.mjs', match: 'test_*' }) },
    files: { 'all.mjs': module('a') + module('b').replace('helper', 'other') },
  });
});

describe('a tree', () => {
  factoryConformance({
    ...{ test, prefix, more, broken: [misspelled, brokenSideFile] },
    make: () => tree({ dir: '.', match: 'test_*' }),
    files: { ...scripts, 'tests.mjs': module('a') },
  });
});

describe('a tree with folders that say what they hold', () => {
  factoryConformance({
    ...{ test, prefix, more, make: () => tree({ dir: '.' }) },
    files: {
      ...scripts,
      'own/pexen.folder.yaml': "programs: { files: '*.t', command: [sh, '{file}'] }\n",
      'own/x.t': 'true\n',
    },
    broken: [
      misspelled,
      {
        name: 'a misspelled option',
        files: { 'other/pexen.folder.yaml': "programs:\n  fils: '*.t'\n" },
        at: [{ file: 'other/pexen.folder.yaml', line: 2 }],
      },
    ],
  });
});

describe('a suite file', () => {
  factoryConformance({
    ...{ test, prefix, make: () => yaml({ file: 'suite.yaml' }) },
    files: {
      'suite.yaml': 'tasks: { a: "true", b: { command: [sh, x.sh], tags: [x] } }\ninclude: [part.yaml]\n',
      'part.yaml': 'tasks: { c: "true" }\n',
      'x.sh': sh(),
    },
    broken: [
      {
        name: 'a misspelled entry',
        files: { 'part.yaml': 'tasks:\n  c: { command: "true", timeuot: 5s }\n' },
        at: [{ file: 'part.yaml', line: 2 }],
      },
    ],
  });
});

describe('several together, under paths', () => {
  factoryConformance({
    ...{ test, prefix, more, broken: [misspelled, brokenModule] },
    make: () =>
      together(
        under(['sys', 'a/b'], executables({ dir: 't' })),
        under('api', modules({ dir: 'm', include: ['**/*.mjs'], match: 'test_*' })),
      ),
    files: { ...scripts, 'm/a.mjs': module('a') },
  });
});

describe('a suite in YAML', () => {
  factoryConformance({
    ...{ test, prefix, make: () => yaml({ file: 'suite.yaml' }) },
    files: {
      ...scripts,
      'suite.yaml':
        'include: net/suite.yaml\ntasks: { a/first: [sh, -c, exit], b: { command: sh, matrix: { x: [1, 2] } } }\nfrom: { t: { executables: { dir: t } } }\n',
      'net/suite.yaml':
        'tasks: { ping: { command: "true", requires: [b] }, pong: { command: "true", provides: [b] } }\n',
    },
    more,
    broken: [
      misspelled,
      {
        name: 'a misspelled entry of a task',
        files: { 'net/suite.yaml': 'tasks:\n  ping: { comand: x }\n' },
        at: [{ file: 'net/suite.yaml', line: 2 }],
      },
      {
        name: 'a file that is not YAML',
        files: { 'net/suite.yaml': 'tasks: {\n' },
        at: [{ file: 'net/suite.yaml' }],
      },
    ],
  });
});

/** Without files. */
const primeChecks = maker(function* primeChecks(numbers: readonly number[]) {
  for (const n of numbers) yield task({ name: `${n}` }, () => 2 ** (n - 1) % n);
});

const primes: Factory = {
  ...{ kind: 'primes', describe: 'checks of small primes' },
  async *make({ under: above = [] }) {
    for (const check of primeChecks([2, 3, 5])) yield place(above, check);
  },
};

describe('a factory without files', () => {
  factoryConformance({ test, make: () => primes, closures: true });
});
