/** Tests that ask for a reboot of the machine. A boot is another one for a process that sees another id of it. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'vitest';
import { bin, conditions } from '#command';
import { type Ended, folder, pexen } from './command.ts';

const page = readFileSync(new URL('../../../docs/reboot.md', import.meta.url), 'utf8');
const bootId = '/proc/sys/kernel/random/boot_id';
const unshare = ['unshare', ...(process.getuid?.() === 0 ? [] : ['-r']), '-m'];
const canReboot =
  spawnSync(unshare[0] as string, [...unshare.slice(1), 'mount', '--bind', '/dev/null', bootId]).status === 0;
const noOtherBoot = 'a process cannot be shown another id of the boot here';

/** As `pexen`, after the machine was rebooted for the nth time. */
function afterReboot(n: number, dir: string, ...words: string[]): Ended {
  const id = join(dir, 'boot-id');
  const command = `echo 00000000-0000-4000-8000-00000000000${n} > '${id}' && mount --bind '${id}' ${bootId} && exec "$@"`;
  const [file = '', ...args] = [
    ...unshare,
    ...['sh', '-c', command, 'sh', process.execPath, ...conditions, bin, ...words],
  ];
  const env = { ...process.env, NO_COLOR: '1', CI: '1', FORCE_COLOR: undefined };
  const { status, stdout, stderr } = spawnSync(file, args, { cwd: dir, env, encoding: 'utf8' });
  return { exitCode: status, stdout, stderr };
}

const noted = `import { appendFileSync } from 'node:fs';
  const note = (text) => appendFileSync('ledger', text + '\\n');`;
const files = (rebootCommand?: string) => ({
  'pexen.config.mts': `import { defineSuite, modules } from 'pexen';
    export default defineSuite({
      from: { '': modules({ dir: '.' }) },
      ${rebootCommand === undefined ? '' : `rebootCommand: ${JSON.stringify(rebootCommand)},`}
    });`,
  'a.task.mts': `import { task } from 'pexen';
    ${noted}
    export const setUp = task({ provides: ['set up'] }, () => note('set up'));
    export const upgrade = task({ requires: ['set up'], provides: ['new kernel'], mayReboot: true },
      ({ reboot, rebootCount, interruptions, attempt }) => {
        note('upgrade ' + [rebootCount, interruptions, attempt].join(' '));
        if (rebootCount < 2) reboot({ timeoutMs: 300 });
      });
    export const check = task({ requires: ['new kernel'] }, () => note('check'));`,
});

const ledgerIn = (dir: string): string[] => readFileSync(join(dir, 'ledger'), 'utf8').trimEnd().split('\n');
const isPending = (dir: string): boolean => existsSync(join(dir, '.pexen/resume-pending'));

