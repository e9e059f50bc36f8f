/** The floor: a port, a message there, a message back. */
import { parentPort } from 'node:worker_threads';

parentPort?.on('message', async ({ id, text }: { readonly id: number; readonly text?: string }) => {
  parentPort?.postMessage({ id, value: text?.length });
});
