/**
 * Operating system features beyond Node: the facts about processes that Linux shows under /proc. Knows nothing of attempts or
 * pools. Where /proc is missing, or shows another pid namespace (so that its numbers must not be used), everything here
 * finds nothing, and its callers fall back to POSIX. `PEXEN_PLATFORM=portable` in the environment switches that fallback on.
 */
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  type Stats,
  statSync,
} from 'node:fs';
import { endianness } from 'node:os';

/** A process at one moment. */
export interface ProcessFacts {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  /** The letter of proc(5): Z is a zombie, D is stuck in the kernel. */
  readonly state: string;
  /** When it was started, in ticks since the machine was. */
  readonly startTicks: number;
}

/** Linux, with all that only Linux has. */
export const isLinux: boolean = process.platform === 'linux' && process.env.PEXEN_PLATFORM !== 'portable';

/** True where /proc exists and shows this process's pid namespace: processes that left their group can be found. */
export function hasProc(): boolean {
  usable ??= isLinux && isUsable();
  return usable;
}
let usable: boolean | undefined;

/** When this process was started, in ticks since the machine was; undefined where that cannot be read. */
export function ownStartTicks(): number | undefined {
  ownStart ??= processFacts(process.pid)?.startTicks;
  return ownStart;
}
let ownStart: number | undefined;

/** The pids of all processes. */
export function allPids(): number[] {
  if (!hasProc()) return [];
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0);
}

/** The pid given out last on this machine, or undefined. Reading it costs a few microseconds. */
export function latestPid(): number | undefined {
  if (!hasProc()) return undefined;
  loadFile ??= openSync('/proc/loadavg', 'r');
  const length = readSync(loadFile, line, 0, line.length, 0);
  const pid = Number(line.toString('latin1', 0, length).split(' ')[4]);
  return pid > 0 ? pid : undefined;
}
let loadFile: number | undefined;
const line = Buffer.alloc(256);

/** Another process, as `ps` shows it. */
export interface ListedProcess {
  readonly pid: number;
  readonly parent: number;
  readonly state: string;
  /** Its command line, followed by its environment where this user may see that. */
  readonly text: string;
}

/**
 * All processes by `ps`, for systems without /proc. Undefined where there is no such program, and on Linux, where `ps` reads /proc and sees
 * no more than this process does.
 */
export function listedProcesses(): readonly ListedProcess[] | undefined {
  if (isLinux) return undefined;
  const flags = process.platform === 'darwin' ? '-axEww' : 'axeww';
  const { status, stdout } = spawnSync('ps', [flags, '-o', 'pid=,ppid=,state=,command='], {
    encoding: 'latin1',
    env: { PATH: process.env.PATH }, // It must not look like a process that is looked for.
    maxBuffer: 256 * 1024 * 1024,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return status === 0 ? stdout.split('\n').flatMap(listedProcess) : undefined;
}

function listedProcess(line: string): ListedProcess[] {
  const [, pid, parent, state = '', text = ''] = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line) ?? [];
  return pid === undefined ? [] : [{ pid: Number(pid), parent: Number(parent), state, text }];
}

/**
 * The environment a process was started with. Empty for zombies and kernel threads, for those that were started without any,
 * and for a moment while a process becomes another program. Undefined if there is no such process, or it cannot be read.
 */
export function environmentOf(pid: number): Buffer | undefined {
  return read(pid, 'environ');
}

/** The processes that become the parents of orphans: the first one, and the ancestors of this one. */
export function adopters(): ReadonlySet<number> {
  if (above === undefined) {
    above = new Set([1]);
    for (let pid = process.pid; pid > 1; pid = processFacts(pid)?.parent ?? 0) above.add(pid);
  }
  return above;
}
let above: Set<number> | undefined;

/** Undefined if there is no such process. */
export function processFacts(pid: number): ProcessFacts | undefined {
  const text = (read(pid, 'stat') ?? nothing).toString('latin1');
  // The command is in parentheses and may itself contain any character.
  const [state = '', parent, group, ...rest] = text.slice(text.lastIndexOf(')') + 2).split(' ');
  if (text === '') return undefined;
  return { pid, parent: Number(parent), group: Number(group), state, startTicks: Number(rest[16]) };
}

/** Has the process opened one of these files, which this process has open as well? False where that cannot be seen. */
export function hasOpen(pid: number, files: readonly number[]): boolean {
  const wanted = new Set<string | undefined>(files.map((fd) => identityOf(fstatSync(fd))));
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => wanted.has(openAt(pid, fd)));
  } catch {
    return false; // It has ended, or belongs to another user.
  }
}

