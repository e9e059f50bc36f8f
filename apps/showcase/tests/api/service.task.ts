/** Starts the service that all tests of this folder use, and stops it when no test needs it any more. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { key, task } from 'pexen';

/** Where the service listens. */
export const service = key<{ readonly port: number }>('service');

const program = fileURLToPath(new URL('../service/server.ts', import.meta.url));

export const startService = task({ provides: [service], timeout: 20_000 }, async ({ set, signal }) => {
  const child = spawn(process.execPath, [program, String(process.pid)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const [line] = await once(child.stdout, 'data', { signal });
    set(service, { port: Number(line) });
  } catch (error) {
    child.kill();
    throw error;
  }
  child.stdout.destroy();
  child.unref();
});

export const stopService = task({ requires: [service], tearsDown: service }, async ({ get, signal }) => {
  await fetch(`http://127.0.0.1:${get(service).port}/stop`, { method: 'POST', signal });
});
