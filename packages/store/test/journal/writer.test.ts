/** The writer of a journal, without its thread. */
import { closeSync, fstatSync, mkdirSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { readJournal } from '../../src/index.ts';
import { bootMark } from '../../src/journal/boot-mark.ts';
import { HeadFile } from '../../src/journal/head.ts';
import { type Row, rowOf } from '../../src/journal/row.ts';
import { JournalWriter } from '../../src/journal/writer.ts';
import { scratchFolder } from './random-events.ts';

function opened(directory: string): JournalWriter {
  return JournalWriter.open({ directory, runId: 'run', durability: 'process', boot: bootMark() }).writer;
}

function rows(...numbers: readonly number[]): Row[] {
  return numbers.map((seq) =>
    rowOf({ seq, session: 1, atMs: 0, event: { type: 'poison-cleared', resource: `${seq}` } }),
  );
}

function syncedBehind(writer: JournalWriter): Promise<unknown> {
  return new Promise((resolve) => writer.syncBehind(resolve));
}

test('a synchronization in the background covers what was committed before it', async () => {
  const writer = opened(scratchFolder());
  writer.commit(rows(1, 2));
  const synced = syncedBehind(writer);
  writer.commit(rows(3));
  expect(await synced).toBeUndefined();
  expect({ committed: writer.committed, synced: writer.synced }).toEqual({ committed: 3, synced: 2 });
  writer.close();
});

test.each(['close', 'abandon'] as const)('after %s it touches no descriptor that others got', async (end) => {
  const folder = scratchFolder();
  const writer = opened(join(folder, 'run'));
  writer.commit(rows(1));
  await syncedBehind(writer);
  writer[end]();
  writeFileSync(join(folder, 'other'), '');
  const others = Array.from({ length: 8 }, () => openSync(join(folder, 'other'), 'r'));
  writer.syncBehind(() => {});
  // Whatever it starts ends before this one, since both are in one queue.
  const another = opened(join(folder, 'another'));
  another.commit(rows(1));
  await syncedBehind(another);
  another.close();
  for (const descriptor of others) expect(() => fstatSync(descriptor)).not.toThrow();
  for (const descriptor of others) closeSync(descriptor);
});

test('a head that the disk does not return is not taken for damage', () => {
  const directory = scratchFolder();
  mkdirSync(join(directory, 'head'));
  expect(() => opened(directory)).toThrow(expect.objectContaining({ code: 'EISDIR' }));
});

test('an error of the head after a synchronization in the background is its result', async () => {
  const directory = scratchFolder();
  const writer = opened(directory);
  writer.commit(rows(1));
  const write = vi.spyOn(HeadFile.prototype, 'write').mockImplementationOnce(() => {
    throw new Error('no room');
  });
  onTestFinished(() => write.mockRestore());
  expect(await syncedBehind(writer)).toEqual(new Error('no room'));
  writer.close();
});

test('rows that a failed commit has written nevertheless are written once', () => {
  const directory = scratchFolder();
  const writer = opened(directory);
  writer.commit(rows(1, 2));
  writer.reopen();
  writer.commit(rows(1, 2, 3));
  writer.close();
  const { verdict, entries } = readJournal(directory);
  expect(verdict).toEqual({ kind: 'whole' });
  expect(entries.map(({ seq }) => seq)).toEqual([1, 2, 3]);
});

test('a long write-ahead log is moved into the database, and nothing is missing', () => {
  const directory = scratchFolder();
  const writer = opened(directory);
  for (let seq = 1; seq <= 2500; seq++) {
    writer.commit(rows(seq));
    writer.checkpoint();
  }
  writer.abandon();
  const { verdict, entries } = readJournal(directory);
  expect(verdict).toEqual({ kind: 'whole' });
  expect(entries).toHaveLength(2500);
});
