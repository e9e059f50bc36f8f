/** Locks of the cluster: the options, and what they are made of here. */
import { hostname } from 'node:os';
import { type Clock, type RunLocks, refuse } from '@pexen/core';
import {
  byName,
  clock,
  flaw,
  type Kind,
  type KindsOf,
  listOf,
  number,
  optionProblems,
  text,
  whole,
} from '@pexen/core/options';
import { systemClock } from '@pexen/core/timers';
import { clusterLocksOver } from '@pexen/run-locks/cluster';
import { LeaseClock } from '../node/clock.ts';
import { serverKinds, token, withEnvironment } from '../options.ts';
import type { ServerOptions } from '../transport.ts';
import { LockGuard } from './lock-guard.ts';
import { connectLocks } from './nats-network.ts';

/** Options of `clusterLocks`. */
export interface ClusterLocksOptions extends ServerOptions {
  /** The resources that all runs share, by names and patterns, as for `machineLocks`. */
  readonly resources: readonly string[];
  /** How many units there are of resources among these. All runs have to state the same. */
  readonly capacities?: Readonly<Record<string, number>> | undefined;
  /** Runs of the same pool share locks: up to 64 letters, digits, `-` and `_`. Default `default`. */
  readonly pool?: string;
  /** A run that does not reach the server for so long has lost what it holds, ms. All runs have to state the same. Default 10,000. */
  readonly leaseMs?: number;
  /** How long what runs with lost locks may take to end, ms; then the run is killed. All runs have to state the same. Default 5,000. */
  readonly endingMs?: number;
  /** Default `systemClock`. */
  readonly clock?: Clock | undefined;
}

const capacity: Kind = (value, at) =>
  number(0)(value, at).length === 0 && value !== 0 ? [] : [flaw(at, 'must be a number above 0')];
const kinds: KindsOf<ClusterLocksOptions> = {
  ...serverKinds,
  resources: listOf('names and patterns of resources', text, "Write resources: ['/dev/gpu', '/srv/**']."),
  capacities: byName(capacity),
  pool: token,
  leaseMs: whole(500),
  endingMs: whole(500),
  clock,
};

/**
 * Locks for the option `runLocks` of `run`: runs on all machines that reach the server hold the resources by the same rules as the tasks of one run do. The
 * server has to keep data (JetStream).
 *
 * @throws PexenError PEXEN_BAD_OPTION
 * @example
 * run(tasks, { runLocks: clusterLocks({ servers: 'tls://hub:4222', resources: ['/lab/**'] }) });
 */
export function clusterLocks(options: ClusterLocksOptions): RunLocks {
  refuse(optionProblems('clusterLocks', options, kinds, ['resources']));
  const {
    resources,
    capacities = {},
    pool = 'default',
    leaseMs = 10_000,
    endingMs = 5_000,
    ...rest
  } = options;
  const { clock: given = systemClock, ...server } = withEnvironment(rest, process.env);
  const lease = new LeaseClock();
  return clusterLocksOver({
    ...{ resources, capacities, timing: { leaseMs, endingMs } },
    connect: (run, listener) => connectLocks(server, pool, run, listener),
    guard: ({ runId }) => new LockGuard(server, pool, runId),
    ...{ clock: given, leaseNow: () => lease.now() },
    label: `the run in ${process.cwd()} on ${hostname()} (process ${process.pid})`,
  });
}
