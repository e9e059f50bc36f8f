/** Which reporters a run has, and where they write: of ours, of others, and in jobs of GitHub Actions. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { task } from '@pexen/core';
import { multi } from '@pexen/report';
import { inline, place } from '@pexen/sched';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { ReporterChoice } from '../src/index.ts';
import { readReporter, runSuite } from '../src/index.ts';
import { chooseReporters, makeReporters } from '../src/reporters/reporters.ts';

function folder(files: Readonly<Record<string, string>> = {}): string {
  const made = mkdtempSync(join(tmpdir(), 'pexen-reporters-'));
  onTestFinished(() => rmSync(made, { recursive: true }));
  for (const [name, text] of Object.entries({ 'package.json': '{ "type": "module" }', ...files })) {
    mkdirSync(join(made, name, '..'), { recursive: true });
    writeFileSync(join(made, name), text);
  }
  return made;
}

/** A reporter of others, which writes how many tasks ended. */
const counter = `export const reporter = ({ file = 'count.txt' }) => {
  let count = 0;
  return {
    name: 'counter',
    update: (model, { kind }) => { if (kind === 'task-ended') count++; },
    close: async () => (await import('node:fs')).writeFileSync(file, String(count)),
  };
};
`;

const one = {
  async *make() {
    yield place(
      [],
      task({ name: 'one' }, () => void process.stdout.write('from a test\n')),
    );
  },
};

/** Runs one test inline with these reporters. */
async function runWith(root: string, reporters: readonly ReporterChoice[], rounds = 1): Promise<void> {
  const from = { '': { kind: 'one', describe: 'one test', ...one } };
  const config = { from, pool: () => inline(), journal: false, history: false, reporters } as const;
  await runSuite({ config, root, file: undefined }, { rounds });
}

/** What is printed to each stream meanwhile. */
async function printed(
  act: () => Promise<unknown>,
): Promise<{ readonly stdout: string; readonly stderr: string }> {
  const texts = { stdout: '', stderr: '' };
  const restore = (['stdout', 'stderr'] as const).map((name) => {
    const { write } = process[name];
    process[name].write = ((text: string, ...rest: readonly unknown[]): boolean => {
      texts[name] += text;
      const done = rest.find((argument) => typeof argument === 'function');
      if (done !== undefined) queueMicrotask(done as () => void);
      return true;
    }) as typeof write;
    return () => {
      process[name].write = write;
    };
  });
  try {
    await act();
  } finally {
    for (const each of restore) each();
  }
  return texts;
}

describe('reports', () => {
  it('are written to their files, several at once, with the round in the names of later ones', async () => {
    const root = folder();
    const reporters = ['junit', 'tap', 'ctrf', 'jsonl', 'markdown', 'trace'] as const;
    await runWith(
      root,
      reporters.map((name) => [name, { file: `out/report.${name}` }] as const),
      2,
    );
    for (const name of reporters) {
      expect(readFileSync(join(root, `out/report.${name}`), 'utf8'), name).toMatch(/\bone\b|1 passed/);
      expect(readFileSync(join(root, `out/report.2.${name}`), 'utf8'), name).toMatch(/\bone\b|1 passed/);
    }
  });

  it('without a file are alone on standard output: what tests print goes to stderr', async () => {
    const root = folder();
    const { stdout, stderr } = await printed(() => runWith(root, ['tap']));
    expect(stdout).toMatch(/^TAP version 14\nok 1 - one\n[\s\S]*\n1\.\.1\n$/);
    expect(stderr).toBe('from a test\n');
  });

  it.each<[string, readonly ReporterChoice[]]>([
    ['tap and ctrf', ['tap', 'ctrf']],
    ['tap and lines', ['lines', 'tap']],
    ['markdown and junit', ['markdown', ['trace', { file: 'x' }], 'junit']],
  ])('do not share standard output: %s', async (which, choices) => {
    const [first, second] = which.split(' and ');
    await expect(chooseReporters(choices, '/', {})).rejects.toThrow(
      `the reporters ${first} and ${second} would both write to standard output`,
    );
  });
});

