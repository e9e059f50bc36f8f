/** A NATS server of this machine, for first steps and for tests: found on the PATH, or unpacked from the package of Debian without being root. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, delimiter, dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { messageOf, misuse } from '@pexen/core';
import { systemClock } from '@pexen/core/timers';
import { cacheFolder } from '../cache.ts';

/** Where the program is. */
export interface ServerProgram {
  readonly file: string;
  /** `unpacked`: from the package of the system, into a cache folder. */
  readonly from: 'path' | 'cache' | 'unpacked';
}

const program = 'nats-server';

/**
 * The program `nats-server`: on the PATH, in the cache, or unpacked from the package of Debian into the cache, which needs no root.
 * @throws PexenError PEXEN_NO_NATS_SERVER with a way to get it
 */
export async function findServer(cache: string = cacheFolder(program)): Promise<ServerProgram> {
  const onPath = (process.env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, program))
    .find(isExecutable);
  if (onPath !== undefined) return { file: onPath, from: 'path' };
  const cached = join(cache, 'usr/sbin', program);
  const other = join(cache, 'usr/bin', program);
  for (const file of [cached, other]) if (isExecutable(file)) return { file, from: 'cache' };
  const failure = await unpack(cache).then(
    () => 'the package has no such program',
    (error) => messageOf(error).split('\n')[0] ?? '',
  );
  const file = [cached, other].find(isExecutable); // Perhaps unpacked by another process meanwhile.
  if (file === undefined) throw noServer(failure);
  return { file, from: 'unpacked' };
}

/** A server that runs. */
export interface RunningServer {
  /** Its address, as the option `servers` takes it. */
  readonly url: string;
  readonly pid: number;
  /** Resolves when it has ended. */
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}

/** How long a server may take to start, ms. */
const startMs = 10_000;

/** Options of `startServer`. */
export interface ServerStart {
  /** 0 takes a free one. Default 0. */
  readonly port?: number;
  /** A file with its configuration, whose paths are relative to its folder. Default: none is needed. */
  readonly config?: string;
  /** Where it keeps data (JetStream), unless the configuration says so. Default: in a cache folder for its port; for port 0 until it ends. */
  readonly store?: string;
}

/**
 * Starts a server that only this machine can reach, whatever the configuration says. Where `setpriv` is installed, it does not outlive this process.
 * @throws PexenError PEXEN_NO_NATS_SERVER
 */
export async function startServer(
  file: string,
  { port = 0, config, store }: ServerStart = {},
): Promise<RunningServer> {
  const folder = mkdtempSync(join(tmpdir(), 'pexen-nats-'));
  const argv = ['-a', '127.0.0.1', '-p', port === 0 ? '-1' : String(port), '--ports_file_dir', folder];
  if (config !== undefined) argv.push('-c', basename(config));
  else
    argv.push('-js', '-sd', store ?? (port === 0 ? join(folder, 'data') : cacheFolder(`nats-data-${port}`)));
  const [command, ...words] = endingWithParent([file, ...argv]);
  const cwd = config === undefined ? undefined : dirname(resolve(config));
  const child = spawn(command, words, { cwd, stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  }).finally(() => rmSync(folder, { recursive: true, force: true }));
  const url = await addressOf(child, folder, ended);
  return {
    url,
    pid: child.pid ?? 0,
    ended,
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

/** The command, so that the kernel ends it when its parent ends in whatever way. */
function endingWithParent(command: readonly [string, ...string[]]): readonly [string, ...string[]] {
  const setpriv = ['/usr/bin/setpriv', '/bin/setpriv'].find(isExecutable);
  return setpriv === undefined ? command : [setpriv, '--pdeathsig', 'KILL', '--', ...command];
}

/** The server writes its ports into a file once it listens. */
async function addressOf(child: ChildProcess, folder: string, ended: Promise<void>): Promise<string> {
  let output = '';
  child.stderr?.on('data', (chunk: Buffer) => (output = `${output}${chunk}`.slice(-2_000)));
  let isOver = false;
  void ended.then(() => (isOver = true));
  const deadline = performance.now() + startMs;
  for (;;) {
    const file = existsSync(folder) ? readdirSync(folder).find((name) => name.endsWith('.ports')) : undefined;
    const { nats = [] } = file === undefined ? {} : portsIn(join(folder, file));
    if (nats[0] !== undefined) return nats[0];
    if (isOver || performance.now() > deadline) {
      child.kill('SIGKILL');
      throw noServer(`it did not start: ${output.trim().split('\n').at(-1) ?? ''}`);
    }
    await new Promise<void>((resolve) => systemClock.after(10, resolve));
  }
}

function portsIn(file: string): { readonly nats?: readonly string[] } {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return {}; // It is being written.
  }
}

/** Downloads the package as any user may, and unpacks it beside the cache, so that a cache is always whole. */
async function unpack(cache: string): Promise<void> {
  const run = promisify(execFile);
  const parent = join(cache, '..');
  mkdirSync(parent, { recursive: true });
  const folder = mkdtempSync(join(parent, 'unpacking-'));
  try {
    await run('apt-get', ['download', program], { cwd: folder, timeout: 60_000 });
    const archive = readdirSync(folder).find((name) => name.endsWith('.deb'));
    await run('dpkg-deb', ['-x', archive ?? '', join(folder, 'root')], { cwd: folder });
    rmSync(cache, { recursive: true, force: true });
    renameSync(join(folder, 'root'), cache);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function noServer(why: string) {
  return misuse(
    'PEXEN_NO_NATS_SERVER',
    `there is no ${program} here: ${why}`,
    'Install it (Debian, Ubuntu: apt-get install nats-server; macOS: brew install nats-server), or use a server elsewhere.',
  );
}
