/** The queue of a journal, against a scripted writer: failures, retries, gaps and the end. */

import { describe, expect, test } from 'vitest';
import { ScriptedClock, settle } from '#scripted-clock';
import type { JournalEvent } from '../../src/index.ts';
import { type JournalTrouble, QueuedJournal } from '../../src/journal/journal.ts';
import type { FromWriter, ToWriter } from '../../src/journal/messages.ts';
import { eventOf, type Row } from '../../src/journal/row.ts';

const full = { code: 'ENOSPC', message: 'database or disk is full' };
const cleared = (resource: string): JournalEvent => ({ type: 'poison-cleared', resource });

/** Does what the test says, and remembers what it received. */
class ScriptedWriter {
  readonly clock = new ScriptedClock();
  readonly received: string[] = [];
  readonly trouble: JournalTrouble[] = [];
  readonly released: number[] = [];
  starts = 0;
  /** Rows that arrived last. */
  rows: readonly Row[] = [];
  keepsAlive = true;
  #handlers: { message(message: FromWriter): void; died(reason: string): void } | undefined;

  async open(keptSize?: number): Promise<QueuedJournal> {
    const opening = QueuedJournal.open({
      runId: 'run',
      clock: this.clock,
      ...(keptSize !== undefined && { keptSize }),
      startWriter: (handlers) => {
        this.starts++;
        this.#handlers = handlers;
        return {
          post: (message) => this.#receive(message),
          keepAlive: (keepsAlive) => {
            this.keepsAlive = keepsAlive;
          },
        };
      },
    });
    this.say({ kind: 'opened', lastSeq: 0, session: 0 });
    const journal = await opening;
    journal.onTrouble((trouble) => this.trouble.push(trouble));
    journal.onRecorded((upTo) => this.released.push(upTo));
    return journal;
  }

  say(message: FromWriter): void {
    this.#handlers?.message(message);
  }

  die(): void {
    this.#handlers?.died('it died');
  }

  commit(committed: number): void {
    this.say({ kind: 'recorded', committed, synced: 0 });
  }

  #receive(message: ToWriter): void {
    const isBatch = message.kind === 'append' || message.kind === 'retry';
    if (isBatch) this.rows = message.rows;
    this.received.push(
      isBatch ? `${message.kind} ${message.rows.map(({ seq }) => seq).join()}` : message.kind,
    );
    if (message.kind === 'close') this.say({ kind: 'closed' });
  }
}

test('the events of one turn are written together, and keep the process alive until they are recorded', async () => {
  const writer = new ScriptedWriter();
  const journal = await writer.open();
  expect(writer.keepsAlive).toBe(false);
  journal.append(cleared('a'));
  journal.append(cleared('b'));
  expect(writer.received).toEqual([]);
  await settle();
  journal.append(cleared('c'));
  await settle();
  expect(writer.received).toEqual(['append 1,2', 'append 3']);
  writer.commit(2);
  expect(writer.keepsAlive).toBe(true);
  writer.commit(3);
  expect(writer.keepsAlive).toBe(false);
  expect(writer.released).toEqual([2, 3]);
});

test('times count from the start of the session', async () => {
  const writer = new ScriptedWriter();
  const journal = await writer.open();
  writer.clock.step(12.3456);
  journal.append(cleared('a'));
  await settle();
  expect(writer.rows).toMatchObject([{ seq: 1, session: 1, atMs: 12.346 }]);
});

