/** The journal on the disk, with its thread, against its twin in memory. */
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type JournalEvent, memoryJournal, openJournal, readJournal, readOwner } from '../../src/index.ts';
import { bootMark } from '../../src/journal/boot-mark.ts';
import { anyEvent, scratchFolder, untimed } from './random-events.ts';

const runId = '0198c0de-0000-7000-8000-000000000001';
const cleared = (resource: string): JournalEvent => ({ type: 'poison-cleared', resource });

function recording(directory: string, durability: 'process' | 'power' = 'process') {
  return openJournal({ directory, runId, durability });
}

/** Another boot of the machine. */
const otherBoot = { id: 'f'.repeat(32), bootedAtS: 1 };

describe('a journal', () => {
  test('contains what its twin contains, over several sessions', async () => {
    const sessions = fc.array(fc.tuple(fc.array(anyEvent, { maxLength: 20 }), fc.boolean()), {
      maxLength: 4,
    });
    await fc.assert(
      fc.asyncProperty(sessions, async (all) => {
        const directory = join(scratchFolder(), 'run');
        let earlier = memoryJournal({ runId }).read().entries;
        for (const [events, isPower] of all) {
          const journal = await recording(directory, isPower ? 'power' : 'process');
          const twin = memoryJournal({ runId, earlier });
          expect(journal.session).toBe(twin.session);
          for (const event of events) expect(journal.append(event)).toBe(twin.append(event));
          await journal.close();
          await twin.close();
          earlier = twin.read().entries;
          const content = readJournal(directory);
          expect(content.verdict.kind).toBe('whole');
          expect(untimed(content.entries)).toEqual(untimed(earlier));
        }
      }),
      { numRuns: 12 },
    );
  });

  test('reports each event as recorded once it is committed, and syncs it soon afterwards', async () => {
    const directory = scratchFolder();
    const journal = await recording(directory);
    const recorded: number[] = [];
    const isRecorded = new Promise<void>((resolve) => {
      journal.onRecorded((upTo) => {
        recorded.push(upTo);
        expect(readJournal(directory).entries.length).toBeGreaterThanOrEqual(upTo);
        if (upTo === 3) resolve();
      });
    });
    for (const name of ['a', 'b', 'c']) journal.append(cleared(name));
    expect(journal.committedSeq).toBe(0);
    expect(journal.pendingSize).toBeGreaterThan(0);
    await isRecorded;
    expect(journal.pendingSize).toBe(0);
    await expect.poll(() => journal.syncedSeq).toBe(3);
    expect(recorded).toEqual([...recorded].sort());
    await journal.close();
  });

  test.each([
    ['process', 'a barrier', { type: 'start-intended', task: 1, attempt: 1 }],
    ['power', 'any event', cleared('db')],
  ] as const)('with durability %s, %s is on the disk when it is recorded', async (durability, _, event) => {
    const journal = await recording(scratchFolder(), durability);
    const synced = new Promise<number>((resolve) => {
      journal.onRecorded(() => resolve(journal.syncedSeq));
    });
    journal.append(event);
    expect(await synced).toBe(1);
    await journal.close();
  });

  test('syncs on demand', async () => {
    const journal = await recording(scratchFolder());
    journal.append(cleared('db'));
    expect(await journal.sync()).toBe(true);
    expect(journal.syncedSeq).toBe(1);
    await journal.close();
    expect(await journal.sync()).toBe(false);
  });

  test('is readable only for its owner', async () => {
    const directory = join(scratchFolder(), 'runs', 'one');
    const journal = await recording(directory);
    journal.append({ type: 'worker-lost', pool: 'p', worker: 'w', reason: 'x'.repeat(20_000) });
    await journal.sync();
    const modes = readdirSync(directory, { recursive: true, withFileTypes: true }).map((entry) => {
      const mode = (statSync(join(entry.parentPath, entry.name)).mode & 0o777).toString(8);
      return `${entry.isDirectory() ? 'folder' : 'file'} ${mode}`;
    });
    expect([...new Set(modes)].sort()).toEqual(['file 600', 'folder 700']);
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    expect(readdirSync(directory).sort()).toEqual([
      ...['blobs', 'head', 'journal.db', 'journal.db-shm', 'journal.db-wal', 'lock.db', 'owner.json'],
    ]);
    await journal.close();
  });

  test('is refused while another one records the run, and says which', async () => {
    const directory = scratchFolder();
    const journal = await recording(directory);
    journal.append(cleared('db'));
    const owner = readOwner(directory);
    expect(owner?.pid).toBe(process.pid);
    // A reader in between must not drop the lock.
    await journal.sync();
    expect(readJournal(directory).verdict.kind).toBe('whole');
    await expect(recording(directory)).rejects.toThrow(
      `PEXEN_JOURNAL_IN_USE: the run ${runId} is already recorded by process ${process.pid} on ${owner?.host}, since ${owner?.since}`,
    );
    await journal.close();
    await (await recording(directory)).close();
  });

  test('is refused for another process, too', async () => {
    const directory = scratchFolder();
    const journal = await recording(directory);
    const { stdout } = child('open.ts', directory);
    expect(stdout).toContain(`recorded by process ${process.pid} on`);
    await journal.close();
    expect(child('open.ts', directory).stdout).toBe('opened\n');
  });

  test('lets the process end without being closed, and keeps what was recorded', () => {
    const directory = scratchFolder();
    const { stdout, status } = child('leave-open.ts', directory);
    expect({ stdout, status }).toEqual({ stdout: 'recorded 1\n', status: 0 });
    expect(readJournal(directory)).toMatchObject({ verdict: { kind: 'whole' }, entries: [{ seq: 1 }] });
  });

  test('remembers that tasks started without a record', async () => {
    const directory = scratchFolder();
    const journal = await recording(directory);
    expect(await journal.flagUnrecordedStarts()).toBe(true);
    await journal.close();
    expect(readJournal(directory).unrecordedStarts).toBe(true);
    await (await recording(directory)).close();
    expect(readJournal(directory).unrecordedStarts).toBe(true);
  });
});

