/** A run with services in all their states: slow to start, up, making way, dying, starting again, stopping. */
import { RunScript } from './run-script.ts';

const log = 'LOG:  database system is ready to accept connections';

export function serviceRun(): RunScript {
  const script = new RunScript()
    .tasks(['env/postgres'], { service: true, weightMs: 1500 })
    .tasks(['env/mail'], { service: true })
    .tasks(['db/migrate', 'db/users', 'db/orders', 'db/invoices', 'mail/welcome', 'mail/bounce'])
    .start(10, 'env/postgres', 'process 11 (pid 411)')
    .prints(400, 'env/postgres', 'running bootstrap script ... ok\n')
    .start(20, 'env/mail', 'process 12 (pid 412)')
    .ready(900, 'env/mail')
    .prints(2900, 'env/postgres', `${log}\n`)
    .ready(3000, 'env/postgres')
    .start(3005, 'db/migrate', 'process 1 (pid 421)')
    .start(3006, 'mail/welcome', 'process 2 (pid 422)')
    .end(5000, 'db/migrate')
    .start(5001, 'db/users', 'process 1 (pid 421)')
    .start(5002, 'db/orders', 'process 3 (pid 423)')
    .end(6000, 'mail/welcome')
    .down(
      8000,
      'env/postgres',
      { died: true, startsAgain: true },
      {
        status: 'crashed',
        reason: 'exited with code 1',
        stderr: 'FATAL:  could not write to file "pg_wal": No space left on device\n',
      },
    )
    .end(8300, 'db/orders', {
      status: 'failed',
      error: { name: 'TaskFailError', message: 'exit code 1: connection refused' },
    })
    .end(9000, 'db/users')
    .start(9100, 'env/postgres', 'process 13 (pid 431)')
    .ready(10_100, 'env/postgres')
    .start(10_101, 'db/invoices', 'process 1 (pid 421)')
    .stopping(10_200, 'env/mail', 'made-way')
    .down(11_000, 'env/mail', { startsAgain: true })
    .start(11_100, 'env/mail', 'process 14 (pid 441)')
    .retry(12_000, 'env/mail', 3000, { status: 'failed', reason: 'port 2525 is in use' })
    .start(15_000, 'env/mail', 'process 15 (pid 451)')
    .ready(15_500, 'env/mail')
    .start(15_501, 'mail/bounce', 'process 2 (pid 422)')
    .end(16_000, 'db/invoices')
    .stopping(16_010, 'env/postgres')
    .end(17_000, 'mail/bounce')
    .end(17_500, 'env/postgres', { judgement: { verdict: 'flaky', reason: 'died once, and came back' } })
    .stopping(17_510, 'env/mail')
    .end(18_000, 'env/mail');
  return script.ended(18_010);
}
