/** What the checks of a suite see: real files, processes and ports, and a kernel log that the test writes. */
import { spawn, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { type CheckPlaces, type ChecksChoice, checksOf } from '../../src/checks/built-in.ts';
import type { Check, CheckedAttempt, Sight } from '../../src/checks/checks.ts';

function scratch(): string {
  const dir = mkdtempSync(join(tmpdir(), 'checks-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

function check(choice: ChecksChoice, places?: CheckPlaces): Check {
  const [first] = checksOf(choice, places);
  if (first === undefined) throw new Error('there is no check');
  return first;
}

async function seen(each: Check, running: readonly CheckedAttempt[] = []): Promise<Sight[]> {
  return [...(await each.look(running))];
}

const attempt = (path: string, more: Partial<CheckedAttempt> = {}): CheckedAttempt => ({
  ...{ path, attempt: 1, pid: undefined, cwd: undefined },
  ...more,
});

test('files: new and changed ones are other things', async () => {
  const dir = scratch();
  writeFileSync(join(dir, 'a'), '');
  const files = check({ files: { in: [dir] } });
  const [before] = await seen(files);
  writeFileSync(join(dir, 'a'), 'changed');
  mkdirSync(join(dir, 'b'));
  mkdirSync(join(dir, 'pexen-own'));
  const after = await seen(files);
  expect(after.map(({ what }) => what)).toEqual([join(dir, 'a'), join(dir, 'b')]);
  expect(after[0]?.key).not.toBe(before?.key);
  expect(files.blind?.()).toBe(undefined);
  expect(check({ files: { in: [join(dir, 'none')] } }).blind?.()).toContain('none cannot be read: ENOENT');
});

test('files: one that claims to be old is there since it appeared', async () => {
  const dir = scratch();
  const files = check({ files: { in: [dir] } });
  const startMs = Date.now();
  writeFileSync(join(dir, 'unpacked'), '');
  utimesSync(join(dir, 'unpacked'), 0, 0);
  const [sight] = await seen(files);
  expect(sight?.sinceMs).toBeGreaterThan(startMs - 1_000);
});

test.skipIf(check({ processes: 'fail' }).blind?.() !== undefined)(
  'processes: what this process starts for itself is not a finding, with and without the environment of a user',
  async () => {
    const processes = check({ processes: 'fail' });
    await seen(processes);
    for (const env of [{ PATH: process.env.PATH }, {}, { PATH: process.env.PATH, PEXEN_TASK: 'a/b' }]) {
      const child = spawn('/bin/sleep', ['60'], { env });
      onTestFinished(() => void child.kill('SIGKILL'));
    }
    const sights = await seen(processes);
    expect(sights.filter(({ tasks }) => tasks === undefined)).toEqual([]);
    expect(sights.map(({ tasks }) => tasks)).toContainEqual(['a/b']);
  },
);

test('kernel log: errors and crashes, by their process where that is known', async () => {
  const device = join(scratch(), 'kmsg');
  writeFileSync(device, '6,1,5,-;usb: found\n3,2,6,-;before\n');
  const log = check({ kernelLog: 'warn' }, { kernelLog: device, corePattern: '' });
  expect(log.blind?.()).toBe(undefined);
  expect((await seen(log)).map(({ what }) => what)).toEqual(['before']);
  appendFileSync(
    device,
    '6,3,7,-;all is well\n6,4,8,-;tool[77]: segfault at 0 ip 0\n11,5,9,-;disk: I/O error\n',
  );
  expect(await seen(log, [attempt('a', { pid: 77 }), attempt('b')])).toEqual([
    { key: '4', what: 'tool[77]: segfault at 0 ip 0', tasks: ['a'], isEvent: true },
    { key: '5', what: 'disk: I/O error', tasks: undefined, isEvent: true },
  ]);
  const none = check({ kernelLog: 'warn' }, { kernelLog: `${device}/none`, corePattern: '' });
  expect(none.blind?.()).toContain('none cannot be read');
});

test('core dumps: in the directories of programs, and where the system puts them', async () => {
  const [work, system] = [scratch(), scratch()];
  const corePattern = join(scratch(), 'core_pattern');
  writeFileSync(corePattern, `${system}/%e.%p\n`);
  const cores = check({ coreDumps: 'fail' }, { kernelLog: '', corePattern });
  writeFileSync(join(work, 'core'), '');
  writeFileSync(join(work, 'core.ts'), '');
  writeFileSync(join(system, 'tool.77'), '');
  const running = [attempt('a', { cwd: work }), attempt('b', { pid: 77 })];
  const sights = await seen(cores, running);
  expect(sights.map(({ what, tasks }) => [what, tasks])).toEqual([
    [`core dump ${system}/tool.77`, ['b']],
    [`core dump ${work}/core`, ['a']],
  ]);
  writeFileSync(corePattern, '|/usr/share/apport/apport %p\n');
  expect(check({ coreDumps: 'fail' }, { kernelLog: '', corePattern }).blind?.()).toBe(
    'core dumps go to the program /usr/share/apport/apport',
  );
});

/** Why a crash leaves no core dump here. */
const coreless = ((): string | undefined => {
  const pattern = readText('/proc/sys/kernel/core_pattern');
  if (pattern === '' || pattern.startsWith('|')) return 'core dumps go to a program, or nowhere';
  const hard = /^Max core file size +\S+ +(\S+)/m.exec(readText('/proc/self/limits'))?.[1];
  return hard === 'unlimited' ? undefined : 'they are limited';
})();

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

test.skipIf(coreless !== undefined)(`core dumps: a real one (${coreless ?? 'there are'})`, async () => {
  const dir = scratch();
  const cores = check({ coreDumps: 'fail' });
  const running = [attempt('crashes', { cwd: dir }), attempt('other')];
  const before = new Set((await seen(cores, running)).map(({ key }) => key));
  const { signal } = spawnSync('sh', ['-c', 'ulimit -c unlimited; exec sh -c "kill -ABRT \\$\\$"'], {
    cwd: dir,
  });
  expect(signal).toBe('SIGABRT');
  const left = (await seen(cores, running)).filter(({ key }) => !before.has(key));
  expect(left).toHaveLength(1);
  expect(left[0]?.what).toMatch(/^core dump /);
});

/** Why a crash is not noted in the log of the kernel, or cannot be read there. */
const logless = ((): string | undefined => {
  const why = check({ kernelLog: 'warn' }).blind?.();
  if (why !== undefined) return why;
  if (readText('/proc/sys/debug/exception-trace').trim() !== '1') return 'crashes are not noted';
  return existsSync('/usr/bin/python3') ? undefined : 'there is no Python to crash';
})();

test.skipIf(logless !== undefined)(`kernel log: a real crash (${logless ?? 'it is noted'})`, async () => {
  const log = check({ kernelLog: 'fail' });
  await seen(log);
  const { pid, signal } = spawnSync('/usr/bin/python3', ['-c', 'import ctypes; ctypes.string_at(0)']);
  expect(signal).toBe('SIGSEGV');
  const sights = await seen(log, [attempt('crashes', { pid }), attempt('other')]);
  expect(sights.filter(({ tasks }) => tasks?.includes('crashes') === true).map(({ what }) => what)).toEqual([
    expect.stringContaining(`[${pid}]: segfault at`),
  ]);
});

test.skipIf(process.platform !== 'linux')(
  'ports: what listens since the first look, with its owner',
  async () => {
    const ports = check({ ports: 'warn' });
    await seen(ports);
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as { port: number };
    const mine = (await seen(ports)).find(({ what }) =>
      what.startsWith(`port ${port} of 127.0.0.1, by process ${process.pid} `),
    );
    expect(mine).toMatchObject({ tasks: undefined });
    await new Promise((resolve) => server.close(resolve));
    expect((await seen(ports)).some(({ what }) => what.startsWith(`port ${port} of 127.0.0.1`))).toBe(false);
  },
);

test.skipIf(process.platform !== 'linux')('processes: those without a parent, with their task', async () => {
  const processes = check({ processes: 'warn' });
  const before = new Set((await seen(processes)).map(({ key }) => key));
  const env = { ...process.env, PEXEN_TASK: 'net/ping' };
  const starter = spawn('sh', ['-c', 'sleep 20 >/dev/null 2>&1 & echo $!'], {
    env,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const pid = await new Promise<number>((resolve) =>
    starter.stdout.once('data', (text) => resolve(Number(text))),
  );
  onTestFinished(() => void process.kill(pid));
  await new Promise((resolve) => starter.once('close', resolve));
  const left = (await seen(processes)).filter(({ key }) => !before.has(key));
  expect(left).toContainEqual(
    expect.objectContaining({ what: `process ${pid} (sleep 20)`, tasks: ['net/ping'] }),
  );
});
