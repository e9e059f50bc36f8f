/** A pool of processes: the connector that gives each slot its workers, its programs, or its agent behind a launcher. */
import { PexenError, type Pool, type PoolManifest, type Problem } from '@pexen/core';
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
import { type ProcessesOptions, type Settings, settingsOf } from './options.ts';
import { Place } from './place.ts';
import { hasProc, type Room, roomLeft } from './platform.ts';
import { PoolResources } from './pool-resources.ts';
import { noSweep, unsupportedSystem } from './problems.ts';
import { ProcessMarkers } from './process-markers.ts';
import { abandonedAfterMs, ProgramConnection } from './programs/program-connection.ts';
import { AgentConnection } from './remote/agent-connection.ts';
import { agentTimeouts } from './remote/remote-host.ts';
import { WorkerConnection } from './workers/worker-connection.ts';

/**
 * A pool of processes: programs, each in a group of its own, and bodies in worker processes that are reused. A hanging attempt
 * is killed with all its processes.
 *
 * @throws PexenError PEXEN_BAD_OPTION
 * @example
 * for await (const result of run(tasks, { pool: processes({ workers: 4 }) })) …
 */
export function processes(options: ProcessesOptions = {}): Pool {
  const { clock = systemClock } = options;
  return new SlotEngine(new ProcessConnector(settingsOf(options), { clock, checksLimits: true }), { clock });
}

/** Options of a connector besides its settings. */
interface Surroundings {
  readonly clock?: Clock;
  /** The number of the first slot. */
  readonly firstSlot?: number;
  /** Checks the limits of the system when it opens. */
  readonly checksLimits?: boolean;
  /** The marker of what the pool is part of. Default: that of this process. */
  readonly outerMarker?: string;
  /** The working directory of its workers. Default: that of this process. */
  readonly cwd?: string | undefined;
}

export class ProcessConnector implements Connector {
  readonly manifest: PoolManifest = {
    name: 'processes',
    kills: true,
    transport: 'clone',
    closures: false,
    executables: true,
    services: true,
  };
  readonly slots: number;
  readonly startHint = 'Look at the options loader, execArgv, env, launcher and memoryLimitMb of the pool.';
  readonly timeouts: Partial<Timeouts>;
  readonly #settings: Settings;
  readonly #clock: Clock;
  readonly #firstSlot: number;
  readonly #checksLimits: boolean;
  readonly #outerMarker: string | undefined;
  readonly #cwd: string | undefined;
  #resources: PoolResources | undefined;
  #warn: ConnectorContext['warn'] = () => {};

  constructor(
    settings: Settings,
    { clock = systemClock, firstSlot = 0, checksLimits = false, outerMarker, cwd }: Surroundings = {},
  ) {
    this.#settings = settings;
    this.#clock = clock;
    this.#firstSlot = firstSlot;
    this.#checksLimits = checksLimits;
    this.#outerMarker = outerMarker;
    this.#cwd = cwd;
    this.slots = settings.workers;
    this.timeouts = timeoutsOf(settings);
  }

  /** Fewer slots than asked for where the limits of the system are low. Throws PEXEN_LIMIT_TOO_LOW, PEXEN_WINDOWS. */
  open(context: ConnectorContext): void {
    if (process.platform === 'win32') throw unsupportedSystem();
    this.#warn = context.warn;
    const workers = this.#checkLimits(context);
    const markers = new ProcessMarkers(this.#outerMarker, context.runId);
    this.#resources = new PoolResources({ ...this.#settings, workers }, this.#clock, markers, this.#cwd);
  }

  connect(slot: number, events: ConnectionEvents, kind: WorkKind): Connection {
    return this.#connect(new Place(this.#firstSlot + slot, 'slot'), events, kind);
  }

  connectService(service: number, events: ConnectionEvents, kind: WorkKind): Connection {
    return this.#connect(new Place(service, 'service'), events, kind);
  }

  #connect(place: Place, events: ConnectionEvents, kind: WorkKind): Connection {
    const resources = this.#resources as PoolResources;
    if (this.#settings.launcher.length > 0) return new AgentConnection(place, resources, events);
    if (kind === 'program') return new ProgramConnection(place, resources, events);
    return new WorkerConnection(place, resources, events);
  }

  async close(): Promise<void> {
    const left = await this.#resources?.release();
    this.#resources = undefined;
    if (left !== undefined) this.#warn(left);
  }

  /** Processes behind a launcher have limits of their own. */
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

// How many slots the limits of the system allow.

/** What a pool needs besides its slots: its helpers, the pipes of a starting process, and files that modules read. */
const base: Room = { openFiles: 16, processes: 3 };

/** What a slot needs: the files and pipes of a program and of a worker; the threads of a worker, and a program. */
const perSlot: Room = { openFiles: 8, processes: 8 };

/** How many slots are possible, and a warning if they are fewer than requested. */
export interface Capacity {
  readonly slots: number;
  readonly warning?: Problem;
}

/** @throws PexenError PEXEN_LIMIT_TOO_LOW if there is no room for one. */
export function capacityFor(wanted: number, room: Room): Capacity {
  const files = fitting('openFiles', room);
  const processes = fitting('processes', room);
  const slots = Math.min(wanted, files, processes);
  if (slots === wanted) return { slots };
  const { lacking, command } = files <= processes ? openFiles : threads;
  if (slots < 1) {
    const needed =
      files <= processes ? base.openFiles + perSlot.openFiles : base.processes + perSlot.processes;
    const left = Math.max(0, files <= processes ? room.openFiles : room.processes);
    const message = `the system allows too few ${lacking}: ${left} are left, and one worker needs ${needed}`;
    throw new PexenError([{ code: 'PEXEN_LIMIT_TOO_LOW', message, hint: `Raise the limit: ${command}.` }]);
  }
  const message = `runs ${slots} at the same time instead of ${wanted}: the system allows too few ${lacking} for more`;
  return { slots, warning: { code: 'PEXEN_FEWER_SLOTS', message, hint: `Raise the limit: ${command}.` } };
}

/**
 * Checks that processes can run here: the system supports them, and there is room for one worker. Call it before anything else is started,
 * so that a missing feature is reported once.
 * @throws PexenError PEXEN_WINDOWS, PEXEN_LIMIT_TOO_LOW
 */
export function requireSystem(platform: string = process.platform, room: () => Room = roomLeft): void {
  if (platform === 'win32') throw unsupportedSystem();
  capacityFor(1, room());
}

const openFiles = { lacking: 'open files', command: 'ulimit -n 1024' };
const threads = { lacking: 'processes and threads', command: 'ulimit -u 1024' };

function fitting(what: keyof Room, room: Room): number {
  return Math.max(0, Math.floor((room[what] - base[what]) / perSlot[what]));
}

/** A worker that waits for a debugger is not late. */
function timeoutsOf({ launcher, execArgv }: Settings): Partial<Timeouts> {
  const usual = launcher.length > 0 ? agentTimeouts : { stuckMs: abandonedAfterMs };
  const waits = execArgv.some((argument) => /^--inspect-(?:wait|brk)\b/.test(argument));
  return waits ? { ...usual, connectMs: Number.POSITIVE_INFINITY } : usual;
}