describe('when writing fails', () => {
  test('it is reported at once, and nothing is held up any longer', async () => {
    const writer = new ScriptedWriter();
    const journal = await writer.open();
    journal.append(cleared('a'));
    await settle();
    writer.say({ kind: 'failed', error: full, isFinal: false });
    expect(writer.trouble).toEqual([{ state: 'failing', error: full }]);
    expect(writer.released).toEqual([1]);
    journal.append(cleared('b'));
    await settle();
    expect(writer.released).toEqual([1, 2]);
    expect(journal.committedSeq).toBe(0);
    expect(writer.received).toEqual(['append 1']);
    expect(await journal.sync()).toBe(false);
  });

  test('everything is tried again every five seconds, and then a gap is recorded', async () => {
    const writer = new ScriptedWriter();
    const journal = await writer.open();
    journal.append(cleared('a'));
    await settle();
    writer.commit(1);
    journal.append(cleared('b'));
    await settle();
    writer.say({ kind: 'failed', error: full, isFinal: false });
    journal.append(cleared('c'));
    await writer.clock.advance(4999);
    expect(writer.received).toEqual(['append 1', 'append 2']);
    await writer.clock.advance(1);
    expect(writer.received.at(-1)).toBe('retry 2,3');
    writer.say({ kind: 'failed', error: full, isFinal: false });
    expect(writer.trouble).toHaveLength(1);
    await writer.clock.advance(5000);
    expect(writer.received.at(-1)).toBe('retry 2,3');
    journal.append(cleared('d'));
    await settle();
    writer.commit(3);
    writer.say({ kind: 'resumed' });
    await settle();
    expect(writer.trouble).toEqual([{ state: 'failing', error: full }, { state: 'recording' }]);
    expect(writer.received.slice(-2)).toEqual(['append 4', 'append 5']);
    expect(writer.rows.map(eventOf)).toEqual([
      { type: 'recording-gap', from: 2, to: 4, why: 'ENOSPC: database or disk is full', lost: false },
    ]);
    writer.commit(5);
    expect(journal.pendingSize).toBe(0);
    expect(writer.clock.pending).toBe(0);
  });

  test('a report from before the retry does not end the failure', async () => {
    const writer = new ScriptedWriter();
    const journal = await writer.open();
    journal.append(cleared('a'));
    await settle();
    writer.say({ kind: 'failed', error: full, isFinal: false });
    await writer.clock.advance(5000);
    writer.say({ kind: 'recorded', committed: 0, synced: 0 });
    expect(journal.state).toBe('failing');
  });

  test('what does not fit into memory is lost, and a gap stands in its place', async () => {
    const writer = new ScriptedWriter();
    const journal = await writer.open(300);
    journal.append(cleared('a'));
    await settle();
    writer.say({ kind: 'failed', error: full, isFinal: false });
    for (const name of ['b', 'c', 'd', 'e']) journal.append(cleared(name));
    expect(journal.pendingSize).toBeLessThanOrEqual(300);
    await writer.clock.advance(5000);
    expect(writer.received.at(-1)).toBe('retry 1,2,3');
    expect(eventOf(writer.rows.at(-1) as Row)).toMatchObject({
      type: 'recording-gap',
      from: 3,
      to: 5,
      lost: true,
    });
    // While the writer is busy, and then fails again: another gap.
    journal.append(cleared('f'));
    journal.append(cleared('g'));
    writer.say({ kind: 'failed', error: full, isFinal: false });
    await writer.clock.advance(5000);
    expect(writer.received.at(-1)).toBe('retry 1,2,3,6');
    writer.commit(6);
    writer.say({ kind: 'resumed' });
    await settle();
    expect(writer.received.at(-1)).toBe('append 8');
    expect(writer.rows.map(eventOf)).toMatchObject([{ type: 'recording-gap', from: 1, to: 7, lost: false }]);
  });

  test('a failed synchronization ends the recording of the session', async () => {
    const writer = new ScriptedWriter();
    const journal = await writer.open();
    journal.append(cleared('a'));
    await settle();
    const error = { code: 'EIO', message: 'i/o error' };
    writer.say({ kind: 'failed', error, isFinal: true });
    expect(writer.trouble).toEqual([{ state: 'stopped', error }]);
    expect(writer.clock.pending).toBe(0);
    expect(journal.append(cleared('b'))).toBe(2);
    await writer.clock.advance(60_000);
    expect(writer.released).toEqual([1, 2]);
    expect(writer.received).toEqual(['append 1']);
    expect(journal.pendingSize).toBe(0);
    await journal.close();
  });

  test('a dead thread is replaced, and its questions are answered', async () => {
    const writer = new ScriptedWriter();
    const journal = await writer.open();
    journal.append(cleared('a'));
    const synced = journal.sync();
    writer.die();
    expect(await synced).toBe(false);
    expect(writer.trouble).toMatchObject([{ state: 'failing', error: { code: 'THREAD' } }]);
    expect(await journal.flagUnrecordedStarts()).toBe(false);
    journal.append(cleared('b'));
    await writer.clock.advance(5000);
    expect(writer.starts).toBe(2);
    writer.say({ kind: 'opened', lastSeq: 0, session: 0 });
    expect(writer.received.at(-1)).toBe('retry 1,2');
    writer.commit(2);
    writer.say({ kind: 'resumed' });
    expect(journal.state).toBe('recording');
  });

  test('a run that another process has taken over meanwhile is not recorded any more', async () => {
    const writer = new ScriptedWriter();
    const journal = await writer.open();
    writer.die();
    await writer.clock.advance(5000);
    writer.say({
      kind: 'refused',
      error: { code: 'PEXEN_JOURNAL_IN_USE', message: 'in use' },
      problems: [{ code: 'PEXEN_JOURNAL_IN_USE', message: 'in use' }],
    });
    writer.die();
    await writer.clock.advance(5000);
    expect(journal.state).toBe('stopped');
    expect(writer.starts).toBe(2);
    await journal.close();
  });

  test('closing tries once more', async () => {
    const writer = new ScriptedWriter();
    const journal = await writer.open();
    journal.append(cleared('a'));
    await settle();
    writer.say({ kind: 'failed', error: full, isFinal: false });
    const closed = journal.close();
    expect(writer.received.at(-1)).toBe('retry 1');
    writer.say({ kind: 'failed', error: full, isFinal: false });
    await closed;
    expect(writer.received.at(-1)).toBe('close');
    expect(writer.clock.pending).toBe(0);
    expect(journal.state).toBe('closed');
  });

  test('closing starts a dead thread once more', async () => {
    const writer = new ScriptedWriter();
    const journal = await writer.open();
    journal.append(cleared('a'));
    writer.die();
    const closed = journal.close();
    writer.say({ kind: 'opened', lastSeq: 0, session: 0 });
    expect(writer.received.at(-1)).toBe('retry 1');
    writer.commit(1);
    writer.say({ kind: 'resumed' });
    await closed;
    expect(writer.received.slice(-2)).toEqual(['append 2', 'close']);
  });
});

test('the note that tasks start without a record is withdrawn when everything is recorded', async () => {
  const writer = new ScriptedWriter();
  const journal = await writer.open();
  journal.append(cleared('a'));
  await settle();
  writer.say({ kind: 'failed', error: full, isFinal: false });
  const flagged = journal.flagUnrecordedStarts();
  writer.say({ kind: 'answered', id: 1, isDone: true });
  expect(await flagged).toBe(true);
  await writer.clock.advance(5000);
  writer.commit(1);
  writer.say({ kind: 'resumed' });
  expect(writer.received.filter((kind) => kind === 'flag')).toHaveLength(2);
});
