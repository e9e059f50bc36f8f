/** The command under low system limits. */
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'vitest';
import { bin, conditions } from '#command';
import { type Ended, folder } from './command.ts';

const files = {
  'a.task.ts': `import { task } from 'pexen';\nexport const a = task({}, () => 1);`,
  'tests/t.sh': '#!/bin/sh\nexit 0\n',
};

/** Compiled code is kept for the next start, in the home directory. */
const isLeft = (name: string): boolean => name !== '.cache';

/** Runs the command through the shell with that prefix; `left` lists what it left in its temporary folder. */
async function pexen(
  dir: string,
  prefix: string,
  suffix = '',
): Promise<Ended & { readonly left: readonly string[] }> {
  const temporary = join(dir, 'tmp');
  mkdirSync(temporary, { recursive: true });
  chmodSync(dir, 0o755);
  chmodSync(temporary, 0o777);
  const script = `${prefix} "$0" ${conditions.join(' ')} "$@"${suffix}`;
  const child = spawn('/bin/sh', ['-c', script, process.execPath, bin, 'run', '-j', '4'], {
    cwd: dir,
    env: {
      ...process.env,
      TMPDIR: temporary,
      HOME: temporary,
      NO_COLOR: '1',
      CI: '1',
      FORCE_COLOR: undefined,
    },
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const exitCode = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { exitCode, stdout, stderr, left: readdirSync(temporary).filter(isLeft) };
}

it('warns once that leaked processes cannot be found without /proc, and otherwise works', async ({
  expect,
  onTestFinished,
}) => {
  const hangs = '#!/bin/sh\n# pexen: { timeout: 300ms, grace: 100ms }\nsleep 1000 & echo $! > ../pid\nwait\n';
  const dir = await folder({ ...files, 'tests/hangs.sh': hangs }, onTestFinished);
  const { exitCode, stdout, stderr, left } = await pexen(
    dir,
    'PEXEN_PLATFORM=portable; export PEXEN_PLATFORM; exec',
  );
  expect(stderr.match(/PEXEN_NO_SWEEP/g)).toHaveLength(1);
  expect(stdout).toMatch(/TIMEOUT.*hangs/);
  expect({ exitCode, left }).toEqual({ exitCode: 1, left: [] });
  const pid = readFileSync(join(dir, 'pid'), 'utf8').trim();
  await expect.poll(() => isRunning(pid)).toBe(false);
});

/** An ended process may still be waiting to be reaped by its new parent. */
function isRunning(pid: string): boolean {
  try {
    return !/\) [ZX]/.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
}

const looks = `#!/bin/sh
printenv A_BYTE > ../byte; tr '\\0' '\\n' < /proc/$$/environ | grep '^a[.]b=' > ../odd; printenv CHANGED > ../changed; printenv OWN > ../own
ulimit -S -n > ../soft; ulimit -H -n > ../hard
`;

describe.concurrent('what a program inherits', () => {
  const settings = (options: string): string =>
    `import { defineSuite, executables, processes } from 'pexen';
     export default defineSuite({
       from: { tests: executables({ dir: 'tests' }) },
       pool: (request) => processes({ ...request, ${options} }),
     });`;

  it.for(['auto', 'node'])(
    'started by the helper "%s": bytes and limits as pexen was given them',
    async (helper, { expect, onTestFinished }) => {
      const config = `process.env.CHANGED = 'new';\n${settings(`helper: '${helper}', env: { OWN: 'own' }`)}`;
      const dir = await folder({ 'tests/t.sh': looks, 'pexen.config.ts': config }, onTestFinished);
      const variables = `A_BYTE="$(printf 'caf\\351 \\360x')" CHANGED=$(printf '\\351') OWN=$(printf '\\351') a.b=odd`;
      const prefix = `ulimit -S -n 200; ulimit -H -n 900; env ${variables}`;
      const { exitCode, stdout, stderr } = await pexen(dir, prefix, '; exit $?');
      expect(exitCode, stdout + stderr).toBe(0);
      const read = (name: string) => readFileSync(join(dir, name), 'latin1').trim();
      expect(read('byte')).toBe('caf\xe9 \xf0x');
      expect([read('odd'), read('changed'), read('own')]).toEqual(['a.b=odd', 'new', 'own']);
      expect([read('soft'), read('hard')]).toEqual(['200', '900']);
    },
  );

  it('is limited by the option limits', async ({ expect, onTestFinished }) => {
    const config = settings('limits: { openFiles: 300 }');
    const dir = await folder({ 'tests/t.sh': looks, 'pexen.config.ts': config }, onTestFinished);
    expect((await pexen(dir, 'ulimit -S -n 200; ulimit -H -n 900;', '; exit $?')).exitCode).toBe(0);
    expect(readFileSync(join(dir, 'soft'), 'utf8')).toBe('300\n');
  });
});

it.for([
  [
    'whose name is not UTF-8',
    `d=$(printf 'caf\\351'); mkdir "$d"; cd "$d"; exec`,
    /is not UTF-8: .*caf\ufffd/,
  ],
  [
    'that is gone',
    'mkdir gone; cd gone; rmdir ../gone; exec',
    /the folder in which pexen was started is gone/,
  ],
] as const)(
  'a start in a folder %s is refused in one sentence',
  async ([, prefix, says], { expect, onTestFinished }) => {
    const dir = await folder(files, onTestFinished);
    const { exitCode, stdout, stderr } = await pexen(dir, prefix);
    expect(stderr).toMatch(says);
    expect(stderr).toMatch(/^error PEXEN_START_FOLDER .*\n.*\n$/);
    expect({ exitCode, stdout }).toEqual({ exitCode: 3, stdout: '' });
  },
);

describe.concurrent('a low limit of open files', () => {
  it.for([24, 30, 36, 40])(
    'of %d is named in one sentence, and nothing is left',
    async (limit, { expect, onTestFinished }) => {
      const dir = await folder(files, onTestFinished);
      const { exitCode, stdout, stderr, left } = await pexen(dir, `ulimit -n ${limit}; exec`);
      expect(stderr).toMatch(
        /^.*the system allows too few open files.*\n? *Raise the limit: ulimit -n 1024\.?\n$/,
      );
      expect({ exitCode, stdout, left }).toEqual({ exitCode: 3, stdout: '', left: [] });
    },
  );

  it.for([56, 80])('of %d is enough, with fewer workers', async (limit, { expect, onTestFinished }) => {
    const dir = await folder(files, onTestFinished);
    const { exitCode, stderr, left } = await pexen(dir, `ulimit -n ${limit}; exec`);
    expect(stderr.replace(/^warning PEXEN_FEWER_SLOTS .*\n.*\n/, '')).toBe('');
    expect({ exitCode, left }).toEqual({ exitCode: 0, left: [] });
  });
});

/** A user who exists nowhere else, so that nothing else counts against the limit of processes. */
const user = 54_321;
const canBeAnother =
  process.getuid?.() === 0 && existsSync('/usr/bin/setpriv') && existsSync('/usr/bin/prlimit');

describe.runIf(canBeAnother)('a low limit of processes (needs root, setpriv and prlimit)', () => {
  it.for([
    ['for a worker', 15],
    ['for the thread of the journal', 7],
  ] as const)(
    '%s is reported in one sentence, without delay',
    async ([, limit], { expect, onTestFinished, skip }) => {
      const dir = await folder(files, onTestFinished);
      const another = `setpriv --reuid ${user} --clear-groups`;
      const can = await pexen(dir, `exec ${another} true`);
      if (can.exitCode !== 0) skip('another user is not allowed here');
      const { exitCode, stdout, stderr, left } = await pexen(dir, `exec prlimit --nproc=${limit} ${another}`);
      if (/EACCES|Permission denied/.test(stderr)) skip('another user cannot read the sources');
      expect(stderr).toMatch(
        /^error PEXEN_LIMIT_TOO_LOW the system allows too few processes and threads: .*\n *Raise the limit: ulimit -u 1024\.\n$/,
      );
      expect({ exitCode, stdout, left }).toEqual({ exitCode: 3, stdout: '', left: [] });
    },
  );
});
