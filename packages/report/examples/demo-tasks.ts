/** The tasks of the demo: a typical suite, with typical failures. */
import type { TaskUpdate } from '@pexen/core';
import type { Demo, DemoTask } from './simulated-run.ts';

const network = '/proc/sys/net';

export const demo: Demo = {
  pools: { process: 4, thread: 2 },
  tasks: [
    {
      path: 'build/kernel',
      lasts: 26_000,
      expected: 18_000,
      updates: Array.from({ length: 100 }, (_, done) =>
        progress(done + 1, 100, `CC drivers/net/part_${done}.o`),
      ),
    },
    {
      path: 'build/modules',
      lasts: 4_000,
      requires: ['build/kernel'],
      updates: prints('  LD [M]  net/ipv6/ipv6.ko'),
    },
    ...['ping', 'route', 'mtu', 'arp', 'bridge', 'vlan', 'tunnel', 'nat'].map(netTest),
    {
      path: 'sys/net/sysctl',
      lasts: 6_000,
      expected: 6_000,
      claims: [network],
      updates: prints('net.ipv4.tcp_rmem = 4096 131072 6291456', 'net.core.somaxconn = 4096'),
    },
    {
      path: 'sys/disk/format',
      lasts: 3_000,
      claims: ['/dev/sdb'],
      ends: {
        status: 'failed',
        error: { name: 'TaskFailError', message: 'exit code 1' },
        judgement: { verdict: 'fail', reason: 'failed: partition table, superblock' },
        findings: [
          { name: 'device is there', status: 'pass' },
          { name: 'partition table', status: 'fail', message: 'expected gpt, got dos' },
          { name: 'superblock', status: 'fail', message: 'expected: 0xEF53\nactual:   0x0000' },
        ],
        stdout: captured('mke2fs 1.47.2 (1-Jan-2025)', '\u001b[31mCould not read superblock\u001b[0m'),
      },
    },
    ...['mount', 'quota', 'resize', 'fsck'].map((name) => ({
      path: `sys/disk/${name}`,
      ...{ lasts: 1_500, requires: ['sys/disk/format'], claims: ['/dev/sdb'] },
    })),
    {
      path: 'api/server',
      lasts: 1_200,
      pool: 'thread',
      updates: prints('listening on http://localhost:8080'),
    },
    ...Array.from({ length: 40 }, (_, index) => apiTest(index)),
    {
      path: 'api/upload/big-file-with-a-rather-long-name-that-does-not-fit.ts',
      ...{ lasts: 31_000, pool: 'thread', requires: ['api/server'] },
      updates: prints(
        'POST /upload',
        '206 Partial Content: 文件上传中 🚀 12 MB',
        '206 Partial Content: 文件上传中 🚀 48 MB',
      ),
      ends: { status: 'timed-out', reason: 'timed out after 30 s' },
    },
    ...Array.from({ length: 60 }, (_, index) => foreignTest(index)),
  ],
};

function netTest(name: string, index: number): DemoTask {
  const findings = [{ name: 'lease', status: 'warn' as const, message: 'only 30 s left' }];
  return {
    path: `sys/net/${name}`,
    ...{ lasts: 2_500 + 700 * index, expected: 3_000, uses: [`${network}/ipv4/${name}`] },
    updates: prints(
      'PING 10.0.0.1 (10.0.0.1) 56(84) bytes of data.',
      '64 bytes from 10.0.0.1: icmp_seq=1 ttl=64 time=0.04 ms',
    ),
    ...(name === 'route' && { ends: { status: 'returned', findings } }),
  };
}

function apiTest(index: number): DemoTask {
  const resource = ['users', 'orders', 'carts', 'invoices'][index % 4];
  const path = `api/${resource}/${['create', 'list', 'rename', 'delete'][Math.floor(index / 4) % 4]}-${index}`;
  const base = { path, lasts: 300 + ((index * 577) % 1_900), pool: 'thread', requires: ['api/server'] };
  if (index === 13) return { ...base, flaky: true };
  if (index !== 21) return { ...base, claims: [`/api/${resource}`] };
  const stack = `AssertionError: expected status 201, got 500\n    at create (file:///home/ada/suite/api/users.task.ts:31:10)`;
  const error = { name: 'AssertionError', message: 'expected status 201, got 500', stack };
  return {
    ...base,
    ends: { status: 'threw', error, stderr: captured('warn: pool exhausted', 'warn: retrying') },
  };
}

function foreignTest(index: number): DemoTask {
  const name = ['qs', 'minimist', 'tape', 'resolve', 'deep-equal', 'object.assign'][index % 6];
  return {
    path: `foreign/${name}/test/${['parse', 'stringify', 'utils', 'empty', 'dot', 'proto'][Math.floor(index / 6) % 6]}-${index}.js`,
    ...{ lasts: 200 + ((index * 331) % 2_300), expected: 1_200 },
    updates: Array.from({ length: 5 }, (_, line) => output(`ok ${line + 1} should be equivalent\n`)),
    ...(index === 40 && {
      ends: { status: 'failed', judgement: { verdict: 'expected-fail', reason: 'needs a browser' } },
    }),
  };
}

function prints(...lines: readonly string[]): TaskUpdate[] {
  return lines.map((line) => output(`${line}\n`));
}

function output(text: string): TaskUpdate {
  return { kind: 'output', stream: 'stdout', text };
}

function progress(done: number, total: number, message: string): TaskUpdate {
  return { kind: 'progress', progress: { done, total, message } };
}

function captured(...lines: readonly string[]): { head: string; tail: string; totalBytes: number } {
  const head = lines.join('\n');
  return { head, tail: '', totalBytes: Buffer.byteLength(head) };
}
