/**
 * A slot that runs attempts for a host elsewhere, as a pool with one worker does: so killing and sweeping happen on the machine of the
 * processes and by a user who may do that. Knows no transport: it gets the host's messages by its methods, and sends its own by a function.
 */
import {
  isThenable,
  type Pool,
  type PoolOutcome,
  type ReadyFacts,
  type TaskUpdate,
  type Ticket,
} from '@pexen/core';
import {
  decodeThrown,
  encodeOutcome,
  encodeThrown,
  SlotEngine,
  systemClock,
  type ThrownWire,
} from '@pexen/pool-kit';
import { CreditedSender } from '@pexen/pool-kit/worker';
import { type OutputSink, type ProcessesOptions, type Settings, settingsOf } from '../options.ts';
import { ProcessConnector } from '../process-pool.ts';
import { ForwardedAssignment } from '../serialized-work.ts';
import type { RemoteAttempt, RemoteReport, RemoteSettings } from './messages.ts';
import { OutputSender } from './output-sender.ts';

/** How a remote slot is set up. */
export interface RemoteSlotOptions {
  readonly settings: RemoteSettings;
  /** Its number, as `$PEXEN_SLOT` shows it. */
  readonly slot: number;
  /** The process marker of what it is part of. Default: that of this process. */
  readonly marker?: string | undefined;
  /** The working directory of its workers. Default: that of this process. */
  readonly cwd?: string | undefined;
  /** Outcomes are to carry the modules that its workers load. */
  readonly recordsModules: boolean;
  /** Outputs of programs that are too long for outcomes are to be sent. Default false. */
  readonly sendsOutput?: boolean | undefined;
  /** Called once when nothing can run in it (any more). From then on attempts end as `not-started`. Default: each has the error as its outcome. */
  readonly unusable?: ((error: unknown) => void) | undefined;
}

/**
 * The settings of remote slots, from options of `processes`.
 * @throws PexenError PEXEN_BAD_OPTION
 */
export function remoteSettingsOf(options: RemoteOptions): RemoteSettings {
  const { workers: _, launcher: __, hosts: ___, outputFile: ____, ...settings } = settingsOf(options);
  return settings;
}

/** The options of `processes` that a remote slot has. */
export type RemoteOptions = Omit<
  ProcessesOptions,
  'workers' | 'launcher' | 'hosts' | 'node' | 'outputFile' | 'clock'
>;

/** One slot that runs attempts for a host elsewhere. */
export class RemoteSlot {
  readonly #send: (report: RemoteReport) => void;
  readonly #tickets = new Map<number, RemoteTicket>();
  readonly #pool: Pool;
  /** The first orders may come at once, and must not reach a pool that is still opening. */
  readonly #opened: Promise<void>;
  #isOpen = false;
  readonly #unusable: ((error: unknown) => void) | undefined;
  /** Why nothing can run in it. */
  #failure: unknown;

