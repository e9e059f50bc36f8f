/** `pexen run --watch`: the real command in a pipe, with real files. */
import { existsSync } from 'node:fs';
import { chmod, copyFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { type AtEnd, folder, pexen, start } from './command.ts';

const atEnds: (() => Promise<void>)[] = [];
const atEnd: AtEnd = (act) => void atEnds.push(act);
afterAll(async () => {
  for (const act of atEnds) await act();
});

const config = (more = '') => `
  import { defineSuite, tree } from 'pexen';
  export default defineSuite({ from: { '': tree({ dir: 'tests' }) }, watchIgnore: ['ignored'], ${more} });`;

const taskWith = (name: string, imported: string, body: string) => `
  import { task } from 'pexen';
  ${imported}
  export const ${name} = task({}, async () => { ${body} });`;

/** Tests that share a helper, one that imports another helper only while it runs, and a program with an input. */
const suite = {
  'pexen.config.ts': config(),
  'tests/helper.ts': 'export const answer = 42;',
  'tests/lazy.ts': 'export const lazy = 1;',
  'tests/one.task.ts': taskWith(
    'one',
    "import { answer } from './helper.ts';",
    "if (answer > 50) throw new Error('too large');",
  ),
  'tests/two.task.ts': taskWith('two', "import { answer } from './helper.ts';", 'void answer;'),
  'tests/three.task.ts': taskWith('three', '', "await import('./lazy.ts');"),
  'tests/program.sh': '#!/bin/sh\n# pexen:\n#   inputs: [data/*.txt]\ntrue\n',
  'data/in.txt': 'text',
};

const isEnd = 'Waiting for changes.';

/** A watching command that has run everything once. */
async function watching(files: Readonly<Record<string, string>> = suite, ...words: string[]) {
  const dir = await folder(files, atEnd);
  const command = start(dir, 'run', '--watch', '--reporter', 'lines', ...words);
  onTestFinished(async () => {
    command.kill('SIGKILL');
    await command.ended;
  });
  let rounds = 0;
  /** The lines of the next round: `FAIL one/one`, a note, a message. */
  const round = async (): Promise<string[]> => {
    const { stdout } = await command.until((printed) => printed.stdout.split(isEnd).length > rounds + 1);
    return linesOf(stdout.split(isEnd)[rounds++] ?? '');
  };
  /** In one step, as editors save: a file that is emptied first and then written is two changes, and each may start a round. */
  const write = async (name: string, text: string) => {
    const [path, written] = [join(dir, name), `${dir}.written`];
    if (existsSync(path)) await copyFile(path, written);
    await writeFile(written, text);
    await rename(written, path);
  };
  return { dir, command, round, write };
}

function linesOf(output: string): string[] {
  const verdicts = [...output.matchAll(/^ +(NOTE|PASS|FAIL|ERROR) \[.*?\] (.*?)(?: {2}.*)?$/gm)].map(
    ([, verdict, rest]) => (verdict === 'NOTE' ? `${rest}` : `${verdict} ${rest}`),
  );
  const messages = output.split('\n').filter((line) => /^\S.*\.$/.test(line));
  return [...new Set([...verdicts, ...messages])].sort();
}

const everything = [
  'PASS one/one',
  'PASS program.sh',
  'PASS three/three',
  'PASS two/two',
  'Running 4 tests.',
];

describe('runs again', () => {
  test('both tests that use a helper, and nothing else', async () => {
    const { round, write } = await watching();
    expect(await round()).toEqual(everything);
    await write('tests/helper.ts', 'export const answer = 99;');
    expect(await round()).toEqual([
      'FAIL one/one',
      'PASS two/two',
      'tests/helper.ts changed: running 2 tests.',
    ]);
    await write('tests/helper.ts', 'export const answer = 43;');
    expect(await round()).toEqual([
      'PASS one/one',
      'PASS two/two',
      'tests/helper.ts changed: running 2 tests.',
    ]);
  });

  test('the test whose body imports a helper while it runs', async () => {
    const { round, write } = await watching();
    await round();
    await write('tests/lazy.ts', 'export const lazy = 2;');
    expect(await round()).toEqual(['PASS three/three', 'tests/lazy.ts changed: running 1 test.']);
  });

  test('a program whose bytes or inputs change', async () => {
    const { dir, round, write } = await watching();
    await round();
    await write('data/in.txt', 'other');
    expect(await round()).toEqual(['PASS program.sh', 'data/in.txt changed: running 1 test.']);
    // As editors save: a new file takes its place.
    await write('tests/new', '#!/bin/sh\nexit 1\n');
    await chmod(join(dir, 'tests/new'), 0o755);
    await rename(join(dir, 'tests/new'), join(dir, 'tests/program.sh'));
    expect(await round()).toContain('FAIL program.sh');
  });

  test('a new test, and everything when the configuration changes', async () => {
    const { round, write, dir } = await watching();
    await round();
    await write('tests/four.task.ts', taskWith('four', '', ''));
    expect(await round()).toEqual(['PASS four/four', 'tests/four.task.ts changed: running 1 test.']);
    await rm(join(dir, 'tests/four.task.ts'));
    expect(await round()).toEqual(['tests/four.task.ts changed: nothing to run.']);
    await write('pexen.config.ts', config('retries: 1'));
    const expected = [...everything.slice(0, 4), 'pexen.config.ts changed: running 4 tests.'];
    expect(await round()).toEqual(expected);
  });

  test('what requires an affected task, with what it needs, and nothing else', async () => {
    const needing = (name: string, meta: string) => `
      import { task } from 'pexen';
      export const ${name} = task({ ${meta} }, () => {});`;
    const { round, write } = await watching({
      'pexen.config.ts': config(),
      'tests/base.task.ts': needing('base', "provides: ['base']"),
      'tests/build.task.ts': needing('build', "requires: ['base'], provides: ['build']"),
      'tests/use.task.ts': needing('use', "requires: ['build']"),
      'tests/other.task.ts': needing('other', "requires: ['base']"),
    });
    await round();
    await write('tests/build.task.ts', `${needing('build', "requires: ['base'], provides: ['build']")}\n`);
    expect(await round()).toEqual([
      'PASS base/base',
      'PASS build/build',
      'PASS use/use',
      'tests/build.task.ts changed: running 2 tests.',
    ]);
  });

  test('a helper that is not below the configuration', async () => {
    const helper = await folder({ 'helper.ts': 'export const answer = 1;' }, atEnd);
    const file = join(helper, 'helper.ts');
    const { round } = await watching({
      'tests/one.task.ts': taskWith('one', `import { answer } from ${JSON.stringify(file)};`, 'void answer;'),
      'tests/two.task.ts': taskWith('two', '', ''),
      'pexen.config.ts': config(),
    });
    await round();
    await writeFile(file, 'export const answer = 2;');
    expect(await round()).toContain('PASS one/one');
  });
});

describe('runs nothing', () => {
  test('when a file is touched, written with equal bytes, belongs to no test, or is ignored', async () => {
    const { dir, round, write } = await watching({ ...suite, 'ignored/log.txt': '' });
    await round();
    const nothing = 'changed: nothing to run.';
    await write('README.md', 'text');
    expect(await round()).toEqual([`README.md ${nothing}`]);
    await utimes(join(dir, 'tests/helper.ts'), new Date(), new Date());
    expect(await round()).toEqual([`tests/helper.ts ${nothing}`]);
    await write('tests/program.sh', suite['tests/program.sh']);
    expect(await round()).toEqual([`tests/program.sh ${nothing}`]);
    await write('ignored/log.txt', 'line');
    await write('data/in.txt', 'other');
    expect(await round()).toEqual(['PASS program.sh', 'data/in.txt changed: running 1 test.']);
  });
});

describe('waits for', () => {
  test('a broken module: it is shown, and what it breaks runs once it is fixed, also as it was before', async () => {
    const { command, round, write } = await watching();
    await round();
    await write('tests/helper.ts', 'export const answer = ;');
    expect(await round()).toEqual([]);
    const { stderr } = await command.until((printed) => printed.stderr.includes('PEXEN_MODULE_FAILED'));
    expect(stderr).toContain('it cannot be loaded: SyntaxError');
    await write('tests/helper.ts', suite['tests/helper.ts']);
    expect(await round()).toEqual([
      'PASS one/one',
      'PASS two/two',
      'tests/helper.ts changed: running 2 tests.',
    ]);
  });

  test('a broken configuration, from the start', async () => {
    const { command, round, write } = await watching({ ...suite, 'pexen.config.ts': 'export default {' });
    expect(await round()).toEqual([]);
    await command.until((printed) => printed.stderr.includes('PEXEN_CONFIG_FAILED'));
    await write('pexen.config.ts', 'await new Promise(() => {});');
    expect(await round()).toEqual([]);
    await command.until((printed) => printed.stderr.includes('a promise at its top level never settles'));
    await write('pexen.config.ts', config());
    expect(await round()).toEqual([...everything.slice(0, 4), 'pexen.config.ts changed: running 4 tests.']);
  });
});

test('a change during a run is part of the next one', async () => {
  const { dir, command, round, write } = await watching({
    ...suite,
    'tests/slow.task.ts': `
      import { existsSync, writeFileSync } from 'node:fs';
      import { setTimeout } from 'node:timers/promises';
      import { task } from 'pexen';
      import { what } from './what.ts';
      export const slow = task({}, async () => {
        writeFileSync('ignored/started', what);
        while (!existsSync('ignored/go')) await setTimeout(10);
      });`,
    'tests/what.ts': "export const what = 'one';",
    'ignored/go': '',
  });
  await round();
  await rm(join(dir, 'ignored/go'));
  await write('tests/what.ts', "export const what = 'two';");
  await command.sees('tests/what.ts changed: running 1 test.');
  await expect
    .poll(async () => (await import('node:fs')).readFileSync(join(dir, 'ignored/started'), 'utf8'))
    .toBe('two');
  await write('tests/what.ts', "export const what = 'three';");
  await write('ignored/go', '');
  expect(await round()).toContain('PASS slow/slow');
  expect(await round()).toEqual(['PASS slow/slow', 'tests/what.ts changed: running 1 test.']);
});

test('queries hold for every run', async () => {
  const { round, write } = await watching(suite, 'one', 'program.sh');
  expect(await round()).toEqual(['PASS one/one', 'PASS program.sh', 'Running 2 tests.']);
  await write('tests/helper.ts', 'export const answer = 43;');
  expect(await round()).toEqual(['PASS one/one', 'tests/helper.ts changed: running 1 test.']);
});

test('results and reports of each run are kept', async () => {
  const { dir, round, write, command } = await watching(suite, '--junit', 'junit.xml');
  await round();
  await write('tests/helper.ts', 'export const answer = 99;');
  await round();
  command.kill('SIGINT');
  expect((await command.ended).exitCode).toBe(0);
  const { stdout } = await pexen(dir, 'list', 'status:failed');
  expect(stdout).toMatch(/^1 {2}one\/one\n$/);
});

describe('ends', () => {
  test.each([
    ['SIGINT', 0],
    ['SIGTERM', 75],
  ] as const)('by %s while it waits, with %d', async (signal, exitCode) => {
    const { command, round } = await watching();
    await round();
    command.kill(signal);
    expect(await command.ended).toMatchObject({ exitCode, stderr: '' });
  });

  test('by SIGINT during a run, as a run does', async () => {
    const { command } = await watching({
      'pexen.config.ts': config(),
      'tests/endless.sh': '#!/bin/sh\nsleep 1000\n',
    });
    await command.sees('RUNNING');
    await command.until(({ stdout }) => stdout.includes('Running 1 test.'));
    command.kill('SIGINT');
    await command.sees('press again');
    command.kill('SIGINT');
    expect((await command.ended).exitCode).toBe(75);
  });

  test('with a usage error for options that exclude it', async () => {
    const dir = await folder(suite, atEnd);
    const { exitCode, stderr } = await pexen(dir, 'run', '--watch', '--inspect');
    expect(exitCode).toBe(2);
    expect(stderr).toContain('--inspect is for one run');
  });
});
