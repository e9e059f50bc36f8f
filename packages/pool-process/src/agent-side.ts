/**
 * A slot somewhere else: does what its host says with the same means as a pool of one worker would, so that killing and
 * sweeping happen where the processes are, and by the user who may.
 */
import type { News, Ticket } from '@pexen/core';
import { decodeThrown, encodeThrown, type ThrownWire } from '@pexen/pool-kit';
import { NewsValve } from '@pexen/pool-kit/worker';
import { agentVersion, type FromAgent, type ToAgent } from './agent-messages.ts';
import { Channel } from './channel.ts';
import { systemClock } from './clock.ts';
import { greeting } from './codec.ts';
import { House } from './house.ts';
import { Job } from './job.ts';

const channel = new Channel(0, 1);

function say(message: FromAgent): void {
  channel.say(message);
}

export class AgentSide {
  readonly #tickets = new Map<number, AgentTicket>();
  #house: House | undefined;

  begin(): void {
    channel.write(greeting);
    channel.listen(
      (message) => this.#hear(message as ToAgent),
      () => void this.#close('kill'),
    );
    say({ is: 'ready', version: agentVersion });
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
        this.#tickets.get(message.id)?.valve.credited();
        break;
      case 'close':
        void this.#close(message.how);
        break;
      default:
        message satisfies never;
    }
  }

  #open({ settings, slot, cwd }: Extract<ToAgent, { do: 'hello' }>): void {
    try {
      process.chdir(cwd);
    } catch {
      // The other machine has no such directory; modules are found by their URLs all the same.
    }
    const lost = (worker: string, reason: string): void => say({ is: 'lost', worker, reason });
    const gone = (worker: string, reason: string): void => say({ is: 'gone', worker, reason });
    const late = (worker: string, tasks: readonly string[], error: unknown): void =>
      say({ is: 'late', worker, error: { tasks, error: encodeThrown(error) } });
    this.#house = new House(
      { ...settings, workers: 1, launcher: [] },
      { lost, gone, late, clock: systemClock, firstSlot: slot },
    );
  }

  async #run({ id, order }: Extract<ToAgent, { do: 'run' }>): Promise<void> {
    const ticket = new AgentTicket(id);
    this.#tickets.set(id, ticket);
    const outcome = await this.#house?.run(new Job(order, ticket));
    this.#tickets.delete(id);
    ticket.valve.flush();
    say({
      is: 'ended',
      id,
      outcome: outcome ?? { kind: 'not-started', reason: 'the agent was not told how to run it' },
    });
  }

  /** Whatever is left then is no concern of ours any more. */
  async #close(how: 'drain' | 'kill'): Promise<void> {
    await this.#house?.close(how);
    process.exit(0);
  }
}

/** Hands on what is told, as fast as the host takes it. */
class AgentTicket implements Ticket {
  readonly valve: NewsValve;
  readonly #id: number;
  readonly #controller = new AbortController();

  constructor(id: number) {
    this.#id = id;
    this.valve = new NewsValve({ send: (news) => say({ is: 'news', id, news }) });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  started(worker: string): void {
    say({ is: 'started', id: this.#id, worker });
  }

  tell(news: News): void {
    this.valve.tell(news);
  }

  abort(reason: ThrownWire): void {
    this.#controller.abort(decodeThrown(reason, 'host'));
  }
}
