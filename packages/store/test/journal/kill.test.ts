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

/** How long each process runs after its first report: 100 moments within 60 ms. */
const moments = Array.from({ length: 100 }, (_, index) => (index * 37 + (seed % 97) + 0.5) % 60);

test('a killed writer loses no event that it has reported', async () => {
  const directory = scratchFolder();
  let acknowledged = 0;
  let sessions = 0;
  for (const moment of sampled(moments)) {
    acknowledged = Math.max(acknowledged, await killAfter(directory, moment));
    sessions++;
    const { verdict, entries } = readJournal(directory);
    expect(verdict).toEqual({ kind: 'whole' });
    expect(entries.length).toBeGreaterThanOrEqual(acknowledged);
    expect(entries.map(({ seq }) => seq)).toEqual(entries.map((_, index) => index + 1));
    for (const { seq, event } of entries)
      expect(event.type === 'poison-cleared' ? Number.parseInt(event.resource, 10) : seq).toBe(seq);
    expect(entries.at(-1)?.session).toBeLessThanOrEqual(sessions);
  }
  expect(acknowledged).toBeGreaterThan(sessions);
});

/** Resolves with the last number that the process has printed. */
async function killAfter(directory: string, ms: number): Promise<number> {
  const child = spawn(process.execPath, ['--conditions=@pexen/source', program, runId, directory], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const closed = once(child, 'close');
  let printed = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    printed += text;
  });
  await once(child.stdout, 'data');
  // Only the moment of the kill depends on it.
  await pause(ms);
  child.kill('SIGKILL');
  await closed;
  // The last line may be cut.
  return Number(printed.split('\n').at(-2) ?? 0);
}
