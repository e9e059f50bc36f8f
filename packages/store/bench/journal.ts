/**
 * What recording costs: the time of one commit of eight events, and the time from `append` until an event counts as recorded, for each durability.
 * `node --conditions=@pexen/source bench/journal.ts [--commits 2000]`
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Durability, type JournalEvent, openJournal, readJournal } from '../src/index.ts';
import { bootMark } from '../src/journal/boot-mark.ts';
import { rowOf } from '../src/journal/row.ts';
import { JournalWriter } from '../src/journal/writer.ts';

const { values } = parseArgs({ options: { commits: { type: 'string', default: '2000' } } });
const commits = Number(values.commits);
const perCommit = 8;
const event: JournalEvent = { type: 'poison-cleared', resource: 'x'.repeat(400) };
const root = mkdtempSync(join(tmpdir(), 'pexen-bench-'));

try {
  for (const durability of ['process', 'power'] as const) {
    show(`${durability}: one commit of ${perCommit} events`, timesOfCommits(durability));
    show(`${durability}: from append to recorded`, await timesOfAppends(durability));
  }
  const started = performance.now();
  const { entries } = readJournal(join(root, 'commit-process'));
  const ms = performance.now() - started;
  console.log(
    `reading ${entries.length} events: ${ms.toFixed(0)} ms, ${((ms * 1000) / entries.length).toFixed(1)} µs each`,
  );
} finally {
  rmSync(root, { recursive: true, force: true });
}

/** In this thread, without the messages between threads. */
function timesOfCommits(durability: Durability): number[] {
  const directory = join(root, `commit-${durability}`);
  const { writer } = JournalWriter.open({ directory, runId: 'bench', durability, boot: bootMark() });
  const times = Array.from({ length: commits }, (_, commit) => {
    const rows = Array.from({ length: perCommit }, (_, index) =>
      rowOf({ seq: commit * perCommit + index + 1, session: 1, atMs: commit, event }),
    );
    const started = performance.now();
    writer.commit(rows);
    const took = performance.now() - started;
    writer.checkpoint();
    return took;
  });
  writer.close();
  return times;
}

/** One event at a time, each after the one before is recorded. */
async function timesOfAppends(durability: Durability): Promise<number[]> {
  const journal = await openJournal({
    directory: join(root, `append-${durability}`),
    runId: 'bench',
    durability,
  });
  const times: number[] = [];
  for (let count = 0; count < commits; count++) {
    const started = performance.now();
    const seq = journal.append(event);
    await new Promise<void>((resolve) => {
      const stop = journal.onRecorded((upTo) => {
        if (upTo < seq) return;
        stop();
        resolve();
      });
    });
    times.push(performance.now() - started);
  }
  await journal.close();
  return times;
}

function show(name: string, times: number[]): void {
  const sorted = times.sort((a, b) => a - b);
  const at = (part: number): string =>
    `${(sorted[Math.floor(part * (sorted.length - 1))] ?? 0).toFixed(3)} ms`;
  console.log(`${name.padEnd(42)} p50 ${at(0.5)}  p99 ${at(0.99)}  greatest ${at(1)}`);
}
