/** The real thread of the writer dies, and another one continues. */
import { expect, test } from 'vitest';
import { ScriptedClock, settle } from '#scripted-clock';
import { readJournal } from '../../src/index.ts';
import { bootMark } from '../../src/journal/boot-mark.ts';
import { QueuedJournal, type WriterConnection } from '../../src/journal/journal.ts';
import type { ToWriter } from '../../src/journal/messages.ts';
import { writerThread } from '../../src/journal/writer-thread.ts';
import { scratchFolder } from './random-events.ts';

test('another thread takes the lock again and writes everything', async () => {
  const directory = scratchFolder();
  const clock = new ScriptedClock();
  const connections: WriterConnection[] = [];
  const start = writerThread({ directory, runId: 'run', durability: 'process', boot: bootMark() });
  const journal = await QueuedJournal.open({
    runId: 'run',
    clock,
    startWriter: (handlers) => {
      const connection = start(handlers);
      connections.push(connection);
      return connection;
    },
  });
  journal.append({ type: 'poison-cleared', resource: 'before' });
  expect(await journal.sync()).toBe(true);
  // The thread fails at it.
  connections[0]?.post(null as unknown as ToWriter);
  journal.append({ type: 'poison-cleared', resource: 'at the time' });
  await expect.poll(() => journal.state).toBe('failing');
  journal.append({ type: 'poison-cleared', resource: 'after' });
  clock.step(5000);
  await expect.poll(() => journal.state).toBe('recording');
  await settle();
  await journal.close();
  expect(connections).toHaveLength(2);
  const { verdict, entries } = readJournal(directory);
  expect(verdict).toEqual({ kind: 'whole' });
  expect(entries.map(({ event }) => event)).toMatchObject([
    { resource: 'before' },
    { resource: 'at the time' },
    { resource: 'after' },
    { type: 'recording-gap', from: 2, to: 3, lost: false },
  ]);
});
