/** The checks that a suite can switch on: processes, ports, files, the kernel log and core dumps. Each only lists what is there. */
import { closeSync, constants, lstatSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { isMachineVisible, listenersSeen, orphansSeen, ownerSeen, processesNow } from '@pexen/pool-process';
import { type Check, type CheckedAttempt, processesName, type Sight } from './checks.ts';

/** How a check reports. */
export type CheckReport = 'warn' | 'fail';

/** The checks of a suite: each is off by default. */
export interface ChecksChoice {
  /** Processes that outlive their test. */
  readonly processes?: CheckReport;
  /** TCP ports on which something still listens. */
  readonly ports?: CheckReport;
  /** New and changed files in these directories, not below them. Default of `in`: the temporary directory. */
  readonly files?: CheckReport | { readonly in: readonly string[]; readonly report?: CheckReport };
  /** Errors of the kernel: crashes, processes killed for want of memory, failures of devices. */
  readonly kernelLog?: CheckReport;
  /** Core dumps in the directories of programs, and where the system puts them. */
  readonly coreDumps?: CheckReport;
  /** Checks of your own. */
  readonly own?: readonly Check[];
}

/** Files and devices that the checks read; tests have others. */
export interface CheckPlaces {
  readonly kernelLog: string;
  readonly corePattern: string;
}

const systemPlaces: CheckPlaces = { kernelLog: '/dev/kmsg', corePattern: '/proc/sys/kernel/core_pattern' };

/** The checks that are chosen. */
export function checksOf(choice: ChecksChoice, places: CheckPlaces = systemPlaces): readonly Check[] {
  const { processes, ports, files, kernelLog, coreDumps, own = [] } = choice;
  const { in: directories = [tmpdir()], report = 'warn' } =
    typeof files === 'object' ? files : { report: files };
  return [
    ...(processes === undefined ? [] : [processCheck(processes)]),
    ...(ports === undefined ? [] : [portCheck(ports)]),
    ...(files === undefined ? [] : [fileCheck(directories, report)]),
    ...(kernelLog === undefined ? [] : [kernelCheck(kernelLog, places.kernelLog)]),
    ...(coreDumps === undefined ? [] : [coreCheck(coreDumps, places.corePattern)]),
    ...own,
  ];
}

const withoutProc = (): string | undefined =>
  isMachineVisible() ? undefined : 'there is no /proc that shows this process';

/** Those that the pool finds, it ends and reports itself. */
function processCheck(report: CheckReport): Check {
  let known: Set<number> | undefined;
  return {
    ...{ name: processesName, report, isDated: true, blind: withoutProc },
    look() {
      known ??= processesNow();
      const orphans = orphansSeen(known);
      return orphans.map(({ pid, command, task, startedAtMs }) => ({
        key: `${pid} ${Math.round(startedAtMs / 1_000)}`,
        what: `process ${pid} (${command})`,
        tasks: task === undefined ? undefined : [task],
        sinceMs: startedAtMs,
      }));
    },
  };
}

function portCheck(report: CheckReport): Check {
  let known = new Map<string, Sight>();
  return {
    ...{ name: 'ports', report, blind: withoutProc },
    look() {
      const isFirst = known.size === 0;
      const sights = listenersSeen().map(({ address, port, inode }): [string, Sight] => [
        inode,
        known.get(inode) ?? sightOfPort(`port ${port} of ${address}`, inode, isFirst),
      ]);
      known = new Map(sights);
      return known.values();
    },
  };
}

/**
 * Its owner is looked for once: a socket is there since its process is, or later. Of what was there before, or what others have, it is of no interest.
 */
function sightOfPort(what: string, inode: string, isFirst: boolean): Sight {
  const owner = isFirst ? undefined : ownerSeen(inode);
  if (owner === undefined || owner.isForeign) return { key: inode, what, tasks: [] };
  const tasks = owner.task === undefined ? undefined : [owner.task];
  return { key: inode, what: `${what}, by process ${owner.pid} (${owner.command})`, tasks };
}

/** Folders of pexen's own pools. */
const ownFolder = /^pexen-/;
/** So many entries are looked at, for what a look may cost. */
const mostEntries = 5_000;

function fileCheck(directories: readonly string[], report: CheckReport): Check {
  return {
    ...{ name: 'files', report, isDated: true },
    blind: () => directories.map(whyUnreadable).find((why) => why !== undefined),
    look: () =>
      directories.flatMap((directory) => {
        const names = readdirSync(directory).filter((name) => !ownFolder.test(name));
        return names.slice(0, mostEntries).flatMap((name) => sightOfFile(join(directory, name)));
      }),
  };
}

function whyUnreadable(directory: string): string | undefined {
  try {
    const { length } = readdirSync(directory);
    return length > mostEntries ? `${directory} has more than ${mostEntries} entries` : undefined;
  } catch (error) {
    return `${directory} cannot be read: ${(error as Error).message}`;
  }
}

/** A file that is written again is another thing. The time of its last change is that of the system: programs can set the other one. */
function sightOfFile(path: string): Sight[] {
  try {
    const stat = lstatSync(path);
    const [madeMs, sinceMs] = stat.isDirectory()
      ? [stat.birthtimeMs, stat.birthtimeMs]
      : [stat.mtimeMs, stat.ctimeMs];
    return [{ key: `${path} ${stat.ino} ${madeMs}`, what: path, sinceMs }];
  } catch {
    return []; // It is gone.
  }
}

/** Levels of syslog up to errors. */
const errorLevel = 3;
const crash = /segfault at|general protection|traps: |oom-kill|Out of memory|Killed process/;

function kernelCheck(report: CheckReport, device: string): Check {
  let fd: number | undefined;
  const open = (): number => {
    fd ??= openSync(device, constants.O_RDONLY | constants.O_NONBLOCK);
    return fd;
  };
  return {
    ...{ name: 'kernel log', report },
    blind() {
      try {
        closeSync(openSync(device, constants.O_RDONLY | constants.O_NONBLOCK));
        return undefined;
      } catch (error) {
        return `${device} cannot be read: ${(error as Error).message}`;
      }
    },
    look: (running) => recordsFrom(open()).flatMap((record) => sightOfRecord(record, running)),
  };
}

/** The records since the last look. A read of the device gives one of them, and fails where there is none. */
function recordsFrom(fd: number): string[] {
  const records: string[] = [];
  const buffer = Buffer.alloc(8_192);
  for (;;) {
    try {
      const length = readSync(fd, buffer, 0, buffer.length, null);
      if (length === 0) return records;
      records.push(...buffer.toString('utf8', 0, length).split('\n').filter(Boolean));
    } catch (error) {
      // EPIPE: older records were overwritten.
      if ((error as NodeJS.ErrnoException).code !== 'EPIPE') return records;
    }
  }
}

function sightOfRecord(record: string, running: readonly CheckedAttempt[]): Sight[] {
  const [, level, sequence, text = ''] = /^(\d+),(\d+),[^;]*;(.*)$/.exec(record) ?? [];
  if (level === undefined || (Number(level) % 8 > errorLevel && !crash.test(text))) return [];
  const pids = [...text.matchAll(/\[(\d+)\]|process (\d+)/gi)].map(([, first, second]) =>
    Number(first ?? second),
  );
  const owner = running.find(({ pid }) => pid !== undefined && pids.includes(pid));
  return [{ key: String(sequence), what: text, tasks: owner && [owner.path], isEvent: true }];
}

/** `core`, `core.PID`, `NAME.core`, and what a pattern with more makes of them. */
const coreName = /^(?:.+\.core|core|core\..*\d)$/;
const coredumpFolder = '/var/lib/systemd/coredump';

/** A pattern that begins with a pipe names a program; that of systemd keeps dumps in its folder. */
function coreCheck(report: CheckReport, patternFile: string): Check {
  let read: string | undefined;
  const pattern = (): string => {
    read ??= readFileSync(patternFile, 'utf8').trim();
    return read;
  };
  const folderOfSystem = (): string | undefined => {
    const text = pattern();
    if (text.startsWith('|')) return coredumpFolder;
    return text.startsWith('/') ? dirname(text) : undefined;
  };
  return {
    ...{ name: 'core dumps', report, isDated: true },
    blind() {
      try {
        const text = pattern();
        return text.startsWith('|') && !text.includes('systemd-coredump')
          ? `core dumps go to the program ${text.slice(1).split(' ')[0]}`
          : undefined;
      } catch (error) {
        return (error as Error).message;
      }
    },
    look(running) {
      const system = folderOfSystem();
      const folders = new Set([...(system === undefined ? [] : [system]), ...running.map(({ cwd }) => cwd)]);
      return [...folders].flatMap((folder) => (folder === undefined ? [] : coresIn(folder, system, running)));
    },
  };
}

function coresIn(folder: string, system: string | undefined, running: readonly CheckedAttempt[]): Sight[] {
  try {
    const names = readdirSync(folder).filter((name) => folder === system || coreName.test(name));
    const inside = running.filter(({ cwd }) => cwd === folder);
    return names.flatMap((name) => {
      const owner = running.find(({ pid }) => pid !== undefined && new RegExp(`\\b${pid}\\b`).test(name));
      const tasks = owner !== undefined ? [owner] : folder === system ? undefined : inside;
      return sightOfFile(join(folder, name)).map((sight) => ({
        ...sight,
        what: `core dump ${sight.what}`,
        tasks: tasks?.map(({ path }) => path),
      }));
    });
  } catch {
    return []; // The folder is gone, or there are no dumps yet.
  }
}
