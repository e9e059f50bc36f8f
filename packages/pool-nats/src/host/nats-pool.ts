/** The pool: a connector on the slot engine whose workers are the slots of nodes. */
import type { Assignment, LeftAttempt, Pool, PoolManifest } from '@pexen/core';
import {
  type Connection,
  type ConnectionEvents,
  type Connector,
  type ConnectorContext,
  SlotEngine,
  type WorkKind,
} from '@pexen/pool-kit';
import { agentTimeouts } from '@pexen/pool-process/remote';
import { type NatsOptions, type Settings, settingsOf, withEnvironment } from '../options.ts';
import { Fleet, type Wires } from './fleet.ts';

/**
 * A pool of machines that are reached over NATS. On each of them runs an agent: `pexen node`. An attempt is accepted by a node or not started: nothing
 * waits in the network. A node that cannot be reached ends what it runs by itself, before its locks are released.
 *
 * @throws PexenError PEXEN_BAD_OPTION
 * @example
 * export default defineSuite({ from: { … }, pool: () => nats({ servers: 'nats://hub:4222', pool: 'lab' }) });
 */
export function nats(options: NatsOptions = {}): Pool {
  return natsPool(settingsOf(withEnvironment(options, process.env)));
}

/** The pool, with packets that pass through `wires`. */
export function natsPool(settings: Settings, wires?: Wires): Pool {
  return new SlotEngine(new NatsConnector(settings, wires), { clock: settings.clock });
}

const manifest: PoolManifest = {
  name: 'nats',
  kills: true,
  transport: 'clone',
  closures: false,
  executables: true,
  services: true,
  nodes: 'open',
  adopts: true,
};

class NatsConnector implements Connector {
  readonly manifest: PoolManifest;
  /** Nodes bring slots when they join. */
  readonly slots = 0;
  readonly connectsAtOpen = true;
  readonly startHint = 'Look at the agent on that node.';
  /** A connection waits for a node for as long as there is none. */
  readonly timeouts = { ...agentTimeouts, connectMs: Number.POSITIVE_INFINITY, takeUpMs: 60_000 };
  readonly #settings: Settings;
  readonly #wires: Wires | undefined;
  #fleet: Fleet | undefined;

  constructor(settings: Settings, wires: Wires | undefined) {
    this.#settings = settings;
    const { leaseMs, endingMs } = settings.timing;
    this.manifest = { ...manifest, outlivesMs: leaseMs + endingMs };
    this.#wires = wires;
  }

  async open(context: ConnectorContext): Promise<void> {
    this.#fleet = new Fleet(this.#settings, context, this.#wires);
    await this.#fleet.open();
  }

  connect(_slot: number, events: ConnectionEvents): Connection {
    return (this.#fleet as Fleet).connect(events);
  }

  connectService(_service: number, events: ConnectionEvents, _kind: WorkKind, node?: string): Connection {
    return (this.#fleet as Fleet).connectService(events, node);
  }

  connectLeft(left: LeftAttempt, events: ConnectionEvents): Connection {
    return (this.#fleet as Fleet).connectLeft(left, events);
  }

  async dismissLeft(left: readonly LeftAttempt[]): Promise<void> {
    await this.#fleet?.dismissLeft(left);
  }

  settled(assignment: Assignment): void {
    this.#fleet?.settled(assignment);
  }

  closing(): void {
    this.#fleet?.closing();
  }

  async close(): Promise<void> {
    await this.#fleet?.close();
    this.#fleet = undefined;
  }
}
