/** The command as people and scripts use it: its arguments, its output to pipes and full disks, a first configuration. */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, it } from 'vitest';
import { bin, conditions } from '#command';
import { folder, pexen } from './command.ts';

const sh = (body: string) => `#!/bin/sh\n${body}\n`;

describe.concurrent('what is printed', () => {
  it('keeps control characters of names away from the terminal', async ({ expect, onTestFinished }) => {
    const dir = await folder({ 'a\u001b[2J\nb.sh': sh('true') }, onTestFinished);
    const listed = await pexen(dir, 'list');
    expect(listed.stdout).toBe('1  a\\nb.sh\n');
    const refused = await pexen(dir, 'run', 'x\u001b[2J');
    expect(refused.stderr).toContain('no task matches "x"');
  });

  it('may be read only in part', async ({ expect, onTestFinished }) => {
    const dir = await folder({ 'a.sh': sh('true') }, onTestFinished);
    for (const words of [['list'], ['list', '--json'], ['run', '--reporter', 'lines'], ['--help']]) {
      const { code, stderr } = await inShell(dir, words, '| true');
      expect({ words, code, stderr }).toEqual({ words, code: 0, stderr: '' });
    }
  });

  it.runIf(existsSync('/dev/full'))(
    'must find room, or the exit code says so',
    async ({ expect, onTestFinished }) => {
      const dir = await folder({ 'a.sh': sh('true') }, onTestFinished);
      for (const words of [['list'], ['run', '--reporter', 'lines']]) {
        const { code, stderr } = await inShell(dir, words, '> /dev/full');
        expect(code, stderr).toBe(3);
        expect(stderr).toMatch(/^.*no space left on device.*\n$/);
      }
    },
  );

  it.runIf(existsSync('/dev/full'))(
    'ends where nothing can be said at all, as when its terminal is gone',
    async ({ expect, onTestFinished }) => {
      const dir = await folder({ 'a.sh': sh('true') }, onTestFinished);
      expect(await inShell(dir, ['run', 'nothing'], '2> /dev/full')).toMatchObject({ code: 4 });
      expect(await inShell(dir, ['run'], '> /dev/full 2>&1')).toMatchObject({ code: 3 });
    },
  );
});

describe.concurrent('the arguments of the command', () => {
  it('distinguish patterns, tags and reporters, in any order', async ({ expect, onTestFinished }) => {
    const files = {
      'tests.ts': `import { task } from 'pexen';
        export const a = task({ tags: ['quick'] }, () => {});
        export const b = task({ tags: ['slow', 'net'] }, () => {});`,
    };
    const dir = await folder(files, onTestFinished);
    const listed = await pexen(dir, 'list', '--tag', 'quick', '-t', 'net', 'tests/b');
    expect(listed.stdout, listed.stderr).toBe('1  tests/b\n');
    const either = await pexen(dir, 'list', '--tag', 'quick', '-t', 'net');
    expect(either.stdout).toBe('1  tests/a\n2  tests/b\n');
    expect((await pexen(dir, 'list', '--help')).stdout).toMatch(
      /several\s+times,\s+any\s+of\s+them\s+is\s+enough/,
    );
    const ran = await pexen(dir, 'run', '--reporter', 'lines', '--reporter', 'junit=a=b.xml', 'tests/a');
    expect(ran.stdout, ran.stderr).toContain('1 task: 1 passed');
    expect(existsSync(join(dir, 'a=b.xml'))).toBe(true);
  });

  it('of other test runners lead to a suggestion', async ({ expect, onTestFinished }) => {
    const dir = await folder({}, onTestFinished);
    for (const [given, meant] of [
      ['--jobs', '--workers'],
      ['--jobs=4', '--workers'],
      ['--worker', '--workers'],
      ['--colour', 'NO_COLOR=1'],
      ['--filter', 'a query'],
    ] as const) {
      const ended = await pexen(dir, 'run', given);
      expect(ended).toMatchObject({ exitCode: 2, stdout: '' });
      expect(ended.stderr).toContain(`(Did you mean ${meant}`);
      expect(ended.stderr.match(/Did you mean/g)).toHaveLength(1);
      expect(ended.stderr).toContain('(see pexen run --help)');
    }
  });

  it('warn of a second configuration', async ({ expect, onTestFinished }) => {
    const config =
      "import { defineSuite, tree } from 'pexen'; export default defineSuite({ from: { '': tree({ dir: '.' }) } });";
    const files = { 'pexen.config.ts': config, 'pexen.config.js': config, 'a.sh': sh('true') };
    const ended = await pexen(await folder(files, onTestFinished), 'run', '--reporter', 'lines');
    expect(ended.exitCode, ended.stderr).toBe(0);
    expect(ended.stderr).toMatch(/warning PEXEN_TWO_CONFIGS .*\n +at pexen\.config\.js\n/);
  });

  it('name files from the current directory, wherever the configuration is', async ({
    expect,
    onTestFinished,
  }) => {
    const files = {
      'pexen.config.ts': `import { defineSuite, executables } from 'pexen';
        export default defineSuite({ from: { sys: executables({ dir: 'tests' }) } });`,
      'tests/a.sh': sh('true'),
    };
    const dir = await folder(files, onTestFinished);
    const ended = await pexen(join(dir, 'tests'), 'run', '--junit', 'here.xml');
    expect(ended.stdout, ended.stderr).toContain('PASS');
    expect(ended.stdout).toContain('sys/a.sh');
    expect(existsSync(join(dir, 'tests/here.xml'))).toBe(true);
  });
});

