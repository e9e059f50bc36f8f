/** The file that notes how far a journal must reach, and the boots that it compares. */
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openJournal, readJournal } from '../../src/index.ts';
import { bootMark, isSameBoot } from '../../src/journal/boot-mark.ts';
import { emptyHead, HeadFile, headIn, isLoss } from '../../src/journal/head.ts';
import { scratchFolder } from './random-events.ts';

const boot = { id: 'a'.repeat(32), bootedAtS: 1000 };
const first = emptyHead(boot);
const second = { ...first, committed: 7, synced: 5, unrecordedStarts: true };

function written(): Buffer {
  const path = join(scratchFolder(), 'head');
  const file = HeadFile.create(path, 'run', first);
  file.write(second);
  file.sync();
  file.close();
  expect(statSync(path).size).toBe(4096);
  return readFileSync(path);
}

describe('the head', () => {
  test('is the newest of two, also after it was opened again', () => {
    const path = join(scratchFolder(), 'head');
    HeadFile.create(path, 'run', first).close();
    for (let generation = 1; generation < 5; generation++) {
      expect(headIn(readFileSync(path), 'run')?.generation).toBe(generation);
      const file = HeadFile.open(path, 'run', generation);
      file.write({ ...second, committed: generation });
      file.close();
      expect(headIn(readFileSync(path), 'run')?.head).toEqual({ ...second, committed: generation });
    }
  });

  test('is the older one where the newest is not whole', () => {
    const bytes = written();
    bytes.writeUInt8(bytes.readUInt8(17) ^ 1, 17);
    expect(headIn(bytes, 'run')?.head).toEqual(first);
    bytes.writeUInt8(bytes.readUInt8(81) ^ 1, 81);
    expect(headIn(bytes, 'run')).toBeUndefined();
  });

  test('belongs to one run', () => {
    expect(headIn(written(), 'another')).toBeUndefined();
  });
});

test('a journal whose creation was interrupted is whole, without events, and is created later', async () => {
  const directory = scratchFolder();
  HeadFile.create(join(directory, 'head'), 'run', emptyHead(bootMark())).close();
  const empty = { verdict: { kind: 'whole' }, entries: [] };
  expect(readJournal(directory, { runId: 'run' })).toMatchObject(empty);
  writeFileSync(join(directory, 'journal.db'), '');
  expect(readJournal(directory, { runId: 'run' })).toMatchObject(empty);
  writeFileSync(join(directory, 'journal.db-journal'), '');
  expect(readJournal(directory, { runId: 'run' })).toMatchObject(empty);
  const journal = await openJournal({ directory, runId: 'run', durability: 'process' });
  journal.append({ type: 'poison-cleared', resource: 'db' });
  await journal.close();
  expect(readJournal(directory).entries).toHaveLength(1);
});

test.each([
  ['all rows are there', 7, true, false],
  ['rows are missing in the same boot', 6, true, true],
  ['rows that were not on the disk are missing after a boot', 6, false, false],
  ['rows that were on the disk are missing after a boot', 4, false, true],
])('%s', (_, lastRow, isSame, expected) => {
  const now = isSame ? boot : { id: 'b'.repeat(32), bootedAtS: 1000 };
  expect(isLoss(second, lastRow, now)).toBe(expected);
});

describe('a boot', () => {
  test('is recognized by its id', () => {
    expect(isSameBoot(bootMark(), bootMark())).toBe(true);
    expect(isSameBoot(boot, { ...boot, bootedAtS: 2000 })).toBe(true);
    expect(isSameBoot(boot, { id: 'b'.repeat(32), bootedAtS: 1000 })).toBe(false);
  });

  test('is recognized by its time where the system has no ids', () => {
    const mark = bootMark('/does/not/exist');
    expect(mark.id).toBe('0'.repeat(32));
    expect(isSameBoot(mark, { ...boot, bootedAtS: mark.bootedAtS + 2 })).toBe(true);
    expect(isSameBoot(mark, { ...boot, bootedAtS: mark.bootedAtS + 3 })).toBe(false);
  });
});
