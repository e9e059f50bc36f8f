/**
 * Connections between runs over a network that may lose messages: messages are numbered, and a connection from which one is missing ends. Each side says
 * now and then how far it is, so that the other one notices. Knows nothing of what the messages say.
 */
import type { Clock } from '@pexen/core';
import { startTicking } from '@pexen/core/timers';
import type { FromTable, Link, ToTable } from '../protocol/messages.ts';

/** Receives what happens to connections. */
export interface MessageLinksListener {
  received(link: Link, message: ToTable | FromTable): void;
  closed(link: Link): void;
}

/** How often each side says how far it is; after how many times of silence the connection ends. */
const signMs = 1_000;
const longestSilence = 5;
/** How long the other side may take to accept a connection, ms. */
const acceptMs = 2_000;
/** The most characters of one packet: a third of what servers take by default, since a character may take three bytes. */
const longestPacket = 300_000;

/** Between two runs. `link`: the name of the connection, which the run that dials makes up. */
type Packet = { readonly from: string; readonly link: string } & (
  | { readonly is: 'open' | 'opened' | 'close' }
  /** `more`: the text goes on in the next one. */
  | { readonly is: 'text'; readonly number: number; readonly text: string; readonly more: boolean }
  /** So many texts were sent so far. */
  | { readonly is: 'sign'; readonly number: number }
);

interface Line {
  readonly name: string;
  readonly other: string;
  readonly link: Link;
  sent: number;
  received: number;
  text: string;
  /** So many times of silence. */
  silence: number;
  /** It was dialed, and is not accepted yet. */
  accepted: ((isThere: boolean) => void) | undefined;
}

export class MessageLinks {
  readonly #run: string;
  readonly #send: (run: string, text: string) => void;
  readonly #listener: MessageLinksListener;
  readonly #clock: Clock;
  readonly #lines = new Map<string, Line>();
  readonly #names = new Map<Link, string>();
  readonly #stopTicking: () => void;
  #last = 0;

  constructor(
    run: string,
    send: (run: string, text: string) => void,
    listener: MessageLinksListener,
    clock: Clock,
  ) {
    this.#run = run;
    this.#send = send;
    this.#listener = listener;
    this.#clock = clock;
    this.#stopTicking = startTicking(clock, signMs, () => this.#giveSigns());
  }

  /** Resolves to a connection, or to undefined if the run does not answer. */
  async dial(run: string): Promise<Link | undefined> {
    const line = this.#open(run, `${this.#run}-${this.#last + 1}`);
    const isThere = await new Promise<boolean>((resolve) => {
      const cancel = this.#clock.after(acceptMs, () => resolve(false), { keepsAlive: false });
      line.accepted = (is) => {
        cancel();
        resolve(is);
      };
      this.#packet(line, { is: 'open' });
    });
    line.accepted = undefined;
    if (isThere && this.#lines.get(line.name) === line) return line.link;
    this.#forget(line);
    return undefined;
  }

  send(link: Link, message: ToTable | FromTable): void {
    const line = this.#lines.get(this.#names.get(link) ?? '');
    if (line === undefined) return;
    const whole = JSON.stringify(message);
    for (let at = 0; at < whole.length; at += longestPacket) {
      const text = whole.slice(at, at + longestPacket);
      this.#packet(line, { is: 'text', number: ++line.sent, text, more: at + text.length < whole.length });
    }
  }

  /** Its end is not reported. */
  close(link: Link): void {
    const line = this.#lines.get(this.#names.get(link) ?? '');
    if (line === undefined) return;
    this.#packet(line, { is: 'close' });
    this.#forget(line);
  }

  /** Messages may be lost: all connections end. */
  closeAll(): void {
    for (const line of [...this.#lines.values()]) this.#break(line);
  }

  end(): void {
    this.#stopTicking();
    for (const line of this.#lines.values()) this.#packet(line, { is: 'close' });
    this.#lines.clear();
  }

  /** A message of another run. What cannot be read is nothing that a run has sent. */
  received(text: string): void {
    const packet = readPacket(text);
    if (packet === undefined) return;
    const line = this.#lines.get(packet.link);
    if (packet.is === 'open') this.#accept(packet.from, packet.link);
    else if (line !== undefined && line.other === packet.from) this.#take(line, packet);
    else if (packet.is !== 'close') this.#refuse(packet);
  }

  #take(line: Line, packet: Packet): void {
    line.silence = 0;
    switch (packet.is) {
      case 'opened':
        line.accepted?.(true);
        break;
      case 'close':
        this.#gone(line);
        break;
      case 'sign':
        if (packet.number !== line.received) this.#break(line);
        break;
      case 'text':
        this.#takeText(line, packet);
        break;
      case 'open':
        break;
      default:
        packet satisfies never;
    }
  }

  #takeText(line: Line, { number, text, more }: Packet & { readonly is: 'text' }): void {
    if (number !== line.received + 1) {
      this.#break(line);
      return;
    }
    line.received = number;
    line.text += text;
    if (more) return;
    const whole = line.text;
    line.text = '';
    this.#listener.received(line.link, JSON.parse(whole) as ToTable | FromTable);
  }

  #accept(from: string, name: string): void {
    if (this.#lines.has(name)) return;
    this.#packet(this.#open(from, name), { is: 'opened' });
  }

  /** The other side takes for open what this one has closed. */
  #refuse({ from, link }: Packet): void {
    this.#send(from, JSON.stringify({ from: this.#run, link, is: 'close' } satisfies Packet));
  }

  #open(other: string, name: string): Line {
    const link = ++this.#last;
    const counts = { sent: 0, received: 0, silence: 0 };
    const line: Line = { name, other, link, ...counts, text: '', accepted: undefined };
    this.#lines.set(name, line);
    this.#names.set(link, name);
    return line;
  }

  #giveSigns(): void {
    for (const line of [...this.#lines.values()])
      if (++line.silence > longestSilence) this.#break(line);
      else if (line.accepted === undefined) this.#packet(line, { is: 'sign', number: line.sent });
  }

  #break(line: Line): void {
    this.#packet(line, { is: 'close' });
    this.#gone(line);
  }

  #gone(line: Line): void {
    this.#forget(line);
    if (line.accepted === undefined) this.#listener.closed(line.link);
    else line.accepted(false);
  }

  #forget(line: Line): void {
    this.#lines.delete(line.name);
    this.#names.delete(line.link);
  }

  #packet({ name, other }: Line, what: WithoutEnds<Packet>): void {
    this.#send(other, JSON.stringify({ from: this.#run, link: name, ...what }));
  }
}

type WithoutEnds<T> = T extends unknown ? Omit<T, 'from' | 'link'> : never;

const kinds = ['open', 'opened', 'close', 'text', 'sign'];

function readPacket(text: string): Packet | undefined {
  try {
    const packet = JSON.parse(text) as Packet;
    const { from, link, is } = packet;
    return typeof from === 'string' && typeof link === 'string' && kinds.includes(is) ? packet : undefined;
  } catch {
    return undefined;
  }
}