describe('a directory', () => {
  test('without a journal is absent', () => {
    const directory = scratchFolder();
    expect(readJournal(directory).verdict).toEqual({ kind: 'absent' });
    expect(readdirSync(directory)).toEqual([]);
  });

  test('in which a journal cannot be made is refused', async () => {
    const file = join(scratchFolder(), 'file');
    writeFileSync(file, '');
    await expect(recording(join(file, 'run'))).rejects.toThrow(
      /PEXEN_JOURNAL_FAILED: the journal in .*file\/run cannot be opened: .*\(ENOTDIR\)/,
    );
  });
});

describe('after a power failure', () => {
  /** A journal with three synced events and two that were only committed, and files as they were in between. */
  async function cut(): Promise<string> {
    const directory = scratchFolder();
    const journal = await recording(directory);
    for (const name of ['a', 'b', 'c']) journal.append(cleared(name));
    await journal.sync();
    const log = join(directory, 'journal.db-wal');
    const { size } = statSync(log);
    const copy = scratchFolder();
    for (const name of ['d', 'e']) journal.append(cleared(name));
    await expect.poll(() => journal.committedSeq).toBe(5);
    await expect.poll(() => journal.syncedSeq).toBe(5);
    for (const name of ['journal.db', 'journal.db-wal']) copyOf(directory, copy, name);
    truncateSync(join(copy, 'journal.db-wal'), size);
    await journal.close();
    return copy;
  }

  /** Copies a file outside this process, which has it open. */
  function copyOf(from: string, to: string, name: string): void {
    spawnSync('cp', [join(from, name), join(to, name)]);
  }

  async function withHead(committed: number, synced: number): Promise<string> {
    const copy = await cut();
    const { HeadFile } = await import('../../src/journal/head.ts');
    const head = { committed, synced, unrecordedStarts: false, boot: bootMark() };
    HeadFile.create(join(copy, 'head'), runId, head).close();
    return copy;
  }

  test('a journal is in an earlier state, and is continued there', async () => {
    const copy = await withHead(5, 3);
    const content = readJournal(copy, { boot: otherBoot });
    expect(content.verdict).toEqual({ kind: 'power-loss', lost: { from: 4, to: 5 } });
    expect(content.entries.map(({ event }) => event)).toEqual(['a', 'b', 'c'].map(cleared));
  });

  test('a journal without its synced events is damaged', async () => {
    const copy = await withHead(5, 4);
    expect(readJournal(copy, { boot: otherBoot }).verdict).toEqual({
      kind: 'damaged',
      why: 'the committed events 4 to 5 are missing',
    });
  });

  test('in the same boot nothing may be missing, and the journal is not continued', async () => {
    const copy = await withHead(5, 3);
    expect(readJournal(copy).verdict.kind).toBe('damaged');
    await expect(recording(copy)).rejects.toThrow(
      `PEXEN_JOURNAL_DAMAGED: the journal of the run ${runId} is damaged: committed events are missing`,
    );
    expect(readJournal(copy).verdict.kind).toBe('damaged');
  });
});

test('a journal whose head is missing is damaged, and is not continued', async () => {
  const directory = scratchFolder();
  const journal = await recording(directory);
  journal.append(cleared('db'));
  await journal.close();
  const head = join(directory, 'head');
  copyFileSync(head, `${head}-copy`);
  rmSync(head);
  const content = readJournal(directory);
  expect(content.verdict).toEqual({ kind: 'damaged', why: 'its head cannot be read' });
  expect(content.entries).toHaveLength(1);
  await expect(recording(directory)).rejects.toThrow('its head cannot be read');
  copyFileSync(`${head}-copy`, head);
  expect(readJournal(directory).verdict.kind).toBe('whole');
});

test('the rows of another run are refused', async () => {
  const [one, other] = [scratchFolder(), scratchFolder()];
  for (const [directory, id] of [
    [one, 'one'],
    [other, 'other'],
  ] as const) {
    const journal = await openJournal({ directory, runId: id, durability: 'process' });
    journal.append(cleared(id));
    await journal.close();
  }
  expect(readFileSync(join(one, 'journal.db')).length).toBeGreaterThan(0);
  copyFileSync(join(one, 'journal.db'), join(other, 'journal.db'));
  expect(readJournal(other).verdict.kind).toBe('damaged');
});

function child(program: string, ...args: string[]): { stdout: string; status: number | null } {
  const file = new URL(`../fixtures/${program}`, import.meta.url).pathname;
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    ['--conditions=@pexen/source', file, runId, ...args],
    { encoding: 'utf8' },
  );
  // Neither warnings nor errors.
  expect(stderr).toBe('');
  return { stdout, status };
}