/** Undefined where it was closed meanwhile. */
function openAt(pid: number, fd: string): string | undefined {
  const facts = statSync(`/proc/${pid}/fd/${fd}`, { throwIfNoEntry: false });
  return facts && identityOf(facts);
}

function identityOf({ dev, ino }: Pick<Stats, 'dev' | 'ino'>): string {
  return `${dev}:${ino}`;
}

/** The memory in use by a process, MiB; undefined if there is no such process. */
export function residentMb(pid: number): number | undefined {
  const pages = read(pid, 'statm')?.toString('latin1').split(' ')[1];
  return pages === undefined ? undefined : (Number(pages) * pageBytes) / (1024 * 1024);
}
const pageBytes = 4096;

/**
 * Does the process have any memory? False for zombies, kernel threads, and what is about to end. Asks for its size: what is resident is
 * counted for each processor apart, and may read 0 while a process becomes another program.
 */
export function hasMemory(pid: number): boolean {
  return Number(read(pid, 'statm')?.toString('latin1').split(' ')[0] ?? 0) > 0;
}

/** How many more of each the system lets this process have; infinite where no limit is known. */
export interface Room {
  readonly openFiles: number;
  /** Processes and threads of this user. */
  readonly processes: number;
}

/** Reads the limits of this process and what is in use. */
export function roomLeft(): Room {
  const limits = (read(process.pid, 'limits') ?? nothing).toString('latin1');
  const openFiles = limitIn(limits, 'Max open files');
  const processes = mayExceedProcesses() ? Number.POSITIVE_INFINITY : limitIn(limits, 'Max processes');
  return {
    openFiles: Number.isFinite(openFiles) ? openFiles - countOpenFiles() : openFiles,
    // Counting reads every process: only a small limit can be near.
    processes: processes <= smallLimit ? processes - countOwnThreads() : Number.POSITIVE_INFINITY,
  };
}

const smallLimit = 4096;

/** The soft limit of that name in the text of /proc/PID/limits. */
function limitIn(limits: string, name: string): number {
  const [, soft] = new RegExp(`^${name} +(\\d+)`, 'm').exec(limits) ?? [];
  return soft === undefined ? Number.POSITIVE_INFINITY : Number(soft);
}

