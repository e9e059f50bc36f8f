/** The options of the pool, with every default filled in. */
import { type NodePredicate, refuse } from '@pexen/core';
import {
  callable,
  clock,
  flag,
  isA,
  isRecord,
  type KindsOf,
  listOf,
  optionProblems,
  table,
  text,
  whole,
} from '@pexen/core/options';
import type { Clock } from '@pexen/pool-kit';
import { systemClock } from '@pexen/pool-kit';
import type { ProcessesOptions } from '@pexen/pool-process/remote';
import type { BundleOptions } from './host/bundle.ts';
import type { Timing } from './protocol/messages.ts';
import { tokenPattern } from './subjects.ts';
import type { ServerOptions } from './transport.ts';

/** Options of `nats`. */
export interface NatsOptions extends ServerOptions {
  /** Nodes and schedulers of the same pool find each other: up to 64 letters, digits, `-` and `_`. Default `default`. */
  readonly pool?: string;
  /** Only nodes that have all these labels, with these values. Default: all nodes of the pool. */
  readonly labels?: Readonly<Record<string, string>>;
  /**
   * Only these nodes: as the `on` of tasks, for the pool as a whole. A condition on their properties, `arch=arm64 && has=kvm`, or a function that returns
   * true for them. Default: all nodes of the pool.
   */
  readonly on?: string | NodePredicate;
  /** Nodes whose files are not those of the run are not used. Default true; `false` where they are meant to be different. */
  readonly checkCode?: boolean;
  /**
   * Brings the files of the suite along: nodes need no checkout. `true`: what git tracks, and what it neither tracks nor ignores; or patterns. Default: nodes have
   * the files at the same place.
   */
  readonly bundle?: boolean | BundleOptions;
  /** The run starts when so many nodes work for it; others may join later. Default 1. */
  readonly nodes?: number;
  /** How long to wait for these nodes, ms. Default 60,000. */
  readonly waitMs?: number;
  /** A node says that it is alive so often, ms. After three times that in silence, nothing further is sent to it. Default 2,000. */
  readonly heartbeatMs?: number;
  /** A node that hears nothing of the run for so long ends what it runs, ms. Default 30,000. */
  readonly leaseMs?: number;
  /** How long a node may take to end what it runs once its lease is over, ms. Default 10,000. */
  readonly endingMs?: number;
  /**
   * Called for an output of a program that is longer than what is kept in memory of it, 4 MiB: names a file, to which the node sends all that it has, in five
   * seconds at the most. Default: only what is kept in memory is returned.
   */
  readonly outputFile?: NonNullable<ProcessesOptions['outputFile']>;
  /** A scripted clock for tests. Default: the real time. */
  readonly clock?: Clock;
}

/** The options with every default filled in. */
export interface Settings {
  readonly pool: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly on: string | NodePredicate;
  readonly checkCode: boolean;
  readonly bundle: BundleOptions | undefined;
  readonly nodes: number;
  readonly waitMs: number;
  readonly timing: Timing;
  readonly outputFile: ProcessesOptions['outputFile'];
  readonly clock: Clock;
  readonly server: ServerOptions;
}

/** A token of a subject. */
export const token = isA('up to 64 letters, digits, "-" and "_"', (value) => {
  return typeof value === 'string' && tokenPattern.test(value);
});

/** Texts by names. */
const labels = isA('an object with strings', (value) => {
  return isRecord(value) && Object.values(value).every((each) => typeof each === 'string');
});

const addresses = isA('an address or several', (value) => {
  const all = Array.isArray(value) ? value : [value];
  return all.length > 0 && all.every((each) => typeof each === 'string' && each !== '');
});

/** The kinds of the options that pools and nodes share. */
export const serverKinds: KindsOf<ServerOptions> = {
  servers: addresses,
  token: text,
  user: text,
  password: text,
  nkey: text,
  creds: text,
  tls: table({ ca: text, cert: text, key: text }),
  insecure: flag,
};

const bundleKinds = table({ files: listOf('patterns', text), install: text });
const flagOrBundle = isA('true, false or { files, install }', (value) => typeof value === 'boolean');

const kinds: KindsOf<NatsOptions> = {
  ...serverKinds,
  pool: token,
  labels,
  on: isA('a condition on nodes, such as "arch=arm64 && has=kvm", or a function', (value) => {
    return typeof value === 'function' || (typeof value === 'string' && value.trim() !== '');
  }),
  checkCode: flag,
  bundle: (value, path) => (isRecord(value) ? bundleKinds(value, path) : flagOrBundle(value, path)),
  nodes: whole(1),
  waitMs: whole(0),
  heartbeatMs: whole(10),
  leaseMs: whole(100),
  endingMs: whole(100),
  outputFile: callable(),
  clock,
};

/**
 * The options, and what they do not say about the server from the environment: `PEXEN_NATS_SERVERS`, `PEXEN_NATS_NKEY`, `PEXEN_NATS_CREDS`,
 * `PEXEN_NATS_TOKEN`, `PEXEN_NATS_USER`, `PEXEN_NATS_PASSWORD`, and `PEXEN_NATS_TLS_CA`, `…_CERT` and `…_KEY`.
 */
export function withEnvironment<T extends ServerOptions>(
  options: T,
  env: Readonly<Record<string, string | undefined>>,
): T {
  const given = (names: readonly string[], group: string): Record<string, string> =>
    Object.fromEntries(
      names.flatMap((name) => {
        const value = env[`PEXEN_NATS_${group}${name.toUpperCase()}`];
        return value === undefined || value === '' ? [] : [[name, value]];
      }),
    );
  const tls = given(['ca', 'cert', 'key'], 'TLS_');
  return {
    ...given(['servers', 'nkey', 'creds', 'token', 'user', 'password'], ''),
    ...(Object.keys(tls).length > 0 && { tls }),
    ...options,
  };
}

/** @throws PexenError PEXEN_BAD_OPTION with all problems. */
export function settingsOf(options: NatsOptions): Settings {
  refuse(optionProblems('nats', options, kinds));
  const {
    pool = 'default',
    labels: wanted = {},
    on = () => true,
    checkCode = true,
    bundle: brought = false,
    nodes = 1,
    waitMs = 60_000,
    heartbeatMs = 2_000,
    leaseMs = 30_000,
    endingMs = 10_000,
    outputFile,
    clock: given = systemClock,
    ...server
  } = options;
  const timing = { heartbeatMs, leaseMs, endingMs };
  const bundle = typeof brought === 'object' ? brought : brought ? {} : undefined;
  return {
    pool,
    labels: wanted,
    on,
    checkCode,
    bundle,
    nodes,
    waitMs,
    timing,
    outputFile,
    clock: given,
    server,
  };
}
