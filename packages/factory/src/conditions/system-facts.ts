/** Reads the standard facts from the machine. Each is determined when it is first read, and then stays as it is. */
import { dirname, isAbsolute, join, resolve } from 'node:path';
import type { DiskFacts, Facts, OsFacts, StandardFacts } from '@pexen/core';
import { type Machine, thisMachine } from './machine.ts';

/** Options of `systemFacts`. */
export interface SystemFactsOptions {
  /** Where relative paths start. Default: the working directory. */
  readonly root?: string;
}

/**
 * The facts about this machine that every suite has, for a run of your own.
 *
 * @example
 * run(tasks, { facts: systemFacts() })
 */
export function systemFacts({ root = process.cwd() }: SystemFactsOptions = {}): Facts {
  return factsOf(thisMachine, root);
}

/** The facts about a machine. */
export function factsOf(machine: Machine, root: string): Facts {
  const { platform, arch } = machine;
  return lazily<StandardFacts>({
    platform: () => platform,
    arch: () => arch,
    ci: () => isSet(machine.env.CI),
    os: () => osOf(machine),
    kernel: () => machine.kernel(),
    user: () => ({
      name: machine.userName(),
      uid: machine.uid,
      gid: machine.gid,
      isRoot: machine.uid === 0,
    }),
    memory: () => memoryOf(machine),
    cpus: () => machine.cpus,
    container: () => containerOf(machine),
    env: () => ({ ...machine.env }),
    disk: () => (path) => diskOf(machine, resolve(root, path)),
    hasProgram: () => (name) => hasProgram(machine, name),
    hasFile: () => (path) => machine.exists(resolve(root, path)),
    hasKernelModule: () => kernelModulesOf(machine),
  }) as Facts;
}

/** An object whose entries are computed when they are first read. */
function lazily<T extends object>(makers: { readonly [K in keyof T]: () => T[K] }): T {
  const lazy = {} as T;
  for (const name of Object.keys(makers) as (keyof T & string)[]) {
    let known: { readonly value: T[typeof name] } | undefined;
    const get = (): T[typeof name] => {
      known ??= { value: makers[name]() };
      return known.value;
    };
    Object.defineProperty(lazy, name, { get, enumerable: true });
  }
  return lazy;
}

/** As libraries read `CI`: `CI=false` and `CI=` are none. */
function isSet(variable: string | undefined): boolean {
  return variable !== undefined && variable !== '' && variable !== 'false' && variable !== '0';
}

const mebibyte = 1024 * 1024;

function memoryOf(machine: Machine): { readonly totalMb: number; readonly availableMb: number } {
  const { total, available, limit } = machine.memory();
  // A container without a limit reports 0, or more than there is.
  const most = limit > 0 ? Math.min(limit, total) : total;
  return { totalMb: inMebibytes(most), availableMb: inMebibytes(Math.min(available, most)) };
}

function inMebibytes(bytes: number): number {
  return Math.floor(bytes / mebibyte);
}

/** The directory above is on the same file system, unless something will be mounted there. */
function diskOf(machine: Machine, path: string): DiskFacts {
  let existing = path;
  while (!machine.exists(existing) && existing !== dirname(existing)) existing = dirname(existing);
  const { total, free } = machine.room(existing) ?? { total: 0, free: 0 };
  return { totalMb: inMebibytes(total), freeMb: inMebibytes(free) };
}

function hasProgram(machine: Machine, name: string): boolean {
  if (isAbsolute(name)) return machine.isExecutable(name);
  if (name === '' || name.includes('/')) return false;
  const folders = (machine.env.PATH ?? '').split(':').filter((each) => each !== '');
  return folders.some((folder) => machine.isExecutable(join(folder, name)));
}

const unknownOs: OsFacts = { id: '', version: '', like: [] };

function osOf(machine: Machine): OsFacts {
  switch (machine.platform) {
    case 'linux':
      return linuxOf(machine.text('/etc/os-release') ?? machine.text('/usr/lib/os-release') ?? '');
    case 'darwin':
      return { ...unknownOs, id: 'macos', version: macVersion(machine) };
    default:
      return { ...unknownOs, id: machine.platform, version: machine.kernel().release };
  }
}

/** os-release(5): lines `NAME=value`, the value perhaps in quotes. */
function linuxOf(text: string): OsFacts {
  const entries = new Map(
    [...text.matchAll(/^([A-Z_]+)=(["']?)(.*?)\2\s*$/gm)].map(([, name = '', , value = '']) => [name, value]),
  );
  const like = (entries.get('ID_LIKE') ?? '').split(' ').filter((each) => each !== '');
  return { id: entries.get('ID') ?? 'linux', version: entries.get('VERSION_ID') ?? '', like };
}

function macVersion(machine: Machine): string {
  const text = machine.text('/System/Library/CoreServices/SystemVersion.plist') ?? '';
  return /<key>ProductVersion<\/key>\s*<string>([^<]*)</.exec(text)?.[1] ?? '';
}

/** The marks that container engines leave, surest first. */
function containerOf(machine: Machine): string {
  if (machine.platform !== 'linux') return '';
  if (machine.env.KUBERNETES_SERVICE_HOST !== undefined) return 'kubernetes';
  if (machine.exists('/.dockerenv')) return 'docker';
  if (machine.exists('/run/.containerenv')) return 'podman';
  // systemd writes the engine's variable here, since only root can read the environment of process 1.
  const engine = machine.env.container ?? machine.text('/run/systemd/container')?.trim();
  return engine ?? '';
}

/** In names of modules, `-` and `_` are the same. */
function kernelModulesOf(machine: Machine): (name: string) => boolean {
  let builtIn: ReadonlySet<string> | undefined;
  let loaded: ReadonlySet<string> | undefined;
  return (name) => {
    if (machine.platform !== 'linux' || !/^[\w-]+$/.test(name)) return false;
    const wanted = underscored(name);
    loaded ??= new Set(firstWords(machine.text('/proc/modules')));
    if (loaded.has(wanted) || machine.exists(`/sys/module/${wanted}`)) return true;
    builtIn ??= new Set(
      firstWords(machine.text(`/lib/modules/${machine.kernel().release}/modules.builtin`)).map(moduleName),
    );
    return builtIn.has(wanted);
  };
}

function firstWords(text = ''): string[] {
  return text.split('\n').map((line) => line.split(' ', 1)[0] ?? '');
}

/** `kernel/fs/overlayfs/overlay.ko` → `overlay`. */
function moduleName(path: string): string {
  return underscored(path.slice(path.lastIndexOf('/') + 1).replace(/\.ko(?:\.\w+)?$/, ''));
}

function underscored(name: string): string {
  return name.replaceAll('-', '_');
}
