/** The standard facts, of scripted machines and of this one. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { factsOf, systemFacts } from '../../src/conditions/system-facts.ts';
import { isVersionAtLeast } from '../../src/conditions/version.ts';
import { gibibyte, scriptedFacts, scriptedMachine } from './scripted-machine.ts';

test('each is read when it is asked for, once', () => {
  const machine = scriptedMachine();
  const facts = factsOf(machine, '/');
  expect(Object.keys(facts)).toContain('os');
  expect(machine.reads).toEqual([]);
  expect(facts.os).toBe(facts.os);
  expect(machine.reads).toEqual(['/etc/os-release']);
});

describe('os', () => {
  test.each([
    [
      'Debian',
      { 'etc/os-release': '' },
      'ID=debian\nVERSION_ID="12"\n',
      { id: 'debian', version: '12', like: [] },
    ],
    [
      'Rocky',
      {},
      `ID='rocky'\nID_LIKE="rhel centos fedora"\nVERSION_ID="9.4"\n`,
      { id: 'rocky', version: '9.4', like: ['rhel', 'centos', 'fedora'] },
    ],
    ['Arch, which has no version', {}, 'NAME="Arch Linux"\nID=arch\n', { id: 'arch', version: '', like: [] }],
    ['a file with other text', {}, '\0\n=\nID\n# ID=x\n', { id: 'linux', version: '', like: [] }],
  ])('%s', (_what, _files, text, os) => {
    expect(scriptedFacts({ files: { '/etc/os-release': text } }).os).toEqual(os);
  });

  test('macOS and others', () => {
    const plist = '<key>ProductVersion</key>\n\t<string>15.2</string>';
    const path = '/System/Library/CoreServices/SystemVersion.plist';
    expect(scriptedFacts({ platform: 'darwin', files: { [path]: plist } }).os).toEqual({
      ...{ id: 'macos', version: '15.2', like: [] },
    });
    expect(scriptedFacts({ platform: 'freebsd', kernel: '14.1' }).os).toMatchObject({
      id: 'freebsd',
      version: '14.1',
    });
  });
});

test('memory: what a container may use', () => {
  expect(scriptedFacts().memory).toEqual({ totalMb: 8192, availableMb: 6144 });
  expect(scriptedFacts({ memory: { limit: 2 * gibibyte } }).memory).toEqual({
    totalMb: 2048,
    availableMb: 2048,
  });
  expect(scriptedFacts({ memory: { limit: 2 ** 64 } }).memory.totalMb).toBe(8192);
});

test('disk: of a path, or of the nearest directory above it', () => {
  const { disk } = scriptedFacts({
    files: { '/suite': '' },
    free: { '/suite': gibibyte, '/': 2 * gibibyte },
  });
  expect(disk('.')).toEqual({ totalMb: 102_400, freeMb: 1024 });
  expect(disk('not/there')).toMatchObject({ freeMb: 1024 });
  expect(disk('/elsewhere/deep')).toMatchObject({ freeMb: 2048 });
});

test('programs: on PATH, or at an absolute path', () => {
  const { hasProgram } = scriptedFacts({
    env: { PATH: ':/opt/bin:/usr/bin' },
    files: { '/opt/bin/tool': '', '/usr/data': '', '/usr/bin/git': '' },
  });
  expect(['git', 'tool', '/opt/bin/tool', 'data', '../data', '', '/usr/data'].map(hasProgram)).toEqual([
    ...[true, true, true, false, false, false, false],
  ]);
});

test('kernel modules: loaded, built in, and not on other systems', () => {
  const files = {
    '/proc/modules': 'overlay 151552 0 - Live 0x0\nnf_tables 303104 0 - Live 0x0\n',
    '/sys/module/loop': '',
    '/lib/modules/6.1.0-18-amd64/modules.builtin': 'kernel/drivers/net/dummy-x.ko\nkernel/fs/fuse.ko.xz\n',
  };
  const { hasKernelModule } = scriptedFacts({ files });
  const names = ['overlay', 'nf-tables', 'loop', 'dummy_x', 'fuse', 'zfs', '../overlay', ''];
  expect(names.map(hasKernelModule)).toEqual([true, true, true, true, true, false, false, false]);
  expect(scriptedFacts({ files, platform: 'darwin' }).hasKernelModule('overlay')).toBe(false);
});

test.each([
  ['', {}],
  ['docker', { files: { '/.dockerenv': '' } }],
  ['podman', { files: { '/run/.containerenv': '' } }],
  ['kubernetes', { env: { KUBERNETES_SERVICE_HOST: '10.0.0.1' } }],
  ['lxc', { env: { container: 'lxc' } }],
  ['systemd-nspawn', { files: { '/run/systemd/container': 'systemd-nspawn\n' } }],
  ['', { platform: 'darwin', files: { '/.dockerenv': '' } }],
])('container "%s"', (container, script) => {
  expect(scriptedFacts(script).container).toBe(container);
});

test('the user, and whether this is a CI run', () => {
  expect(scriptedFacts({ uid: 1000, userName: 'ada' }).user).toEqual({
    ...{ name: 'ada', uid: 1000, gid: 1000, isRoot: false },
  });
  for (const [CI, ci] of [
    ['1', true],
    ['true', true],
    ['false', false],
    ['', false],
    ['0', false],
  ] as const)
    expect(scriptedFacts({ env: { CI } }).ci).toBe(ci);
});

test('this machine', () => {
  const root = mkdtempSync(join(tmpdir(), 'pexen-facts-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  writeFileSync(join(root, 'here'), '');
  const facts = systemFacts({ root });
  expect(facts).toMatchObject({ platform: process.platform, arch: process.arch });
  expect(facts.memory.totalMb).toBeGreaterThan(100);
  expect(facts.memory.availableMb).toBeGreaterThan(0);
  expect(facts.cpus).toBeGreaterThan(0);
  expect(facts.disk('.').totalMb).toBeGreaterThan(0);
  expect(facts.hasProgram('sh')).toBe(true);
  expect(facts.hasProgram('no-such-program')).toBe(false);
  expect([facts.hasFile('here'), facts.hasFile('gone'), facts.hasFile('/')]).toEqual([true, false, true]);
  expect(facts.user.uid).toBe(process.getuid?.() ?? -1);
  expect(facts.kernel.release).not.toBe('');
  if (existsSync('/etc/os-release')) expect(facts.os.id).not.toBe('');
  expect(facts.hasKernelModule('no_such_module')).toBe(false);
  expect(facts.env.PATH).toBe(process.env.PATH);
});

test.each([
  ['6.12.41-amd64', '6.9', true],
  ['6.12', '6.12.0', true],
  ['6.12', '6.12.1', false],
  ['5.10', '5.9', true],
  ['v22.18.0', '22.18', true],
  ['22.04', '24.04', false],
  ['', '1', false],
  ['none', '0', true],
])('version "%s" is at least "%s": %s', (version, least, is) => {
  expect(isVersionAtLeast(version, least)).toBe(is);
});
