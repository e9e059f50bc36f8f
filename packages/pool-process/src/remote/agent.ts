/**
 * The program of a remote slot: runs attempts for its host as a pool with one worker does, so that killing and
 * sweeping happen on the machine of the processes and by a user who may do that.
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
  type OutcomeEnvelope,
  SlotEngine,
  type ThrownWire,
} from '@pexen/pool-kit';
import { CreditedSender } from '@pexen/pool-kit/worker';
import { Channel } from '../channel.ts';
import { greeting } from '../codec.ts';
import { ProcessConnector } from '../process-pool.ts';
import { ForwardedAssignment } from '../serialized-work.ts';
import { agentVersion, type FromAgent, type ToAgent } from './agent-connection.ts';

const channel = new Channel(0, 1);

function send(message: FromAgent): void {
  channel.send(message);
}

class AgentSide {
  readonly #tickets = new Map<number, AgentTicket>();
  #pool: Pool | undefined;
  /** The first attempts come together with the greeting, and must not reach a pool that is still opening. */
  #opened: Promise<void> = Promise.resolve();

  start(): void {
    channel.write(greeting);
    channel.listen(
      (message) => this.#hear(message as ToAgent),
      () => void this.#close('kill'),
    );
    send({ is: 'ready', version: agentVersion });
  }

  #hear(message: ToAgent): void {
    switch (message.do) {
      case 'hello':
        this.#open(message);
        break;
      case 'run':
        void this.#run(message);
        break;
      case 'abort':
        this.#tickets.get(message.id)?.abort(message.reason);
        break;
      case 'credit':
        this.#tickets.get(message.id)?.updates.credited();
        break;
      case 'close':
        void this.#close(message.how);
        break;
      default:
        message satisfies never;
    }
  }

  #open({ settings, slot, cwd, recordsModules, marker }: Extract<ToAgent, { do: 'hello' }>): void {
    try {
      process.chdir(cwd);
    } catch {
      // The other machine has no such directory; modules are found by their URLs anyway.
    }
    const connector = new ProcessConnector(
      { ...settings, workers: 1, launcher: [], outputFile: undefined },
      { firstSlot: slot, outerMarker: marker },
    );
    const pool = new SlotEngine(connector);
    this.#pool = pool;
    this.#opened = pool.open({
      slotsChanged: () => {},
      wantsModules: recordsModules,
      workerLost: (worker, reason) => send({ is: 'lost', worker, reason }),
      workerGone: (worker, reason) => send({ is: 'gone', worker, reason }),
      lateError: (worker, tasks, error) =>
        send({ is: 'late', worker, error: { tasks, error: encodeThrown(error) } }),
    });
  }

  async #run({ id, work, graceMs, isHasty }: Extract<ToAgent, { do: 'run' }>): Promise<void> {
    const ticket = new AgentTicket(id);
    this.#tickets.set(id, ticket);
    const assignment = new ForwardedAssignment(work, graceMs, isHasty);
    await this.#opened;
    const running = this.#pool?.run(assignment, ticket);
    const outcome = isThenable(running) ? await running : running;
    this.#tickets.delete(id);
    ticket.updates.flush();
    const wire: OutcomeEnvelope =
      outcome === undefined
        ? { kind: 'not-started', reason: 'the agent received no assignment for it' }
        : encodeOutcome(withoutPromise(outcome), assignment.path);
    send({ is: 'ended', id, outcome: wire });
  }

  /** The process exits even if something of the pool is left. */
  async #close(how: 'drain' | 'kill'): Promise<void> {
    await this.#pool?.close(how);
    process.exit(0);
  }
}

/** The host cannot get the promise of an abandoned body. */
function withoutPromise(outcome: PoolOutcome): PoolOutcome {
  if (outcome.kind !== 'stopped' || outcome.how !== 'abandoned') return outcome;
  const { settled: _, ...rest } = outcome;
  return rest;
}

/** Passes the reports of an attempt on, as fast as the host processes them. */
class AgentTicket implements Ticket {
  readonly updates: CreditedSender;
  readonly #id: number;
  readonly #controller = new AbortController();

  constructor(id: number) {
    this.#id = id;
    this.updates = new CreditedSender({ send: (updates) => send({ is: 'updates', id, updates }) });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  started(worker: string): void {
    send({ is: 'started', id: this.#id, worker });
  }

  ready(facts: ReadyFacts): void {
    send({ is: 'service-ready', id: this.#id, facts });
  }

  report(update: TaskUpdate): void {
    this.updates.send(update);
  }

  abort(reason: ThrownWire): void {
    this.#controller.abort(decodeThrown(reason, 'host'));
  }
}

// Reads messages on stdin and answers on stdout. No user code runs in this process.

new AgentSide().start();
