/** The host's end of a worker that takes messages: what it sends, and when. */

import { expect, test } from 'vitest';
import { ScriptedClock, settle } from '#scripted-clock';
import { MessageConnection, SlotEngine, type ToWorker } from '../src/index.ts';
import { Given, HeardContext } from './scripted-connector.ts';

function openedWith(isReadyAtOnce: boolean) {
  const asked: string[] = [];
  const pool = new SlotEngine(
    {
      manifest: { name: 'messages', kills: true, transport: 'clone', closures: false, executables: false },
      slots: 1,
      connectsAtOpen: true,
      connect: (_slot, events) => {
        const end = (what: string): void => {
          asked.push(what);
          setImmediate(() => events.gone(what));
        };
        const transport = {
          name: 'worker 0',
          pool: 'messages',
          send: (message: { readonly do: string }) => end(`was sent ${message.do}`),
          kill: (cause: string) => end(`was killed: ${cause}`),
        };
        const connection = new MessageConnection(transport, events);
        if (isReadyAtOnce) setImmediate(() => connection.hear({ is: 'ready' }));
        return connection;
      },
    },
    { clock: new ScriptedClock() },
  );
  return { asked, pool };
}

test('a worker that is ready is asked to leave', async () => {
  const { asked, pool } = openedWith(true);
  await pool.open(new HeardContext());
  await pool.close('drain');
  expect(asked).toEqual(['was sent leave']);
});

test('a worker that is not ready is sent nothing: it is ended by force', async () => {
  const { asked, pool } = openedWith(false);
  const opening = expect(pool.open(new HeardContext())).rejects.toThrow('closed while it was opening');
  await settle();
  await pool.close('drain');
  await opening;
  expect(asked[0]).toBe('was killed: was no longer needed');
  expect(asked).not.toContain('was sent leave');
});

test('of several attempts that are sent together, the one that cannot be sent is refused, and the others are sent once', async () => {
  const sent: string[] = [];
  let connection: MessageConnection | undefined;
  const end = (number: number): void =>
    connection?.hear({ is: 'ended', number, outcome: { kind: 'returned', value: 'here', ranMs: 0.01 } });
  const send = (message: ToWorker): void => {
    if (message.do !== 'run') return;
    if (message.envelope.path === 'huge') throw new Error('it is too long');
    sent.push(message.envelope.path);
    setImmediate(() => end(message.number));
  };
  const pool = new SlotEngine({
    manifest: { name: 'messages', kills: true, transport: 'clone', closures: false, executables: false },
    slots: 1,
    connect: (_slot, events) => {
      const kill = (cause: string): void => void setImmediate(() => events.gone(cause));
      const made = new MessageConnection({ name: 'worker 0', pool: 'messages', send, kill }, events);
      connection = made;
      setImmediate(() => made.hear({ is: 'ready' }));
      return made;
    },
  });
  await pool.open(new HeardContext());
  const run = (path: string) => {
    const given = new Given(path);
    return pool.run(given.assignment, given);
  };
  for (let count = 0; count < 7; count++) await run(`short ${count}`); // From now on they travel together.
  sent.length = 0;
  const outcomes = await Promise.all(['first', 'huge', 'last'].map(run));
  expect(sent).toEqual(['first', 'last']);
  expect(outcomes.map(({ kind }) => kind)).toEqual(['returned', 'threw', 'returned']);
  expect(outcomes[1]).toMatchObject({ error: { code: 'PEXEN_CANNOT_CROSS' } });
  await pool.close('kill');
});
