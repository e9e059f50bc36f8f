/** A pool of processes: the connector that gives each slot its workers, its programs, or its agent behind a launcher. */
import type { Pool, PoolManifest } from '@pexen/core';
import {
  type Clock,
  type Connection,
  type ConnectionEvents,
  type Connector,
  type ConnectorContext,
  SlotEngine,
  systemClock,
  type Timeouts,
  type WorkKind,
} from '@pexen/pool-kit';
import { AgentConnection, agentTimeouts } from './agent-connection.ts';
import { capacityFor } from './capacity.ts';
import { type ProcessesOptions, type Settings, settingsOf } from './options.ts';
import { hasProc, roomLeft } from './platform.ts';
import { PoolResources } from './pool-resources.ts';
import { noSweep, unsupportedSystem } from './problems.ts';
import { abandonedAfterMs, ProgramConnection } from './program-connection.ts';
import { WorkerConnection } from './worker-connection.ts';

/**
 * A pool of processes: programs, each in a group of its own, and bodies in worker processes that are used again. What hangs
 * is killed, with all that came of it.
 *
 * @throws PexenError PEXEN_BAD_OPTION
 * @example
 * for await (const result of run(tasks, { pool: processes({ workers: 4 }) })) …
 */
export function processes(options: ProcessesOptions = {}): Pool {
  const { clock = systemClock } = options;
  return new SlotEngine(new ProcessConnector(settingsOf(options), { clock, checksLimits: true }), { clock });
}

/** What a connector is given besides its settings. */
interface Surroundings {
  readonly clock?: Clock;
  /** The number of the first slot. */
  readonly firstSlot?: number;
  /** Looks for the limits of the system before it opens. */
  readonly checksLimits?: boolean;
}

export class ProcessConnector implements Connector {
  readonly manifest: PoolManifest = {
    name: 'processes',
    kills: true,
    transport: 'clone',
    closures: false,
    executables: true,
  };
  readonly slots: number;
  readonly startHint = 'Look at the options loader, execArgv, env, launcher and memoryLimitMb of the pool.';
  readonly timeouts: Partial<Timeouts>;
  readonly #settings: Settings;
  readonly #clock: Clock;
  readonly #firstSlot: number;
  readonly #checksLimits: boolean;
  #resources: PoolResources | undefined;
  #warn: ConnectorContext['warn'] = () => {};

  constructor(
    settings: Settings,
    { clock = systemClock, firstSlot = 0, checksLimits = false }: Surroundings = {},
  ) {
    this.#settings = settings;
    this.#clock = clock;
    this.#firstSlot = firstSlot;
    this.#checksLimits = checksLimits;
    this.slots = settings.workers;
    this.timeouts = settings.launcher.length > 0 ? agentTimeouts : { stuckMs: abandonedAfterMs };
  }

  /** Fewer slots than asked for where the limits of the system are low. Throws PEXEN_LIMIT_TOO_LOW, PEXEN_WINDOWS. */
  open(context: ConnectorContext): void {
    if (process.platform === 'win32') throw unsupportedSystem();
    this.#warn = context.warn;
    const workers = this.#checkLimits(context);
    this.#resources = new PoolResources({ ...this.#settings, workers }, this.#clock);
  }

  connect(slot: number, events: ConnectionEvents, kind: WorkKind): Connection {
    const resources = this.#resources as PoolResources;
    const number = this.#firstSlot + slot;
    if (this.#settings.launcher.length > 0) return new AgentConnection(number, resources, events);
    if (kind === 'program') return new ProgramConnection(number, resources, events);
    return new WorkerConnection(number, resources, events);
  }

  async close(): Promise<void> {
    const left = await this.#resources?.release();
    this.#resources = undefined;
    if (left !== undefined) this.#warn(left);
  }

  /** What runs behind a launcher has limits of its own. */
  #checkLimits({ warn, slotsChanged }: ConnectorContext): number {
    const { launcher, workers } = this.#settings;
    if (!this.#checksLimits || launcher.length > 0) return workers;
    const { slots, warning } = capacityFor(workers, roomLeft());
    if (warning !== undefined) warn(warning);
    if (!hasProc()) warn(noSweep());
    if (slots !== workers) slotsChanged(slots);
    return slots;
  }
}
