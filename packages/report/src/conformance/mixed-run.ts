/** A run in which nearly every kind of event happens once. */
import { RunScript } from './run-script.ts';

export function mixedRun(): RunScript {
  return new RunScript()
    .tasks([
      'build/kernel',
      'build/modules',
      'sys/net/ping',
      'sys/net/route',
      'sys/net/mtu',
      'sys/disk/format',
      'sys/disk/mount',
      'sys/disk/quota',
      'api/users/create',
      'api/users/list',
      'api/users/delete',
      'api/legacy/soap',
      'api/upload/big',
    ])
    .start(5, 'build/kernel', 'process-1')
    .start(6, 'sys/net/ping', 'process-2')
    .start(8, 'api/users/create', 'thread-1')
    .end(221, 'sys/net/ping')
    .start(230, 'sys/net/route', 'process-2')
    .end(310, 'api/users/create', {
      status: 'threw',
      error: {
        name: 'AssertionError',
        message: 'expected status 201, got 500',
        stack: [
          'AssertionError: expected status 201, got 500',
          '    at create (file:///home/ada/suite/api/users.task.ts:31:10)',
          '    at process.processTicksAndRejections (node:internal/process/task_queues:105:5)',
          '    at async runBody (file:///home/ada/suite/node_modules/@pexen/pool-kit/dist/worker.js:88:20)',
        ].join('\n'),
        cause: { name: 'Error', message: 'connect ECONNREFUSED 127.0.0.1:5432' },
      },
      stdout: 'POST /users\n\u001b[31m500 Internal Server Error\u001b[0m\n',
      stderr: 'Loading 10%\rLoading 100%\ndone\n',
    })
    .skip(
      310,
      'api/users/delete',
      { task: 'api/users/create', why: 'requires "users"' },
      { task: 'api/users/create', why: 'threw' },
    )
    .start(312, 'api/users/list', 'thread-1')
    .start(320, 'sys/disk/format', 'process-3')
    .retry(420, 'api/users/list', 500, {
      status: 'failed',
      error: { name: 'TaskFailError', message: 'timed out\nwaiting for the index' },
    })
    .end(1254, 'sys/net/route', {
      findings: [
        { name: 'default route exists', status: 'pass' },
        { name: 'dhcp lease', status: 'warn', message: 'only 30 s left' },
      ],
    })
    .start(1260, 'sys/net/mtu', 'process-2')
    .start(1300, 'api/users/list', 'thread-1')
    .end(1400, 'api/users/list')
    .end(1500, 'sys/net/mtu', {
      status: 'failed',
      error: { name: 'TaskFailError', message: 'exit code 1, failed: mtu of eth0, mtu of wlan0' },
      judgement: { verdict: 'fail', reason: 'exit code 1, failed: mtu of eth0, mtu of wlan0' },
      findings: [
        { name: 'mtu of lo', status: 'pass' },
        { name: 'mtu of eth0', status: 'fail', message: 'expected 1500, got 9000' },
        { name: 'mtu of wlan0', status: 'fail', message: 'expected: 1500\nactual:   ~\nat: mtu.sh:12' },
        { name: 'mtu of tun0', status: 'skip', message: 'no such device' },
      ],
      stdout: Array.from({ length: 30 }, (_, line) => `ok ${line + 1} - probe ${line + 1}`).join('\n'),
    })
    .start(1510, 'api/legacy/soap', 'process-2')
    .lost(2000, 'process-3', 'killed by signal SIGKILL')
    .end(2000, 'sys/disk/format', { status: 'crashed', reason: 'its worker was killed by SIGKILL' })
    .skip(
      2000,
      'sys/disk/mount',
      { task: 'sys/disk/mount', why: 'claims "/dev/sdb", which "sys/disk/format" left poisoned' },
      { task: 'sys/disk/format', why: 'crashed' },
    )
    .start(2010, 'sys/disk/quota', 'process-4')
    .end(2015, 'sys/disk/quota', { status: 'skipped-itself', reason: 'no quota support on this file system' })
    .end(2100, 'api/legacy/soap', {
      status: 'failed',
      judgement: { verdict: 'expected-fail', reason: 'the server is gone since March' },
    })
    .start(2105, 'api/upload/big', 'thread-1')
    .tasks(['build/docs'], {}, 2110)
    .start(2111, 'build/docs', 'process-2')
    .reports(3000, 'build/kernel', {
      kind: 'progress',
      progress: { done: 43, total: 100, message: 'drivers' },
    })
    .prints(3100, 'build/kernel', 'CC drivers/net/foo.o\nCC drivers/net/bar.o\n')
    .end(4000, 'build/docs')
    .end(62_105, 'api/upload/big', { status: 'timed-out', reason: 'timed out after 60 s' })
    .end(65_000, 'build/kernel', { slow: true })
    .start(65_001, 'build/modules')
    .end(65_300, 'build/modules')
    .ended(65_310, { poisoned: ['/dev/sdb'] });
}
