/** What a test needs of the machine, and the reasons why it is skipped. */
import { tmpdir } from 'node:os';
import { type Facts, isPexenError } from '@pexen/core';
import { describe, expect, test } from 'vitest';
import { type Needs, needs } from '../../src/conditions/needs.ts';
import { gibibyte, type MachineScript, scriptedFacts } from './scripted-machine.ts';

const git = { '/usr/bin/git': '' };

describe('a task with needs', () => {
  test.each<[string, Needs, MachineScript]>([
    ['nothing', {}, {}],
    ['memory', { memory: '8G' }, {}],
    ['disk', { disk: '50G' }, { files: { [tmpdir()]: '' } }],
    ['disk at a path', { disk: { '/var/lib': '1.5T', '/': '10M' } }, { free: { '/': 2048 * gibibyte } }],
    ['a program, and one at a path', { programs: ['git', '/usr/bin/git'] }, { files: git }],
    ['files', { files: ['/dev/kvm', 'data/x'] }, { files: { '/dev/kvm': '', '/suite/data/x': '' } }],
    ['a kernel module', { kernelModules: 'overlay' }, { files: { '/sys/module/overlay': '' } }],
    ['a variable', { env: 'TOKEN' }, { env: { TOKEN: 'x' } }],
    ['root', { user: 'root' }, {}],
    ['a user without rights', { user: 'unprivileged' }, { uid: 1000, userName: 'ada' }],
    ['a user', { user: 'ada' }, { uid: 1000, userName: 'ada' }],
    ['a platform', { os: 'linux' }, {}],
    ['a distribution', { os: ['fedora', 'debian'] }, {}],
    [
      'one that it is made from',
      { os: 'debian' },
      { files: { '/etc/os-release': 'ID=ubuntu\nID_LIKE=debian\n' } },
    ],
    ['an architecture', { arch: ['aarch64', 'x86_64'] }, {}],
  ])('applies: %s', (_what, wanted, script) => {
    expect(needs(wanted)(scriptedFacts(script))).toBe(true);
  });

  test.each<[Needs, MachineScript, string]>([
    [{ memory: '16G' }, {}, '16G of memory, and there are 8G'],
    [{ memory: '2GiB' }, { memory: { limit: 1.5 * gibibyte } }, '2GiB of memory, and there are 1.5G'],
    [
      { disk: { '/var': '1T' } },
      { free: { '/': 0.5 * gibibyte } },
      '1T of free disk space for /var, and there are 512M',
    ],
    [
      { programs: ['git', 'docker', '/opt/x'] },
      { files: git },
      'docker, which is not on PATH; /opt/x, which is not an executable file',
    ],
    [{ files: '/dev/kvm' }, {}, '/dev/kvm, which does not exist'],
    [{ kernelModules: ['zfs'] }, {}, 'the kernel module zfs, which is not loaded'],
    [
      { env: ['A', 'B'] },
      { env: { B: '' } },
      'the environment variable A, which is not set; the environment variable B, which is not set',
    ],
    [{ user: 'root' }, { uid: 1000, userName: 'ada' }, 'the user root, and this is ada'],
    [{ user: 'unprivileged' }, {}, 'an unprivileged user, and this is root'],
    [{ user: 'pg' }, { uid: 7, userName: '' }, 'the user pg, and this is one without a name'],
    [{ os: ['fedora', 'rhel'] }, {}, 'fedora or rhel, and this is debian 12'],
    [{ os: 'darwin' }, { platform: 'win32', kernel: '' }, 'darwin, and this is win32'],
    [{ arch: 'arm64' }, {}, 'arm64, and this is x64'],
    [{ arch: 'arm64', memory: '9G' }, {}, 'arm64, and this is x64; 9G of memory, and there are 8G'],
  ])('is skipped: %j', (wanted, script, missing) => {
    expect(needs(wanted)(scriptedFacts(script))).toBe(`needs ${missing}`);
  });
});

test('conditions of its own are asked as well, and all reasons are named', () => {
  const facts = scriptedFacts();
  expect(needs({ user: 'root' }, () => true)(facts)).toBe(true);
  expect(needs({ memory: '9G' }, () => 'only in CI')(facts)).toBe(
    'needs 9G of memory, and there are 8G; only in CI',
  );
  expect(needs({}, () => false)(facts)).toBe(false);
});

test('a run without these facts is an error that says how to get them', () => {
  const condition = needs({ memory: '1G' });
  expect(() => condition({} as Facts)).toThrow('the run has no fact "memory": give it facts: systemFacts()');
});

test.each([
  [{ memory: 2 }, 'needs: memory must be a size such as 512M, 2G or 1.5T, not 2'],
  [{ memory: '2 gigs' }, 'needs: memory must be a size such as 512M, 2G or 1.5T, not "2 gigs"'],
  [{ disk: { '/': '5' } }, 'needs: disk./ must be a size such as 512M, 2G or 1.5T, not "5"'],
  [{ programs: [] }, 'needs: programs must be a non-empty string, or a list of them, not a list'],
  [{ programs: ['a', 3] }, 'needs: programs.1 must be a non-empty string, not 3'],
  [{ programms: 'git' }, 'needs: has no option "programms"'],
  [5, 'needs: must be an object, not 5'],
])('%j is refused', (wanted, message) => {
  const thrown = catching(() => needs(wanted as Needs));
  expect(isPexenError(thrown) && thrown.problems.map((each) => each.message)).toEqual([message]);
});

test('no needs at all are refused', () => {
  expect(() => (needs as () => unknown)()).toThrow('needs: it needs an argument');
});

function catching(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    return error;
  }
  return undefined;
}