describe.concurrent('a test that asks for a reboot', () => {
  it('ends the run with exit code 102, and goes on after each reboot', async ({
    expect,
    onTestFinished,
    skip,
  }) => {
    skip(!canReboot, noOtherBoot);
    const dir = await folder(files(), onTestFinished);
    const first = await pexen(dir, 'run', '--reporter', 'lines');
    expect(first.exitCode).toBe(102);
    expect(first.stdout).toContain('a/upgrade asks for reboot 1 of the machine');
    expect(ledgerIn(dir)).toEqual(['set up', 'upgrade 0 0 1']);
    expect(isPending(dir)).toBe(true);

    const sameBoot = await pexen(dir, 'resume', '--pending');
    expect(sameBoot.exitCode).toBe(102);
    expect(ledgerIn(dir)).toHaveLength(2);

    expect(afterReboot(1, dir, 'resume', '--pending').exitCode).toBe(102);
    expect(ledgerIn(dir).slice(2)).toEqual(['upgrade 1 0 1']);
    expect(isPending(dir)).toBe(true);

    const last = afterReboot(2, dir, 'resume', '--pending', '--junit', 'junit.xml', '--reporter', 'lines');
    expect(last.stderr + last.stdout).toContain('3 tasks: 3 passed');
    expect(last.exitCode).toBe(0);
    expect(ledgerIn(dir).slice(3)).toEqual(['upgrade 2 0 1', 'check']);
    expect(isPending(dir)).toBe(false);
    expect(await readFile(join(dir, 'junit.xml'), 'utf8')).toContain('tests="3" failures="0"');
    expect(afterReboot(2, dir, 'resume', '--pending')).toMatchObject({
      exitCode: 0,
      stdout: 'No run waits for a reboot.\n',
    });
  });

  it('runs the command, and says if that does not reboot the machine', async ({
    expect,
    onTestFinished,
    skip,
  }) => {
    skip(!canReboot, noOtherBoot);
    const dir = await folder(files('echo reboot >> ledger'), onTestFinished);
    const first = await pexen(dir, 'run');
    expect(first.exitCode).toBe(3);
    expect(first.stderr).toContain(
      'PEXEN_REBOOT_FAILED a/upgrade asks for a reboot of the machine: the machine has not rebooted within 0.3 s',
    );
    expect(ledgerIn(dir)).toEqual(['set up', 'upgrade 0 0 1', 'reboot']);
    expect(isPending(dir)).toBe(false);
    expect((await pexen(dir, 'resume')).exitCode).toBe(3);
    expect(ledgerIn(dir).slice(3)).toEqual(['upgrade 0 1 1', 'reboot']);
    expect(afterReboot(1, dir, 'resume').exitCode).toBe(3);
    expect(ledgerIn(dir).slice(5)).toEqual(['upgrade 0 2 1', 'reboot']);
  });

  it('may be a program: by exit code 102, or by a line of its report with the command', async ({
    expect,
    onTestFinished,
    skip,
  }) => {
    skip(!canReboot, noOtherBoot);
    const programs = {
      'pexen.config.mts': `import { defineSuite, tree } from 'pexen';
        export default defineSuite({ from: { '': tree({ dir: '.', include: ['*.sh'] }) } });`,
      'up.sh': `#!/bin/sh
# pexen: { mayReboot: true }
echo "up $PEXEN_REBOOT_COUNT" >> ledger
case $PEXEN_REBOOT_COUNT in
  0) exit 102 ;;
  1) echo "reboot echo by command >> ledger; exit 7" >&3 ;;
esac
`,
      'not.sh': '#!/bin/sh\nexit 102\n',
    };
    const dir = await folder(programs, onTestFinished);
    expect((await pexen(dir, 'run', 'up.sh')).exitCode).toBe(102);
    const second = afterReboot(1, dir, 'resume', '--pending');
    expect(second.exitCode).toBe(3);
    expect(second.stderr).toContain('the command echo by command >> ledger; exit 7 ended with exit code 7');
    expect(ledgerIn(dir)).toEqual(['up 0', 'up 1', 'by command']);
    const without = await pexen(dir, 'run', 'not.sh', '--reporter', 'lines');
    expect(without.exitCode).toBe(1);
    expect(without.stdout).toContain('asks for a reboot, and has no mayReboot: true in its metadata');
  });

  it('is followed by a resume that a unit of systemd starts', async ({ expect, onTestFinished }) => {
    const dir = await folder(files(), onTestFinished);
    const { stdout, exitCode } = await pexen(dir, 'resume', '--install-unit');
    expect(exitCode).toBe(0);
    const shown = stdout
      .replaceAll(bin, '/srv/suite/node_modules/pexen/bin/pexen.js')
      .replaceAll(dir, '/srv/suite')
      .replaceAll(process.execPath, '/usr/bin/node');
    expect(page).toContain(`$ pexen resume --install-unit\n${shown}\`\`\``);
    await writeFile(join(dir, 'pexen-resume.service'), stdout);
    const verified = spawnSync('systemd-analyze', ['verify', join(dir, 'pexen-resume.service')], {
      encoding: 'utf8',
    });
    if (verified.error === undefined) expect(verified).toMatchObject({ status: 0, stderr: '' });
  });

  it('fails where the run could not go on', async ({ expect, onTestFinished }) => {
    const dir = await folder(files(), onTestFinished);
    const { exitCode, stdout } = await pexen(dir, 'run', '--no-journal', '--reporter', 'lines');
    expect(exitCode).toBe(1);
    expect(stdout).toContain('the run is not recorded, and cannot go on after a reboot');
    await writeFile(
      join(dir, 'a.task.mts'),
      `import { task } from 'pexen';
      export const rude = task({}, ({ reboot }) => reboot());`,
    );
    const rude = await pexen(dir, 'run', '--reporter', 'lines');
    expect(rude.stdout).toContain('reboot: "a/rude" has no mayReboot: true in its metadata');
    expect(rude.exitCode).toBe(1);
  });
});