describe('in a job of GitHub Actions', () => {
  const env = { GITHUB_ACTIONS: 'true' };
  const namesIn = async (choices: readonly ReporterChoice[]): Promise<readonly unknown[]> =>
    (await chooseReporters(choices, '/', env)).choices;

  it('github is one of the reporters', async () => {
    expect(await namesIn(['lines'])).toEqual(['lines', 'github']);
    expect((await chooseReporters(['lines'], '/', {})).choices).toEqual(['lines']);
  });

  it('it is not added where it is chosen, with options that turn parts of it off', async () => {
    const chosen = ['lines', ['github', { annotations: false }]] as const;
    expect(await namesIn(chosen)).toEqual(chosen);
  });

  it('it writes no annotations into a report on standard output', async () => {
    expect(await namesIn(['tap'])).toEqual(['tap', ['github', { annotations: false }]]);
    expect(await namesIn([['tap', { file: 'x' }]])).toEqual([['tap', { file: 'x' }], 'github']);
  });
});

describe('reporters of others', () => {
  it('are modules in the suite, with options and with rounds', async () => {
    const root = folder({ 'counter.mjs': counter });
    await runWith(root, [['./counter.mjs', { file: 'out.txt' }]], 2);
    expect(readFileSync(join(root, 'out.txt'), 'utf8')).toBe('1');
    expect(readFileSync(join(root, 'out.2.txt'), 'utf8')).toBe('1');
  });

  it.each(['pexen-reporter-counter', '@office/pexen-reporter-counter'] as const)(
    'are packages: %s',
    async (name) => {
      const root = folder({
        [`node_modules/${name}/package.json`]: JSON.stringify({
          name,
          type: 'module',
          exports: './index.js',
        }),
        [`node_modules/${name}/index.js`]: counter,
      });
      const chosen = await chooseReporters([[name, { file: 'n.txt' }]], root, {});
      const all = multi(makeReporters(chosen, root, 1), () => {});
      await all.close();
      expect(readFileSync(join(root, 'n.txt'), 'utf8')).toBe('0');
    },
  );

  const badReporter = async (text: string, options = {}): Promise<string> => {
    const root = folder({ 'bad.mjs': text });
    const made = chooseReporters([['./bad.mjs', options]], root, {}).then((chosen) =>
      makeReporters(chosen, root, 1),
    );
    return await made.then(
      () => '',
      (error: Error) => error.message,
    );
  };

  it.each([
    ['throw new Error("no");', 'PEXEN_BAD_REPORTER: the reporter ./bad.mjs cannot be loaded: no'],
    ['export const x = 1;', 'PEXEN_BAD_REPORTER: the reporter ./bad.mjs exports no function "reporter"'],
    [
      'export const reporter = () => ({ close() {} });',
      'the reporter ./bad.mjs made something else than a reporter',
    ],
    [
      'export default () => { throw new Error("needs a url"); };',
      'the reporter ./bad.mjs refused its options: needs a url',
    ],
  ])('that are wrong end the command before anything runs: %s', async (text, message) => {
    expect(await badReporter(text)).toContain(message);
  });

  it('that are missing are named, with the command that installs them', async () => {
    const root = folder();
    await expect(chooseReporters(['pexen-reporter-none'], root, {})).rejects.toThrow(
      /npm install --save-dev pexen-reporter-none/,
    );
    await expect(chooseReporters(['./none.mjs'], root, {})).rejects.toThrow(
      'the reporter ./none.mjs does not exist',
    );
    await expect(runWith(root, ['./none.mjs', ['junit', { file: 'j.xml' }]])).rejects.toThrow(
      'does not exist',
    );
    expect(existsSync(join(root, 'j.xml'))).toBe(false);
  });
});

describe('on the command line', () => {
  it('a name, a name with a file, a package and a path are chosen', () => {
    const here = process.cwd();
    expect(readReporter('lines')).toBe('lines');
    expect(readReporter('tap')).toBe('tap');
    expect(readReporter('trace=out/t.json')).toEqual(['trace', { file: join(here, 'out/t.json') }]);
    expect(readReporter('pexen-reporter-x=a=b')).toEqual(['pexen-reporter-x', { file: join(here, 'a=b') }]);
    expect(readReporter('./r.ts')).toBe(join(here, 'r.ts'));
    expect(readReporter('/r.ts=x')).toEqual(['/r.ts', { file: join(here, 'x') }]);
  });

  it.each([
    ['jnuit', 'Did you mean "junit"?'],
    ['lines=x', 'lines takes no value here'],
    ['slack', 'npm install --save-dev pexen-reporter-slack, then pexen-reporter-slack'],
  ])('%s is refused', (text, message) => {
    expect(() => readReporter(text)).toThrow(message);
  });
});
