/** The connection to a server that goes away and comes back. */
import { expect, onTestFinished, test } from 'vitest';
import { findServer, startServer } from '../src/node.ts';
import { connectTransport, type Received } from '../src/transport.ts';

test('what is sent while the server is away is not kept', async ({ skip }) => {
  const found = await findServer().catch((error: unknown) => skip(String(error).split('\n')[0]));
  let server = await startServer(found.file);
  onTestFinished(() => server.stop());
  const port = Number(new URL(server.url).port);
  const transport = await connectTransport({ servers: server.url }, 'test');
  onTestFinished(() => transport.close());
  const heard: string[] = [];
  const hear = ({ bytes }: Received): void => void heard.push(Buffer.from(bytes).toString());
  transport.subscribe('a.b', hear);

  await server.stop();
  await expect.poll(() => transport.isConnected).toBe(false);
  transport.publish('a.b', Buffer.from('lost'));
  server = await startServer(found.file, { port });
  await expect.poll(() => transport.isConnected, { timeout: 5_000 }).toBe(true);
  transport.publish('a.b', Buffer.from('sent'));
  await transport.flush();
  expect(heard).toEqual(['sent']);
});