/** Infinite where not even one more file can be opened. */
function countOpenFiles(): number {
  try {
    return readdirSync('/proc/self/fd').length - 1;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

/** Root, and those with CAP_SYS_ADMIN or CAP_SYS_RESOURCE, may have more processes than the limit says. */
function mayExceedProcesses(): boolean {
  const [, uid, capabilities = '0'] =
    /^Uid:\s+(\d+)[\s\S]*^CapEff:\s+([0-9a-f]+)/m.exec(statusOf(process.pid)) ?? [];
  const exempt = (1n << 21n) | (1n << 24n);
  return uid === '0' || (BigInt(`0x${capabilities}`) & exempt) !== 0n;
}

function countOwnThreads(): number {
  const uid = String(process.getuid?.());
  let threads = 0;
  for (const pid of allPids()) {
    const [, owner, count] = /^Uid:\s+(\d+)[\s\S]*^Threads:\s+(\d+)/m.exec(statusOf(pid)) ?? [];
    if (owner === uid) threads += Number(count);
  }
  return threads;
}

/** Is this the id of a thread rather than of a process? Threads get pids as well, and their files are those of their process. */
export function isThread(pid: number): boolean {
  const [, leader] = /^Tgid:\s+(\d+)/m.exec(statusOf(pid)) ?? [];
  return leader !== undefined && Number(leader) !== pid;
}

function statusOf(pid: number): string {
  return (read(pid, 'status') ?? nothing).toString('latin1');
}

/** The environment that this process was given, byte for byte; empty where that cannot be read. */
export function ownEnvironment(): Buffer {
  return environmentOf(process.pid) ?? nothing;
}

/**
 * The soft limit of open files of the process that started this one, where Node has raised that of this one. Undefined where it cannot be
 * read.
 */
export function parentOpenFiles(): number | undefined {
  const [parents, own] = [process.ppid, process.pid].map((pid) =>
    limitIn((read(pid, 'limits') ?? nothing).toString('latin1'), 'Max open files'),
  );
  return parents !== undefined && Number.isFinite(parents) && parents !== own ? parents : undefined;
}

/** Undefined if it does not exist or cannot be read. */
function read(pid: number, file: string): Buffer | undefined {
  const path = `/proc/${pid}/${file}`;
  // This check is much cheaper than an exception, and most of these processes are gone.
  if (!hasProc() || !existsSync(path)) return undefined;
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}
const nothing = Buffer.alloc(0);

function isUsable(): boolean {
  try {
    return readlinkSync('/proc/self') === String(process.pid) && existsSync('/proc/self/environ');
  } catch {
    return false;
  }
}

/** A socket that accepts connections. */
export interface Listener {
  /** The local address, as `127.0.0.1`, `::` or `::1`. */
  readonly address: string;
  readonly inode: string;
}

/** The sockets that accept TCP connections on this port. Undefined where the system does not show them. */
export function listenersOn(port: number): readonly Listener[] | undefined {
  const tables = listenerTables();
  if (tables.length === 0) return undefined;
  return listenersIn(tables, port.toString(16).toUpperCase().padStart(4, '0'));
}

/** All sockets that accept TCP connections; none where the system does not show them. */
export function allListeners(): readonly (Listener & { readonly port: number })[] {
  return listenersIn(listenerTables());
}

function listenerTables(): string[] {
  const tables = ['tcp', 'tcp6'].map((table) => read(process.pid, `net/${table}`)?.toString('latin1'));
  return tables.filter((table) => table !== undefined);
}

/** `wanted`: the port, as the tables write it. */
function listenersIn(
  tables: readonly string[],
  wanted?: string,
): readonly (Listener & { readonly port: number })[] {
  return tables.flatMap((table) =>
    table.split('\n').flatMap((line) => {
      // sl, local address, remote address, state (0A: listening), …, inode
      const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/);
      const [address = '', at = ''] = local.split(':');
      if (state !== '0A' || (wanted !== undefined && at !== wanted)) return [];
      return [{ address: addressText(address), inode, port: Number.parseInt(at, 16) }];
    }),
  );
}

/** Does the process have one of these sockets? Undefined where its files cannot be read; one that has ended has none. */
export function hasSocket(pid: number, inodes: ReadonlySet<string>): boolean | undefined {
  try {
    const folder = `/proc/${pid}/fd`;
    return readdirSync(folder).some((fd) => inodes.has(socketBehind(`${folder}/${fd}`)));
  } catch (error) {
    return ['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '') ? false : undefined;
  }
}

function socketBehind(path: string): string {
  try {
    return /^socket:\[(\d+)\]$/.exec(readlinkSync(path))?.[1] ?? '';
  } catch {
    return ''; // It was closed meanwhile.
  }
}

/** An address of /proc/net/tcp or tcp6: words of four bytes in the order of the machine. */
function addressText(hex: string): string {
  const bytes = Buffer.from(hex, 'hex');
  if (endianness() === 'LE')
    for (let at = 0; at < bytes.length; at += 4) bytes.subarray(at, at + 4).reverse();
  if (bytes.length === 4) return bytes.join('.');
  const groups = Array.from({ length: 8 }, (_, at) => bytes.readUInt16BE(at * 2).toString(16));
  return groups.join(':').replace(/(?:^|:)0(?::0)+(?:$|:)/, '::');
}
