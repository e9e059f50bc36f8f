/** The host's end of a worker that takes messages: what it sends, and when. */

import { expect, test } from 'vitest';
import { ScriptedClock, settle } from '#scripted-clock';
import { MessageConnection, SlotEngine } from '../src/index.ts';
import { HeardContext } from './scripted-connector.ts';

function openedWith(isReadyAtOnce: boolean) {
  const asked: string[] = [];
  const pool = new SlotEngine(
    {
      manifest: { name: 'told', kills: true, transport: 'clone', closures: false, executables: false },
      slots: 1,
      connectsAtOpen: true,
      connect: (_slot, events) => {
        const end = (what: string): void => {
          asked.push(what);
          setImmediate(() => events.gone(what));
        };
        const transport = {
          name: 'worker 0',
          pool: 'told',
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
  expect(asked[0]).toBe('was killed: was not needed any more');
  expect(asked).not.toContain('was sent leave');
});
