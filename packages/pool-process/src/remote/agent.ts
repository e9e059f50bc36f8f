/** The program behind a launcher: a remote slot whose host speaks to it through its stdin and stdout. */
import { Channel } from '../channel.ts';
import { greeting } from '../codec.ts';
import { agentVersion, type FromAgent, type ToAgent } from './agent-connection.ts';
import { RemoteSlot } from './remote-slot.ts';

const channel = new Channel(0, 1);

function send(message: FromAgent): void {
  channel.send(message);
}

class AgentSide {
  #slot: RemoteSlot | undefined;

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
        if (this.#slot !== undefined) void this.#slot.run(message);
        break;
      case 'abort':
        this.#slot?.abort(message.id, message.reason);
        break;
      case 'credit':
        this.#slot?.credited(message.id);
        break;
      case 'close':
        void this.#close(message.how);
        break;
      default:
        message satisfies never;
    }
  }

  #open({ cwd, ...options }: Extract<ToAgent, { do: 'hello' }>): void {
    try {
      process.chdir(cwd);
    } catch {
      // The other machine has no such directory; modules are found by their URLs anyway.
    }
    this.#slot = new RemoteSlot(options, send);
  }

  /** The process exits even if something of the slot is left. */
  async #close(how: 'drain' | 'kill'): Promise<void> {
    await this.#slot?.close(how);
    process.exit(0);
  }
}

// Reads messages on stdin and answers on stdout. No user code runs in this process.

new AgentSide().start();
