/** The run of the guide to reports: two tests hold one resource, one of them fails; one is flaky, one is skipped. */
import { RunScript } from '../src/conformance.ts';

export function guideRun(): RunScript {
  return new RunScript()
    .tasks(['net/ping', 'net/mtu'], { claims: ['/net'], location: { file: 'tests/net.task.ts', line: 12 } })
    .tasks(['api/list'])
    .tasks(['api/delete'], { requires: [{ form: 'one', capabilities: ['net/mtu'] }] })
    .start(5, 'net/ping', 'process-1')
    .start(6, 'api/list', 'process-2')
    .retry(106, 'api/list', 0, { status: 'failed', reason: 'connection reset' })
    .start(107, 'api/list', 'process-2')
    .end(220, 'net/ping')
    .start(221, 'net/mtu', 'process-1')
    .end(307, 'api/list')
    .end(461, 'net/mtu', {
      findings: [
        { name: 'mtu of lo', status: 'pass' },
        { name: 'mtu of eth0', status: 'fail', message: 'expected 1500, got 9000' },
      ],
      stdout: 'probing 2 devices\n',
    })
    .skip(
      461,
      'api/delete',
      { task: 'api/delete', why: 'requires "net/mtu"' },
      { task: 'net/mtu', why: 'failed' },
    )
    .ended(470);
}