describe.concurrent('a loader', () => {
  it('loads the modules of tasks here and in the workers', async ({ expect, onTestFinished }) => {
    const files = {
      'loader.mjs': `import { readFileSync } from 'node:fs';
        import { registerHooks, stripTypeScriptTypes } from 'node:module';
        registerHooks({ load: (url, context, next) => url.endsWith('.task.ts')
          ? { format: 'module', shortCircuit: true, source: stripTypeScriptTypes(withoutEnum(url)) }
          : next(url, context) });
        const withoutEnum = (url) =>
          readFileSync(new URL(url), 'utf8').replace(/enum (\\w+) {.*}/, 'const $1 = { Red: 0, Green: 1 };');`,
      'pexen.config.ts': `import { defineSuite, modules, threads } from 'pexen';
        export default defineSuite({ from: { '': modules({ dir: '.' }) }, pools: { thread: threads }, loader: './loader.mjs' });`,
      'a.task.ts': `import { task } from 'pexen';
        enum Colour { Red, Green }
        const check = () => { if (Colour.Green !== 1) throw new Error('no'); };
        export const inProcess = task({}, () => check());
        export const inThread = task({ pool: 'thread' }, () => check());`,
    };
    const ended = await pexen(await folder(files, onTestFinished), 'run');
    expect(ended.stdout, ended.stderr).toContain('2 tasks: 2 passed');
  });
});

describe.concurrent('pexen list', () => {
  it('loads no library that it does not need', async ({ expect, onTestFinished }) => {
    const watcher = `import { registerHooks } from 'node:module';
      import { writeFileSync } from 'node:fs';
      const loaded = [];
      registerHooks({ load: (url, context, next) => { loaded.push(url); return next(url, context); } });
      process.once('exit', () => writeFileSync('loaded.json', JSON.stringify(loaded)));`;
    const dir = await folder({ 'a.sh': sh('true'), '.watcher.mjs': watcher }, onTestFinished);
    const argv = [...conditions, '--import', './.watcher.mjs', bin, 'list'];
    const { stdout } = await promisify(execFile)(process.execPath, argv, { cwd: dir });
    expect(stdout).toBe('1  a.sh\n');
    const urls = JSON.parse(readFileSync(join(dir, 'loaded.json'), 'utf8')) as string[];
    const packages = urls.map((url) => /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1]);
    expect(packages).toContain('commander');
    for (const name of ['yaml', 'log-update', 'string-width', 'fast-xml-builder', 'piscina'])
      expect(packages).not.toContain(name);
  });
});

