/** The program of a `LockGuard`. Reads lines on stdin, and ends with what it watches. */
import { createInterface } from 'node:readline';
import type { Problem } from '@pexen/core';
import { systemClock } from '@pexen/core/timers';
import { endStrays, untilNoStrays } from '@pexen/pool-process';
import { keyOf } from '@pexen/run-locks/cluster';
import { LeaseClock } from '../node/clock.ts';
import type { GuardLine } from './lock-guard.ts';
import { connectLocks } from './nats-network.ts';

type LineOf<K extends GuardLine['kind']> = Extract<GuardLine, { readonly kind: K }>;

/** How often it looks at the time, ms. */
const lookMs = 250;
/** How long it tries to release what a dead run held, ms. Afterwards the others wait for the end of its lease. */
const longestMs = 10_000;

const lost: Problem = {
  code: 'PEXEN_LOCKS_LOST',
  message:
    'this run had lost its locks of the cluster, and did not end in time what it ran with them: it was killed',
};

const clock = new LeaseClock();
let run: LineOf<'run'> | undefined;
let deadline: LineOf<'deadline'> | undefined;
let record: LineOf<'record'> | undefined;

createInterface(process.stdin)
  .on('line', (line) => {
    const read = JSON.parse(line) as GuardLine;
    if (read.kind === 'run') run = read;
    else if (read.kind === 'deadline') deadline = read;
    else record = read;
  })
  .on('close', () => void runIsOver());

look();

function look(): void {
  if (deadline?.atMs !== undefined && run !== undefined && clock.now() >= deadline.atMs) endRun(run);
  else systemClock.after(lookMs, look);
}

/** Its end closes stdin. */
function endRun({ pid }: LineOf<'run'>): void {
  process.stderr.write(`error ${lost.code} ${lost.message}\n`);
  process.kill(pid, 'SIGKILL');
}

/** Ends what it has left, and releases what it held once nothing of it can go on elsewhere. */
async function runIsOver(): Promise<void> {
  if (run === undefined) process.exit(0);
  const startMs = systemClock.now();
  await (deadline?.atMs === undefined ? untilNoStrays(run.runId) : endStrays(run.runId)).catch(() => {});
  if (record !== undefined) {
    const restMs = record.afterMs - (systemClock.now() - startMs);
    if (restMs > 0) await new Promise<void>((resolve) => systemClock.after(restMs, resolve));
    systemClock.after(longestMs, () => process.exit(1));
    await removeRecord(run, record).catch(() => {});
  }
  process.exit(0);
}

async function removeRecord({ server, pool }: LineOf<'run'>, { run: name }: LineOf<'record'>): Promise<void> {
  const network = await connectLocks(server, pool, `guard-${name}`, {
    received: () => {},
    disconnected: () => {},
  });
  for (
    let found = await network.get(keyOf(name));
    found !== undefined;
    found = await network.get(keyOf(name))
  )
    await network.remove(keyOf(name), found.revision);
}
