/** The metadata of Kyua tests: the properties of Kyuafiles and of ATF test cases, and what they require of the machine. Knows no programs. */
import { tmpdir } from 'node:os';
import { isAbsolute } from 'node:path';
import type { Facts } from '@pexen/core';
import { type Condition, known } from '../conditions/needs.ts';

/** The properties that were stated. Sets are lists of words. */
export interface KyuaMetadata {
  readonly allowed_architectures?: readonly string[];
  readonly allowed_platforms?: readonly string[];
  readonly description?: string;
  readonly execenv?: string;
  readonly execenv_jail_params?: string;
  readonly has_cleanup?: boolean;
  readonly is_exclusive?: boolean;
  readonly required_configs?: readonly string[];
  /** Bytes. */
  readonly required_disk_space?: number;
  readonly required_files?: readonly string[];
  readonly required_kmods?: readonly string[];
  /** Bytes. */
  readonly required_memory?: number;
  readonly required_programs?: readonly string[];
  readonly required_user?: string;
  /** Seconds. */
  readonly timeout?: number;
}

/** A property that is not known, or has a wrong value. */
export class MetadataError extends Error {
  /** The name that is not known. */
  readonly unknown: string | undefined;

  constructor(message: string, unknown?: string) {
    super(message);
    this.unknown = unknown;
  }
}

type Read = (value: string) => string | number | boolean | readonly string[] | undefined;

const words: Read = (value) => value.split(/\s+/).filter((word) => word !== '');
const paths: Read = (value) => {
  const all = words(value) as readonly string[];
  return all.every((path) => isAbsolute(path) || !path.includes('/')) ? all : undefined;
};
const text: Read = (value) => value;
const flag: Read = (value) => ({ true: true, yes: true, false: false, no: false })[value.toLowerCase()];
const user: Read = (value) => (['', 'root', 'unprivileged'].includes(value) ? value : undefined);
const seconds: Read = (value) => (/^\d+$/.test(value) ? Number(value) : undefined);
const units: Readonly<Record<string, number>> = { '': 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };
const bytes: Read = (value) => {
  const [, count, unit = ''] = /^(\d+(?:\.\d+)?)([kmgt]?)$/i.exec(value) ?? [];
  return count === undefined ? undefined : Math.floor(Number(count) * (units[unit.toLowerCase()] ?? 1));
};

const reads: { readonly [Name in keyof KyuaMetadata]-?: Read } = {
  allowed_architectures: words,
  allowed_platforms: words,
  description: text,
  execenv: text,
  execenv_jail_params: text,
  has_cleanup: flag,
  is_exclusive: flag,
  required_configs: words,
  required_disk_space: bytes,
  required_files: paths,
  required_kmods: words,
  required_memory: bytes,
  required_programs: paths,
  required_user: user,
  timeout: seconds,
};

/** The names of all properties but `custom.*`. */
export const properties: readonly string[] = Object.keys(reads);

/** Reads properties by the names that Kyuafiles use. @throws MetadataError */
export function metadataOf(entries: Iterable<readonly [name: string, value: string]>): KyuaMetadata {
  const metadata: Record<string, ReturnType<Read>> = {};
  for (const [name, value] of entries) {
    if (name.startsWith('custom.')) continue;
    const read = reads[name as keyof KyuaMetadata];
    if (!Object.hasOwn(reads, name)) throw new MetadataError(`there is no metadata property "${name}"`, name);
    const got = read(value);
    if (got === undefined) throw new MetadataError(`the metadata property ${name} cannot be "${value}"`);
    metadata[name] = got;
  }
  return metadata;
}

/** The names of properties in the lists of ATF test programs. */
const atfNames: Readonly<Record<string, keyof KyuaMetadata>> = {
  descr: 'description',
  'has.cleanup': 'has_cleanup',
  'require.arch': 'allowed_architectures',
  execenv: 'execenv',
  'execenv.jail.params': 'execenv_jail_params',
  'is.exclusive': 'is_exclusive',
  'require.config': 'required_configs',
  'require.diskspace': 'required_disk_space',
  'require.files': 'required_files',
  'require.kmods': 'required_kmods',
  'require.machine': 'allowed_platforms',
  'require.memory': 'required_memory',
  'require.progs': 'required_programs',
  'require.user': 'required_user',
  timeout: 'timeout',
};

/** Reads properties by the names that ATF test programs use. @throws MetadataError */
export function metadataOfAtf(entries: Iterable<readonly [name: string, value: string]>): KyuaMetadata {
  const own: [string, string][] = [];
  for (const [name, value] of entries) {
    if (name.startsWith('X-')) continue;
    const property = Object.hasOwn(atfNames, name) ? atfNames[name] : undefined;
    if (property === undefined)
      throw new MetadataError(`Unknown test case metadata property '${name}'`, name);
    own.push([property, value]);
  }
  return metadataOf(own);
}

