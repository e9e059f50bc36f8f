/** Each kind of bad input: exit code 2 (4 where nothing is selected), a code, the location, and a hint. Nothing runs. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'vitest';
import { folder, pexen } from './command.ts';

const marks = `import { writeFileSync } from 'node:fs';\nexport const runs = task({}, () => writeFileSync('it-ran', ''));\n`;
const tests = (text: string) => ({ 'tests.ts': `import { task } from 'pexen';\n${marks}${text}` });
const config = (text: string) => ({
  'pexen.config.ts': `import * as pexen from 'pexen';\nconst { executables, modules, defineSuite } = pexen;\n${text}`,
});

const cases: readonly {
  readonly name: string;
  readonly files: Record<string, string>;
  readonly words?: readonly string[];
  readonly exitCode?: number;
  readonly says: readonly (string | RegExp)[];
}[] = [
  {
    name: 'an unknown requirement',
    files: tests(`
      export const db = task({ provides: ['database'] }, () => {});
      export const query = task({ requires: ['databse'] }, () => {});`),
    says: ['PEXEN_UNKNOWN_REQUIREMENT', 'tests/query', '"databse"', /Did you mean "database"/],
  },
  {
    name: 'a cycle',
    files: tests(`
      export const egg = task({ requires: ['hen'], provides: ['egg'] }, () => {});
      export const hen = task({ requires: ['egg'], provides: ['hen'] }, () => {});`),
    says: ['PEXEN_CYCLE', /tests\/egg.*tests\/hen|tests\/hen.*tests\/egg/],
  },
  {
    name: 'a resource both used and claimed',
    files: tests(`export const greedy = task({ uses: ['db'], claims: ['db'] }, () => {});`),
    says: ['PEXEN_USED_AND_CLAIMED', 'tests/greedy', 'remove it from uses'],
  },
  {
    name: 'a directory that is not there',
    files: config(`export default defineSuite({ from: { sys: executables({ dir: 'no-such-folder' }) } });`),
    says: ['PEXEN_UNREADABLE_DIRECTORY', 'no-such-folder'],
  },
  {
    name: 'a broken header',
    files: {
      'ok.sh': '#!/bin/sh\ntouch it-ran\n',
      'broken.sh': '#!/bin/sh\n# pexen: { claims: [/proc/sys/net, timeout: 20s }\n',
    },
    says: ['PEXEN_BAD_HEADER', /broken\.sh:2/],
  },
  {
    name: 'an unknown entry in a header',
    files: { 'typo.sh': '#!/bin/sh\n# pexen: { clams: [/proc/sys/net] }\n' },
    says: ['PEXEN_UNKNOWN_META', /typo\.sh:2/, 'claims'],
  },
  {
    name: 'a call path given twice',
    files: tests(`
      export const one = task({ name: 'same' }, () => {});
      export const two = task({ name: 'same' }, () => {});`),
    says: ['PEXEN_DUPLICATE_PATH', 'tests/same'],
  },
  {
    name: 'an unknown metadata entry',
    files: tests(`export const typo = task({ reqires: ['x'] } as never, () => {});`),
    says: ['PEXEN_UNKNOWN_META', 'reqires', 'requires'],
  },
  {
    name: 'a closure for a thread pool',
    files: config(`
      const closures = { kind: 'closures', describe: 'closures', async *make() { yield pexen.place(['x'], pexen.withMeta(() => 1, { name: 'closure' })); } };
      export default defineSuite({ from: { '': closures }, pool: pexen.threads });`),
    says: ['PEXEN_CLOSURE', 'x/closure', /top level of a module/],
  },
  {
    name: 'several problems at once',
    files: tests(`
      export const a = task({ requires: ['nowhere'] }, () => {});
      export const b = task({ uses: ['x'], claims: ['x'] }, () => {});`),
    says: ['2 problems', 'PEXEN_UNKNOWN_REQUIREMENT', 'PEXEN_USED_AND_CLAIMED'],
  },
  {
    name: 'an unknown entry in the configuration',
    files: config(`export default defineSuite({ from: {}, retry: 1 } as never);`),
    says: ['PEXEN_BAD_CONFIG', 'pexen.config.ts', 'Did you mean "retries"?'],
  },
  {
    name: 'an unknown reporter',
    files: tests(''),
    words: ['run', '--reporter', 'lnes'],
    says: ['PEXEN_UNKNOWN_REPORTER', 'Did you mean "lines"?'],
  },
  {
    name: 'a reporter with a value that it does not take',
    files: tests(''),
    words: ['run', '--reporter', 'lines=3'],
    says: ['PEXEN_UNKNOWN_REPORTER', 'lines takes no value here'],
  },
  {
    name: 'nothing to run, and something wrong besides',
    files: config(`
      const empty = executables({ dir: '.', include: ['no/*.sh'] });
      export default defineSuite({ from: { empty, gone: executables({ dir: 'gone' }) } });`),
    says: ['PEXEN_NOTHING_FOUND', 'PEXEN_UNREADABLE_DIRECTORY'],
  },
  {
    name: 'an unknown option',
    files: tests(''),
    words: ['list', '--junit', 'x'],
    says: ["unknown option '--junit'", '(see pexen list --help)'],
  },
  {
    name: 'a configuration that type stripping cannot load',
    files: config('enum A { B }\nexport default defineSuite({ from: {} });'),
    says: ['PEXEN_CONFIG_FAILED', 'pexen.config.ts:', "NODE_OPTIONS='--import tsx'"],
  },
  {
    name: 'a module of tasks that type stripping cannot load',
    files: tests('enum A { B }\nexport const a = task({}, () => A.B);'),
    says: ['PEXEN_MODULE_FAILED', 'tests.ts:', "loader: 'tsx' in the configuration"],
  },
  {
    name: 'a module that ends the process while it loads',
    files: tests('process.exit(0);'),
    says: ['PEXEN_MODULE_FAILED', 'tests.ts:', 'it called process.exit(0)'],
  },
  {
    name: 'a module that never ends to load',
    files: tests('await new Promise(() => {});'),
    says: ['PEXEN_MODULE_FAILED', 'tests.ts', 'a promise at its top level never settles'],
  },
  {
    name: 'a configuration that ends the process',
    files: config('process.exit(0);'),
    says: ['PEXEN_CONFIG_FAILED', 'it called process.exit(0)'],
  },
  {
    name: 'a configuration whose function throws',
    files: config('export default defineSuite(() => { throw new Error("no luck"); });'),
    says: ['PEXEN_CONFIG_FAILED', 'pexen.config.ts:', 'no luck'],
  },
  {
    name: 'a pool that is none',
    files: {
      ...tests(''),
      ...config(
        "export default defineSuite({ from: { '': modules({ dir: '.' }) }, pool: async () => pexen.threads() });",
      ),
    },
    says: ['PEXEN_BAD_CONFIG', 'pool: its function returned something that is not a pool', 'Write processes'],
  },
  {
    name: 'facts that cannot be had',
    files: config('export default defineSuite({ from: {}, facts: () => { throw new Error("no luck"); } });'),
    says: ['PEXEN_CONFIG_FAILED', 'pexen.config.ts:', 'no luck'],
  },
  {
    name: 'a configuration that never comes to an end',
    files: config('export default defineSuite(() => new Promise(() => {}));'),
    exitCode: 3,
    says: ['Exited early: a promise'],
  },
  {
    name: 'a factory that ends the process',
    files: config(`
      const quitter = { kind: 'quitter', describe: 'quitter', async *make() { process.exit(0); } };
      export default defineSuite({ from: { '': quitter } });`),
    exitCode: 3,
    says: ['process.exit'],
  },
  {
    name: 'a factory that returns nothing',
    files: config(`
      const idle = { kind: 'idle', describe: 'my own tests', make() {} };
      export default defineSuite({ from: { '': idle } });`),
    says: ['PEXEN_BAD_FACTORY', '"my own tests"', 'returned undefined'],
  },
  {
    name: 'a loader that is not there',
    files: config("export default defineSuite({ from: {}, loader: 'no-such-loader' });"),
    says: ['PEXEN_NO_LOADER', 'npm i -D no-such-loader'],
  },
  {
    name: 'a task without a body',
    files: tests("export const a = task({ claims: ['db'] });"),
    says: ['PEXEN_NOT_A_TASK', 'tests.ts:', 'task({ … }, () => …)'],
  },
  { name: 'an unknown option', files: {}, words: ['run', '--wrokers', '2'], says: ['--workers'] },
  { name: 'a number of workers that is none', files: {}, words: ['run', '-j', 'many'], says: ['"many"'] },
  {
    name: 'more workers than there can be',
    files: {},
    words: ['run', '-j', '1e9'],
    says: ['"1e9"', '10000'],
  },
  {
    name: 'a folder to begin in that is not there',
    files: {},
    words: ['init', '--dir', 'gone'],
    says: ['PEXEN_NO_FOLDER', 'gone'],
  },
  {
    name: 'a package.json that is a folder',
    files: { 'sub/package.json/x': '' },
    words: ['init', '--dir', 'sub'],
    says: ['PEXEN_BAD_MANIFEST', 'EISDIR'],
  },
  {
    name: 'a package.json that is none',
    files: { 'package.json': '{ "name": ' },
    words: ['init'],
    says: ['PEXEN_BAD_MANIFEST', 'package.json', 'JSON'],
  },
  {
    name: 'a pattern that matches nothing',
    files: tests(''),
    words: ['run', 'tests/rnus'],
    exitCode: 4,
    says: ['PEXEN_NOTHING_SELECTED', 'Did you mean "tests/runs"?'],
  },
  { name: 'a folder without tests', files: {}, exitCode: 4, says: [/PEXEN_NOTHING_(FOUND|SELECTED)/] },
];

describe.concurrent('bad input', () => {
  it.for(cases)(
    '$name is refused with a hint',
    async ({ files, words = ['run'], exitCode = 2, says }, { expect, onTestFinished }) => {
      const dir = await folder(files, onTestFinished);
      const ended = await pexen(dir, ...words);
      for (const text of says) {
        if (typeof text === 'string') expect(ended.stderr).toContain(text);
        else expect(ended.stderr).toMatch(text);
      }
      expect(ended.exitCode, ended.stderr).toBe(exitCode);
      expect(ended.stderr.match(/PEXEN_MODULE_FAILED|^pexen: /gm) ?? [], 'reported once').toHaveLength(
        /PEXEN_MODULE_FAILED|^pexen: /m.test(ended.stderr) ? 1 : 0,
      );
      expect(ended.stderr, 'no stack trace').not.toMatch(/^\s+at .*\(/m);
      expect(existsSync(join(dir, 'it-ran'))).toBe(false);
    },
  );
});