describe.concurrent('modules of tests that do more than make tasks', () => {
  const text = `import { task } from 'pexen';
    console.log('loading');
    process.stdout.write('half a line');
    setInterval(() => {}, 1000);
    export const one = task({}, () => 1);`;

  it('do not keep the command alive once it is done', async ({ expect, onTestFinished }) => {
    const dir = await folder({ 'tests.ts': text }, onTestFinished);
    const ended = await pexen(dir, 'run', '--reporter', 'lines');
    expect(ended, ended.stderr).toMatchObject({ exitCode: 0 });
    expect(ended.stdout).toContain('1 with warnings');
    expect(ended.stderr).toContain('Open handles (Timeout) kept the process alive');
  });

  it('do not print into a list', async ({ expect, onTestFinished }) => {
    const dir = await folder({ 'tests.ts': text }, onTestFinished);
    const ended = await pexen(dir, 'list', '--json');
    expect(JSON.parse(ended.stdout)).toMatchObject({ tasks: [{ path: 'tests/one' }] });
    expect(ended.stderr).toMatch(/^loading\nhalf a line/);
    expect(ended.exitCode).toBe(0);
  });
});

describe.concurrent('pexen init', () => {
  it('does not change an invalid package.json', async ({ expect, onTestFinished }) => {
    const dir = await folder({}, onTestFinished);
    for (const [text, kind] of [
      ['[]', 'a list'],
      ['null', 'null'],
      ['"x"', 'a string'],
    ] as const) {
      await writeFile(join(dir, 'package.json'), text);
      const ended = await pexen(dir, 'init');
      expect(ended, ended.stderr).toMatchObject({ exitCode: 2, stdout: '' });
      expect(ended.stderr).toContain(`error PEXEN_BAD_MANIFEST it cannot be read: it is ${kind}`);
      expect(readFileSync(join(dir, 'package.json'), 'utf8')).toBe(text);
    }
  });

  it('needs no package.json, and keeps the formatting of an existing one', async ({
    expect,
    onTestFinished,
  }) => {
    const dir = await folder({}, onTestFinished);
    await writeFile(join(dir, 'package.json'), '{\n\t"name": "x"\n}\n');
    const added = await pexen(dir, 'init');
    expect(added.stdout).toBe(
      'Added to package.json: the dev dependency pexen, and the script test: pexen run.\nWrote pexen.config.mts. Now: npx pexen run\n',
    );
    expect(readFileSync(join(dir, 'package.json'), 'utf8')).toMatch(
      /^\{\n\t"name": "x",\n\t"scripts": \{\n\t\t"test": "pexen run"\n\t\},\n\t"devDependencies": \{\n\t\t"pexen": "\^.*"\n\t\}\n\}\n$/,
    );
    expect((await pexen(dir, 'init')).stdout).toBe(
      'pexen.config.mts already exists; left unchanged. Now: npx pexen run\n',
    );
    await mkdir(join(dir, 'A folder of tests/node_modules'), { recursive: true });
    await rm(join(dir, 'node_modules'), { recursive: true });
    const fresh = await pexen(join(dir, 'A folder of tests'), 'init');
    expect(fresh.stdout).toContain('Wrote pexen.config.ts. Now: npm install && npx pexen run');
    const manifest = JSON.parse(readFileSync(join(dir, 'A folder of tests/package.json'), 'utf8'));
    expect(manifest).toEqual({
      private: true,
      type: 'module',
      scripts: { test: 'pexen run' },
      devDependencies: { pexen: expect.any(String) },
    });
  });

  it('keeps a script test of the project, replaces the one of npm, and suggests another name', async ({
    expect,
    onTestFinished,
  }) => {
    const dir = await folder({}, onTestFinished);
    const manifest = async (test: string): Promise<unknown> => {
      await writeFile(
        join(dir, 'package.json'),
        JSON.stringify({ scripts: { test }, dependencies: { pexen: '1' } }),
      );
      const { stdout } = await pexen(dir, 'init');
      return [
        JSON.parse(readFileSync(join(dir, 'package.json'), 'utf8')).scripts.test,
        stdout.includes('"test:pexen": "pexen run"'),
      ];
    };
    expect(await manifest('vitest run')).toEqual(['vitest run', true]);
    expect(await manifest('echo "Error: no test specified" && exit 1')).toEqual(['pexen run', false]);
    expect(await manifest('pexen run -j 2')).toEqual(['pexen run -j 2', false]);
  });

  it('adds the folder of reports to the ignore file of a repository, once', async ({
    expect,
    onTestFinished,
  }) => {
    const dir = await folder({ '.gitignore': 'node_modules' }, onTestFinished);
    expect((await pexen(dir, 'init')).stdout).toContain('Added to .gitignore: out/\n');
    await pexen(dir, 'init');
    expect(readFileSync(join(dir, '.gitignore'), 'utf8')).toBe('node_modules\nout/\n');
    const fresh = await folder({ '.git/HEAD': '' }, onTestFinished);
    expect((await pexen(fresh, 'init')).stdout).toContain('Wrote .gitignore: out/\n');
    expect(readFileSync(join(fresh, '.gitignore'), 'utf8')).toBe('out/\n');
  });

  it('--with-test writes a first test that passes', async ({ expect, onTestFinished }) => {
    const dir = await folder({}, onTestFinished);
    expect((await pexen(dir, 'init', '--with-test')).stdout).toContain('Wrote tests/first.task.ts.\n');
    expect((await pexen(dir, 'init', '--with-test')).stdout).toContain(
      'tests/first.task.ts already exists; left unchanged.\n',
    );
    const ran = await pexen(dir, 'run');
    expect(ran.stdout, ran.stderr).toMatch(/PASS .* tests\/first\/adds/);
    expect(ran.exitCode).toBe(0);
  });
});

