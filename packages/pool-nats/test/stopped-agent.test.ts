/** An agent that is stopped cannot end what it runs: its guard does, before the scheduler releases anything. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { nats } from '../src/index.ts';
import { runsOn } from './fixtures/tasks.ts';
import { AgentProcess, testServer } from './support/agents.ts';
import { attemptOf } from './support/attempts.ts';

/** A process whose parent is stopped stays as a zombie when it has ended. */
function isRunning(pid: string): boolean {
  const file = `/proc/${pid}/stat`;
  return existsSync(file) && !/\) Z /.test(readFileSync(file, 'utf8'));
}

test('what a stopped agent runs is over when it counts as lost, and it works on when it is continued', async ({
  skip,
}) => {
  const server = await testServer();
  if ('missing' in server) skip(server.missing);
  else if (!existsSync('/proc/self/stat')) skip('processes cannot be looked at here');
  else {
    onTestFinished(() => server.stop());
    const folder = mkdtempSync(join(tmpdir(), 'pexen-stopped-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const { url: servers } = server;
    const agent = await AgentProcess.start([{ servers, name: 'one', slots: 1, roots: ['/'] }]);
    onTestFinished(() => agent.stop());
    const pool = nats({ servers, heartbeatMs: 500, leaseMs: 4_000, endingMs: 2_000 });
    const slots: number[] = [];
    const back = Promise.withResolvers<void>();
    await pool.open({
      slotsChanged: (count) => {
        slots.push(count);
        if (count === 1 && slots.includes(0)) back.resolve();
      },
      workerLost: () => {},
      lateError: () => {},
    });
    onTestFinished(() => pool.close('kill'));
    const file = join(folder, 'pid');
    const running = attemptOf(pool, runsOn, { file });
    await running.started;
    await expect.poll(() => existsSync(file) && readFileSync(file, 'utf8')).toMatch(/^\d+$/);
    const pid = readFileSync(file, 'utf8');
    expect(isRunning(pid)).toBe(true);
    agent.signal('SIGSTOP');
    expect((await running.outcome).kind).toBe('lost');
    expect(isRunning(pid)).toBe(false);
    agent.signal('SIGCONT');
    await back.promise;
    const again = attemptOf(pool, runsOn, { file, once: true });
    expect((await again.outcome).kind).toBe('returned');
  }
});
