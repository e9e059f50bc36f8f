/** Old journals: each version and type has one function, and a journal is upgraded in place when it is continued. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openJournal, readJournal } from '../../src/index.ts';
import { bootMark } from '../../src/journal/boot-mark.ts';
import { JournalDatabase } from '../../src/journal/database.ts';
import { emptyHead, HeadFile } from '../../src/journal/head.ts';
import { rowOf } from '../../src/journal/row.ts';
import { type Upcasters, upcast } from '../../src/journal/upcast.ts';
import { scratchFolder } from './random-events.ts';

/** Version 2 renames a type; version 3 gives it another field. */
const scripted: Upcasters = {
  1: { repaired: ({ type: _type, ...rest }) => ({ ...rest, type: 'poison-cleared' }) },
  2: { 'poison-cleared': ({ resource, ...rest }) => ({ ...rest, resource: `/${String(resource)}` }) },
};

test('an event passes through the functions of all versions after its own', () => {
  expect(upcast({ type: 'repaired', resource: 'db' }, 1, scripted, 3)).toEqual({
    type: 'poison-cleared',
    resource: '/db',
  });
  expect(upcast({ type: 'poison-cleared', resource: 'db' }, 2, scripted, 3)).toMatchObject({
    resource: '/db',
  });
  expect(upcast({ type: 'poison-cleared', resource: '/db' }, 3, scripted, 3)).toMatchObject({
    resource: '/db',
  });
  const other = { type: 'toString' };
  expect(upcast(other, 1, scripted, 3)).toBe(other);
});

test('a journal is upgraded in place, and then refused by older versions', async () => {
  const directory = scratchFolder();
  const blobs = join(directory, 'blobs');
  mkdirSync(blobs);
  const database = JournalDatabase.open({ file: join(directory, 'journal.db'), blobs, runId: 'run' }, true);
  const long = 'x'.repeat(20_000);
  const rows = ['db', long].map((resource, index) => {
    const entry = {
      seq: index + 1,
      session: 1,
      atMs: 0,
      event: { type: 'poison-cleared', resource } as const,
    };
    return { ...rowOf(entry), type: index === 0 ? 'repaired' : 'poison-cleared' };
  });
  database.commit(rows, true);
  HeadFile.create(join(directory, 'head'), 'run', emptyHead(bootMark())).close();
  // Version 1 does not know the type `repaired`.
  expect(readJournal(directory).verdict).toEqual({
    kind: 'damaged',
    why: 'event 1: its type "repaired" is unknown',
  });
  const toOne: Upcasters = { 0: scripted[1] };
  const read = readJournal(directory, { upcasters: { ...toOne, 1: {} } });
  expect(read.entries).toHaveLength(1);

  database.upgrade(scripted, 2);
  expect(database.version).toBe(2);
  database.upgrade({ 1: { 'poison-cleared': () => ({ type: 'never called' }) } }, 2);
  database.close();
  expect(readJournal(directory)).toEqual({
    verdict: { kind: 'newer', version: 2 },
    runId: 'run',
    entries: [],
    unrecordedStarts: false,
  });
  await expect(openJournal({ directory, runId: 'run', durability: 'process' })).rejects.toThrow(
    'PEXEN_JOURNAL_NEWER: the journal of the run run has version 2; this version of pexen reads up to 1',
  );
});
