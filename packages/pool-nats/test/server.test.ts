/** The server for first steps and tests. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { findServer } from '../src/node.ts';

test('a server ends with the process that started it, even if that is killed', async ({ skip }) => {
  const found = await findServer().catch((error: unknown) => skip(String(error).split('\n')[0]));
  if (!existsSync('/usr/bin/setpriv')) skip('there is no setpriv');
  const node = fileURLToPath(new URL('../src/node.ts', import.meta.url));
  const script = `
    const { startServer } = await import(${JSON.stringify(node)});
    console.log((await startServer(${JSON.stringify(found.file)})).pid);
    setInterval(() => {}, 1_000);`;
  const child = spawn(process.execPath, ['--conditions=@pexen/source', '--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [pid] = (await once(createInterface(child.stdout), 'line')) as [string];
  expect(existsSync(`/proc/${pid}`)).toBe(true);
  child.kill('SIGKILL');
  await expect.poll(() => existsSync(`/proc/${pid}`)).toBe(false);
});