  /** Opens its pool at once; `send` is not called before this has returned. */
  constructor(
    { settings, slot, marker, cwd, recordsModules, sendsOutput = false, unusable }: RemoteSlotOptions,
    send: RemoteSlot['report'],
  ) {
    this.#send = send;
    this.#unusable = unusable;
    const outputFile: Settings['outputFile'] = sendsOutput ? (...of) => this.#sinkFor(...of) : undefined;
    const connector = new ProcessConnector(
      { ...settings, workers: 1, launcher: [], hosts: [], outputFile },
      { firstSlot: slot, cwd, ...(marker !== undefined && { outerMarker: marker }) },
    );
    this.#pool = new SlotEngine(connector);
    this.#opened = this.#pool.open({
      slotsChanged: () => {},
      wantsModules: recordsModules,
      workerLost: (worker, reason) => send({ is: 'lost', worker, reason }),
      workerGone: (worker, reason) => send({ is: 'gone', worker, reason }),
      lateError: (worker, tasks, error) =>
        send({ is: 'late', worker, error: { tasks, error: encodeThrown(error) } }),
      failed: (error) => this.#fail(error),
    });
    this.#opened.then(
      () => {
        this.#isOpen = true;
      },
      (error: unknown) => this.#fail(error),
    );
  }

  #fail(error: unknown): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.#unusable?.(error);
  }

  /** Reports to the host. */
  report(report: RemoteReport): void {
    this.#send(report);
  }

  /** Runs the attempt after those that came before; `started`, `updates` and `ended` are reported. */
  async run({ id, work, graceMs, isHasty }: RemoteAttempt): Promise<void> {
    const assignment = new ForwardedAssignment(work, graceMs, isHasty);
    const ticket = new RemoteTicket(id, assignment, this);
    this.#tickets.set(id, ticket);
    const outcome = await this.#outcomeOf(assignment, ticket);
    this.#tickets.delete(id);
    ticket.flush();
    const isNeverRun = this.#unusable !== undefined && ticket.isRefused && isThrown(outcome, this.#failure);
    if (ticket.isRefused && !isNeverRun) ticket.sayStarted('none');
    const ended = isNeverRun ? neverRun : withoutPromise(outcome);
    this.report({ is: 'ended', id, outcome: encodeOutcome(ended, assignment.path) });
  }

  #sinkFor(path: string, attempt: number, stream: 'stdout' | 'stderr'): OutputSink | undefined {
    for (const ticket of this.#tickets.values())
      if (ticket.isOf(path, attempt)) return ticket.sinkFor(stream);
    return undefined;
  }

  async #outcomeOf(assignment: ForwardedAssignment, ticket: RemoteTicket): Promise<PoolOutcome> {
    try {
      if (!this.#isOpen) await this.#opened;
    } catch (error) {
      ticket.started('none');
      return { kind: 'threw', error };
    }
    const running = this.#pool.run(assignment, ticket);
    return isThenable(running) ? await running : running;
  }

  /** Asks the attempt to stop, and ends it by force after its grace period. */
  abort(id: number, reason: ThrownWire): void {
    this.#tickets.get(id)?.abort(reason);
  }

  /** The host has processed a batch of updates of this attempt. */
  credited(id: number): void {
    this.#tickets.get(id)?.credited();
  }

  /** Returns what has not started: each such attempt ends as `not-started`. */
  reclaim(): void {
    if (this.#isOpen) this.#pool.reclaim?.();
    else void this.#opened.then(() => this.#pool.reclaim?.()).catch(() => {});
  }

  /** Kills its attempt, or lets it end; resolves when all its processes are gone and everything was reported. */
  async close(how: 'drain' | 'kill'): Promise<void> {
    if (!this.#isOpen) await this.#opened.catch(() => {});
    if (how === 'kill') for (const ticket of this.#tickets.values()) ticket.stopOutput();
    await this.#pool.close(how);
  }
}

const neverRun: PoolOutcome = { kind: 'not-started', reason: 'nothing can run in its slot' };

function isThrown(outcome: PoolOutcome, error: unknown): boolean {
  return outcome.kind === 'threw' && error !== undefined && outcome.error === error;
}

/** The host cannot get the promise of an abandoned body. */
function withoutPromise(outcome: PoolOutcome): PoolOutcome {
  if (outcome.kind !== 'stopped' || outcome.how !== 'abandoned') return outcome;
  const { settled: _, ...rest } = outcome;
  return rest;
}

/** Passes the reports of an attempt on, as fast as the host processes them. Most attempts report no update and are not stopped. */
class RemoteTicket implements Ticket {
  readonly #id: number;
  readonly #assignment: ForwardedAssignment;
  readonly #slot: RemoteSlot;
  /** What was sent and not credited, in order. Credits may come in another order: then they are exchanged. */
  readonly #uncredited: (CreditedSender | OutputSender)[] = [];
  #output: OutputSender | undefined;
  #mayNotSend = false;
  /** It is said to have started where no worker has got it. */
  isRefused = false;
  #updates: CreditedSender | undefined;
  #controller: AbortController | undefined;

  constructor(id: number, assignment: ForwardedAssignment, slot: RemoteSlot) {
    this.#id = id;
    this.#assignment = assignment;
    this.#slot = slot;
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    return this.#controller.signal;
  }

  /** `none` is reported with the outcome, if at all. */
  started(worker: string): void {
    this.isRefused = worker === 'none';
    if (!this.isRefused) this.sayStarted(worker);
  }

  sayStarted(worker: string): void {
    this.#slot.report({ is: 'started', id: this.#id, worker });
  }

  ready(facts: ReadyFacts): void {
    this.#slot.report({ is: 'service-ready', id: this.#id, facts });
  }

  report(update: TaskUpdate): void {
    const send = (updates: readonly TaskUpdate[]): void => {
      this.#uncredited.push(sender);
      this.#slot.report({ is: 'updates', id: this.#id, updates });
    };
    const sender = this.#updates ?? new CreditedSender({ send });
    this.#updates = sender;
    sender.send(update);
  }

  isOf(path: string, attempt: number): boolean {
    return this.#assignment.path === path && this.#assignment.attempt === attempt;
  }

  /** Takes the whole output of a program that has ended. */
  sinkFor(stream: 'stdout' | 'stderr'): OutputSink | undefined {
    if (this.#mayNotSend) return undefined;
    const output = new OutputSender({ id: this.#id, stream }, systemClock, (chunk) => {
      this.#uncredited.push(output);
      this.#slot.report(chunk);
    });
    this.#output = output;
    if (this.#controller?.signal.aborted === true) output.hurry();
    return output;
  }

  /** The slot is being ended: its host may not be there any more. */
  stopOutput(): void {
    this.#mayNotSend = true;
    this.#output?.failed();
  }

  credited(): void {
    this.#uncredited.shift()?.credited();
  }

  /** Reports what is held back. */
  flush(): void {
    this.#updates?.flush();
  }

  abort(reason: ThrownWire): void {
    this.#controller ??= new AbortController();
    this.#controller.abort(decodeThrown(reason, 'host'));
    this.#output?.hurry();
  }
}