describe.concurrent('init --yaml', () => {
  it('writes a suite whose tests pass, and whose schema exists', async ({ expect, onTestFinished }) => {
    const dir = await folder({}, onTestFinished);
    expect((await pexen(dir, 'init', '--yaml')).stdout).toContain('Wrote pexen.yaml. Now: npx pexen run\n');
    expect((await pexen(dir, 'init', '--yaml')).stdout).toContain(
      'pexen.yaml already exists; left unchanged.',
    );
    const [, schema = ''] = /\$schema=(\S+)\n/.exec(readFileSync(join(dir, 'pexen.yaml'), 'utf8')) ?? [];
    expect(JSON.parse(readFileSync(join(dir, schema), 'utf8'))).toMatchObject({
      title: expect.stringContaining('suite of pexen'),
    });
    const { stdout, exitCode } = await pexen(dir, 'run');
    expect(stdout).toMatch(/2 tasks: 2 passed/);
    expect(exitCode).toBe(0);
    const both = await pexen(dir, 'init', '--yaml', '--with-test');
    expect(both).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('cannot be used with') });
  });
});

describe.concurrent('a project that npm made CommonJS', () => {
  const text = `import { task } from 'pexen';\nexport const note = task({}, () => {});\n`;
  const commonJs = '{ "name": "x", "type": "commonjs" }';

  it('is reported by init', async ({ expect, onTestFinished }) => {
    const dir = await folder({ 'package.json': commonJs }, onTestFinished);
    expect((await pexen(dir, 'init')).stdout).toBe(
      'Added to package.json: the dev dependency pexen, and the script test: pexen run.\n' +
        'package.json says "type": "commonjs": write "type": "module" there, or name modules of tests x.task.mts.\n' +
        'Wrote pexen.config.mts. Now: npx pexen run\n',
    );
  });

  it('has two ways to run a first module, which the hint names', async ({ expect, onTestFinished }) => {
    const dir = await folder({ 'package.json': commonJs, 'notes.task.ts': text }, onTestFinished);
    const refused = await pexen(dir, 'list');
    expect(refused.exitCode).toBe(2);
    expect(refused.stderr).toContain(
      'Its package.json makes it a CommonJS module: write "type": "module" there, or rename it to notes.task.mts.',
    );
    await rename(join(dir, 'notes.task.ts'), join(dir, 'notes.task.mts'));
    expect((await pexen(dir, 'list')).stdout).toContain('notes/note');
    await rename(join(dir, 'notes.task.mts'), join(dir, 'notes.task.ts'));
    await writeFile(join(dir, 'package.json'), '{ "type": "module" }');
    expect((await pexen(dir, 'list')).stdout).toContain('notes/note');
  });
});

/** The command as a shell runs it, with what stands behind it there; the exit code is that of the command. */
async function inShell(
  dir: string,
  words: readonly string[],
  behind: string,
): Promise<{ code: unknown; stderr: string }> {
  const script = `set -o pipefail; "$@" ${behind}`;
  const argv = ['-c', script, 'bash', process.execPath, ...conditions, bin, ...words];
  const env = { ...process.env, NO_COLOR: '1', CI: '1', FORCE_COLOR: undefined };
  return await promisify(execFile)('bash', argv, { cwd: dir, env }).then(
    ({ stderr }) => ({ code: 0, stderr }),
    ({ code, stderr }) => ({ code, stderr }),
  );
}
