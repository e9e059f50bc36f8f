/** A process that appends to a journal is killed at random moments, and the next one continues: nothing that was reported as recorded is missing. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { sampled, seed } from '#sample';
import { readJournal } from '../../src/index.ts';
import { scratchFolder } from './random-events.ts';

const runId = '0198c0de-0000-7000-8000-000000000002';
const program = new URL('../fixtures/appends.ts', import.meta.url).pathname;

/** When a process is killed: after its first report, or already while it opens the journal. */
interface Moment {
  readonly isAtStart: boolean;
  readonly ms: number;
}

/** Ten journals, each killed at ten moments. */
const journals = Array.from({ length: 10 }, (_, journal) => ({
  journal,
  moments: Array.from({ length: 10 }, (_, kill): Moment => {
    const ms = ((10 * journal + kill) * 37.3 + (seed % 97)) % 60;
    return kill % 5 === 0 ? { isAtStart: true, ms: 5 * ms + 50 } : { isAtStart: false, ms };
  }),
}));

test.each(sampled(journals))(
  'a killed writer loses no event that it has reported: journal $journal',
  async ({ moments }) => {
    const directory = scratchFolder();
    let acknowledged = 0;
    let sessions = 0;
    for (const moment of moments) {
      acknowledged = Math.max(acknowledged, await killAfter(directory, moment));
      sessions++;
      const { verdict, entries } = readJournal(directory, { runId });
      if (acknowledged > 0 || verdict.kind !== 'absent') expect(verdict).toEqual({ kind: 'whole' });
      expect(entries.length).toBeGreaterThanOrEqual(acknowledged);
      expect(entries.map(({ seq }) => seq)).toEqual(entries.map((_, index) => index + 1));
      for (const { seq, event } of entries)
        expect(event.type === 'poison-cleared' ? Number.parseInt(event.resource, 10) : seq).toBe(seq);
      expect(entries.at(-1)?.session ?? 0).toBeLessThanOrEqual(sessions);
    }
    expect(acknowledged).toBeGreaterThan(sessions);
  },
);

/** Resolves with the last number that the process has printed. */
async function killAfter(directory: string, { isAtStart, ms }: Moment): Promise<number> {
  const child = spawn(process.execPath, ['--conditions=@pexen/source', program, runId, directory], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const closed = once(child, 'close');
  let printed = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    printed += text;
  });
  if (!isAtStart) await once(child.stdout, 'data');
  // Only the moment of the kill depends on it.
  await pause(ms);
  child.kill('SIGKILL');
  await closed;
  // The last line may be cut.
  return Number(printed.split('\n').at(-2) ?? 0);
}
