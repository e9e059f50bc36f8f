/** The options of a node, with every default filled in. */
import { availableParallelism, hostname } from 'node:os';
import { refuse } from '@pexen/core';
import { anyText, callable, type KindsOf, listOf, optionProblems, whole } from '@pexen/core/options';
import { type RemoteOptions, type RemoteSettings, remoteSettingsOf } from '@pexen/pool-process/remote';
import { labels as labelsKind, serverKinds, token } from '../options.ts';
import type { ServerOptions } from '../transport.ts';

/** Options of `startNode`. */
export interface NodeOptions extends ServerOptions {
  /** The pool to which the node belongs. Default `default`. */
  readonly pool?: string;
  /** The name of the node for people. Default: the name of the machine. */
  readonly name?: string;
  /** What is special about it: `{ arch: 'arm64' }`. Pools can ask for nodes with certain labels. */
  readonly labels?: Readonly<Record<string, string>>;
  /** How many attempts run at the same time. Default: the number of available cores. */
  readonly slots?: number;
  /** Only modules in these folders are loaded. Default: the working directory. */
  readonly roots?: readonly string[];
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
  readonly slots: number;
  readonly roots: readonly string[];
  readonly remote: RemoteSettings;
  readonly log: (line: string) => void;
  readonly server: ServerOptions;
}

const kinds: KindsOf<NodeOptions> = {
  ...serverKinds,
  pool: token,
  name: token,
  labels: labelsKind,
  slots: whole(1),
  roots: listOf('folders', anyText),
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
    slots = availableParallelism(),
    roots = [process.cwd()],
    processes = {},
    log = () => {},
    ...server
  } = options;
  return { pool, name, labels, slots, roots, remote: remoteSettingsOf(processes), log, server };
}

/** The name of the machine, as a token. */
function ownName(): string {
  return (
    hostname()
      .replaceAll(/[^A-Za-z0-9_-]/g, '-')
      .slice(0, 64) || 'node'
  );
}
