/** The server that all tests of this folder use: it starts with the first test that needs it, and stops when no test needs it any more. */
import { once } from 'node:events';
import { key, service } from 'pexen';
import { serve } from '../server/serve.ts';

/** Where the server listens. */
export const api = key<{ readonly port: number }>('api');

export const server = service({ provides: [api], timeout: 20_000 }, async ({ set, ready, signal }) => {
  const running = await serve();
  set(api, { port: running.port });
  ready();
  if (!signal.aborted) await once(signal, 'abort');
  await running.close();
});