/** What requirements are compared with, besides the facts of the machine. */
export interface KyuaConfiguration {
  /** Undefined: that of the machine, by any of its names. */
  readonly architecture: string | undefined;
  readonly platform: string | undefined;
  readonly unprivilegedUser: string | undefined;
  /** The variables of the test suite. */
  readonly variables: Readonly<Record<string, string>>;
}

/** The condition under which a test runs; undefined where it requires nothing. The reason is the first requirement that is not met, in Kyua's words. */
export function requirementsOf(
  metadata: KyuaMetadata,
  configuration: KyuaConfiguration,
): Condition | undefined {
  const checks = requirements.filter(({ property }) => metadata[property] !== undefined);
  if (checks.length === 0) return undefined;
  return (facts) => {
    for (const { property, missing } of checks) {
      const reason = missing(metadata[property] as never, facts, configuration);
      if (reason !== undefined) return reason;
    }
    return true;
  };
}

interface Requirement<Value> {
  readonly property: keyof KyuaMetadata;
  /** Why it is not met. */
  readonly missing: (wanted: Value, facts: Facts, configuration: KyuaConfiguration) => string | undefined;
}

/** In the order in which Kyua checks them. */
const requirements: readonly Requirement<never>[] = [
  {
    property: 'required_configs',
    missing: (names: readonly string[], _, { variables, unprivilegedUser }) => {
      const isSet = (name: string): boolean =>
        /^unprivileged[-_]user$/.test(name) ? unprivilegedUser !== undefined : Object.hasOwn(variables, name);
      const name = names.find((each) => !isSet(each));
      return name && `Required configuration property '${name}' not defined`;
    },
  },
  {
    property: 'allowed_architectures',
    missing: (names: readonly string[], facts, { architecture }) =>
      unsupported('architecture', names, facts, architecture),
  },
  {
    property: 'execenv',
    missing: (name: string) =>
      name === '' || name === 'host'
        ? undefined
        : `'${name}' execenv is not supported or not allowed by the runtime user configuration`,
  },
  {
    property: 'allowed_platforms',
    missing: (names: readonly string[], facts, { platform }) =>
      unsupported('platform', names, facts, platform),
  },
  {
    property: 'required_user',
    missing: (wanted: string, facts, { unprivilegedUser }) => {
      const { isRoot } = known(facts, 'user');
      if (wanted === 'root' && !isRoot) return 'Requires root privileges';
      return wanted === 'unprivileged' && isRoot && unprivilegedUser === undefined
        ? 'Requires an unprivileged user but the unprivileged-user configuration variable is not defined'
        : undefined;
    },
  },
  {
    property: 'required_files',
    missing: (files: readonly string[], facts) => {
      const file = files.find((each) => !known(facts, 'hasFile')(each));
      return file && `Required file '${file}' not found`;
    },
  },
  {
    property: 'required_programs',
    missing: (programs: readonly string[], facts) => {
      const program = programs.find(
        (each) => !known(facts, isAbsolute(each) ? 'hasFile' : 'hasProgram')(each),
      );
      return program && `Required program '${program}' not found${isAbsolute(program) ? '' : ' in PATH'}`;
    },
  },
  {
    property: 'required_kmods',
    missing: (modules: readonly string[], facts) => {
      const module = modules.find((each) => !known(facts, 'hasKernelModule')(each));
      return module && `Required kernel module '${module}' not loaded`;
    },
  },
  {
    property: 'required_memory',
    missing: (least: number, facts) => {
      const bytesOfMachine = known(facts, 'memory').totalMb * 2 ** 20;
      return bytesOfMachine >= least ? undefined : lessThan(least, bytesOfMachine, 'physical memory');
    },
  },
  {
    property: 'required_disk_space',
    missing: (least: number, facts) => {
      const free = known(facts, 'disk')(tmpdir()).freeMb * 2 ** 20;
      return free >= least ? undefined : lessThan(least, free, 'free disk space');
    },
  },
];

/** The names of architectures that systems use, by that of Node. */
const names: Readonly<Record<string, readonly string[]>> = {
  x64: ['x86_64', 'amd64'],
  arm64: ['aarch64', 'arm64'],
  ia32: ['i386', 'i686'],
};

function unsupported(
  what: 'architecture' | 'platform',
  allowed: readonly string[],
  facts: Facts,
  configured: string | undefined,
): string | undefined {
  if (allowed.length === 0) return undefined;
  const arch = known(facts, 'arch');
  const own = configured === undefined ? (names[arch] ?? [arch]) : [configured];
  return own.some((name) => allowed.includes(name)) ? undefined : `Current ${what} '${own[0]}' not supported`;
}

function lessThan(least: number, available: number, what: string): string {
  return `Requires ${shownBytes(least)} bytes of ${what} but only ${shownBytes(available)} available`;
}

function shownBytes(count: number): string {
  const unit = (['t', 'g', 'm', 'k'] as const).find((each) => count >= (units[each] ?? 1));
  return unit === undefined
    ? String(count)
    : `${(count / (units[unit] ?? 1)).toFixed(2)}${unit.toUpperCase()}`;
}
