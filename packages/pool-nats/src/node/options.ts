/** The options of a node, with every default filled in. */
import { availableParallelism, hostname } from 'node:os';
import { type NodeProperties, refuse } from '@pexen/core';
import {
  anyText,
  callable,
  isA,
  isRecord,
  type Kind,
  type KindsOf,
  listOf,
  optionProblems,
  text,
  whole,
} from '@pexen/core/options';
import { type RemoteOptions, type RemoteSettings, remoteSettingsOf } from '@pexen/pool-process/remote';
import { cacheFolder } from '../cache.ts';
import { serverKinds, token } from '../options.ts';
import type { ServerOptions } from '../transport.ts';
import { isScalar, probeName, propertyName } from './properties.ts';

/** Options of `startNode`. */
export interface NodeOptions extends ServerOptions {
  /** The pool to which the node belongs. Default `default`. */
  readonly pool?: string;
  /** The name of the node for people. Default: the name of the machine. */
  readonly name?: string;
  /** What is special about it: `{ arch: 'arm64' }`. Pools and tasks can ask for nodes with certain labels. */
  readonly labels?: Readonly<Record<string, string>>;
  /** The same with values of any kind, under names with dots: `{ 'memory.totalMb': 512 }`. */
  readonly properties?: NodeProperties;
  /**
   * Commands for `sh` that find out what it has: `{ kvm: 'test -w /dev/kvm' }`. Where one succeeds, the node has the property `has.kvm`, and what it
   * printed is the value of `kvm`; an object as JSON has several values below `kvm`. They run when the agent starts, and when `pexen nodes --probe` asks.
   */
  readonly probes?: Readonly<Record<string, string>>;
  /** How many attempts run at the same time. Default: the number of available cores. */
  readonly slots?: number;
  /** Only modules in these folders are loaded. Default: the working directory. */
  readonly roots?: readonly string[];
  /** Where files are kept that runs bring along. Default: `~/.cache/pexen/runs`. */
  readonly cache?: string;
  /** Options of the worker processes, as in `processes`. */
  readonly processes?: RemoteOptions;
  /** Called with a line about each thing that happens. */
  readonly log?: (line: string) => void;
}

/** The options with every default filled in. */
export interface NodeSettings {
  readonly pool: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly properties: NodeProperties;
  readonly probes: Readonly<Record<string, string>>;
  readonly slots: number;
  readonly roots: readonly string[];
  readonly cache: string;
  readonly remote: RemoteSettings;
  readonly log: (line: string) => void;
  readonly server: ServerOptions;
}

/** An object with such names and values. */
const named = (pattern: RegExp, be: string, kind: Kind): Kind =>
  isA(`an object with ${be}`, (value) => {
    if (!isRecord(value)) return false;
    return Object.entries(value).every(([name, each]) => pattern.test(name) && kind(each, []).length === 0);
  });

const scalar = isA('a text, a number or a boolean', isScalar);

const kinds: KindsOf<NodeOptions> = {
  ...serverKinds,
  pool: token,
  name: token,
  labels: named(propertyName, 'names such as "arch" or "memory.totalMb", and texts', anyText),
  properties: named(propertyName, 'names such as "memory.totalMb", and texts, numbers or booleans', scalar),
  probes: named(probeName, 'names such as "kvm", and commands', text),
  slots: whole(1),
  roots: listOf('folders', anyText),
  cache: text,
  processes: () => [], // Checked where they are read.
  log: callable(),
};

/** @throws PexenError PEXEN_BAD_OPTION with all problems. */
export function nodeSettingsOf(options: NodeOptions): NodeSettings {
  refuse(optionProblems('startNode', options, kinds));
  const {
    pool = 'default',
    name = ownName(),
    labels = {},
    properties = {},
    probes = {},
    slots = availableParallelism(),
    roots = [process.cwd()],
    cache = cacheFolder('runs'),
    processes = {},
    log = () => {},
    ...server
  } = options;
  const remote = remoteSettingsOf(processes);
  return { pool, name, labels, properties, probes, slots, roots, cache, remote, log, server };
}

/** The name of the machine, as a token. */
function ownName(): string {
  return (
    hostname()
      .replaceAll(/[^A-Za-z0-9_-]/g, '-')
      .slice(0, 64) || 'node'
  );
}
