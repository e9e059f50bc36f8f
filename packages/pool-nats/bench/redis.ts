/** A Redis server for the bench: from the PATH, else unpacked from the packages of Debian without being root. */
import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

const packages = ['redis-server', 'redis-tools', 'liblzf1', 'libjemalloc2'];

export interface RunningRedis {
  readonly port: number;
  stop(): void;
}

/** Starts a server without persistence; `folder` is for what has to be unpacked. */
export async function startRedis(folder: string): Promise<RunningRedis> {
  const onPath = (process.env.PATH ?? '').split(delimiter).map((each) => join(each, 'redis-server'));
  const file = onPath.find(existsSync) ?? (await unpacked(join(folder, 'redis')));
  const port = await freePort();
  const libraries = join(folder, 'redis/root/usr/lib/x86_64-linux-gnu');
  const argv = ['--port', String(port), '--save', '', '--appendonly', 'no', '--bind', '127.0.0.1'];
  const server = spawn(file, argv, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, LD_LIBRARY_PATH: libraries },
  });
  for await (const chunk of server.stdout) if (String(chunk).includes('Ready to accept')) break;
  server.stdout.resume();
  const stop = (): void => void server.kill('SIGKILL');
  process.once('exit', stop);
  return { port, stop };
}

async function unpacked(folder: string): Promise<string> {
  const file = join(folder, 'root/usr/bin/redis-server');
  if (existsSync(file)) return file;
  const run = promisify(execFile);
  mkdirSync(folder, { recursive: true });
  await run('apt-get', ['download', ...packages], { cwd: folder });
  for (const archive of readdirSync(folder).filter((name) => name.endsWith('.deb')))
    await run('dpkg-deb', ['-x', archive, 'root'], { cwd: folder });
  return file;
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { readonly port: number };
      server.close(() => resolve(port));
    });
  });
}
