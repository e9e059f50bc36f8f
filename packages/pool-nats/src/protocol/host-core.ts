/**
 * The scheduler's side of all its nodes, as a synchronous machine: which nodes it asks to work for it, and its sessions with them. Of two schedulers
 * of one run the later one wins, node by node. Knows no NATS and no attempts.
 */
import { type HostEffect, HostSession } from './host-session.ts';
import type { Codec, FromNode, Hello, NodeOrder, Timing } from './messages.ts';

/** An effect of a session. */
export type FleetEffect = HostEffect & { readonly session: string; readonly hello: Hello };

/** What a scheduler is. */
export interface HostOptions {
  /** The id of this scheduler: a single token. */
  readonly host: string;
  readonly run: string;
  /** Higher than that of every earlier session of the run. Read when a node joins: it may be known only then. */
  readonly epoch: number;
  /** Which session of its journal it is. */
  readonly number: number;
  readonly timing: Timing;
  readonly codec: Codec;
  /** Is this node wanted? Asked for each greeting of a node that is free. */
  readonly accepts: (hello: Hello) => boolean;
}

interface Member {
  readonly hello: Hello;
  readonly session: HostSession;
}

export class HostCore {
  readonly #options: HostOptions;
  readonly #members = new Map<string, Member>();
  #isClosing = false;
  #count = 0;

  constructor(options: HostOptions) {
    this.#options = options;
  }

  /** How many sessions are not over. */
  get size(): number {
    return this.#members.size;
  }

  /** The name of the node of this session; '' once it is over. */
  nameOf(session: string): string {
    return this.#members.get(session)?.hello.name ?? '';
  }

  /** When nothing of this session can run any more, if its node sends nothing else. */
  fencedAtMs(session: string): number {
    return this.#members.get(session)?.session.fencedAtMs ?? Number.NEGATIVE_INFINITY;
  }

  /** A node has said what it is. */
  greet(hello: Hello, nowMs: number): FleetEffect[] {
    const ended = this.#endFormer(hello, nowMs);
    if (this.#isClosing || !this.#mayJoin(hello) || !this.#options.accepts(hello)) return ended;
    for (const member of this.#members.values()) if (isOf(member, hello.name, hello.node)) return ended;
    return [...ended, ...this.#join(hello, nowMs)];
  }

  /** What this start of the node says of those before it. */
  #endFormer({ name, former = [] }: Hello, nowMs: number): FleetEffect[] {
    if (former.length === 0) return [];
    return this.#each((member) =>
      former.some((node) => isOf(member, name, node)) ? member.session.succeeded(nowMs) : [],
    );
  }

  /** A packet of a node has come. */
  take(packet: FromNode, nowMs: number): FleetEffect[] {
    const member = this.#members.get(packet.session);
    return member === undefined ? [] : this.#tag(packet.session, member, member.session.take(packet, nowMs));
  }

  /**
   * Adds an order; `flush` sends it.
   * @throws what the codec throws for a value that it cannot carry
   */
  send(session: string, order: NodeOrder): void {
    this.#members.get(session)?.session.send(order);
  }

  flush(nowMs: number): FleetEffect[] {
    return this.#each((member) => member.session.flush(nowMs));
  }

  tick(nowMs: number): FleetEffect[] {
    return this.#each((member) => member.session.tick(nowMs));
  }

  /** No one listens at the address of this start of the node. */
  unreachable(name: string, node: string, nowMs: number): FleetEffect[] {
    return this.#each((member) => (isOf(member, name, node) ? member.session.unreachable(nowMs) : []));
  }

  /** The node of this name cannot be trusted with anything more, for this reason. */
  distrust(name: string, what: string): FleetEffect[] {
    return this.#each(({ session, hello }) => (hello.name === name ? session.distrust(what) : []));
  }

  /** The node of this session is needed no more; `over` follows. */
  leave(session: string): FleetEffect[] {
    const member = this.#members.get(session);
    return member === undefined ? [] : this.#tag(session, member, member.session.leave());
  }

  /** No node is needed any more, and none is asked from now on. */
  close(): FleetEffect[] {
    this.#isClosing = true;
    return this.#each(({ session }) => session.leave());
  }

  /** A node that works for an earlier session of the run is taken over, also one that drains. */
  #mayJoin({ state, works }: Hello): boolean {
    const { run, epoch } = this.#options;
    return state === 'free' || (works !== undefined && works.run === run && works.epoch < epoch);
  }

  #join(hello: Hello, nowMs: number): FleetEffect[] {
    const { host, run, epoch, number, timing, codec } = this.#options;
    const session = `${host}.${hello.node}.${++this.#count}`;
    const options = { session, host, run, epoch, number, node: hello, timing, codec };
    const member: Member = { hello, session: new HostSession(options, nowMs) };
    this.#members.set(session, member);
    return this.#tag(session, member, member.session.start());
  }

  #each(act: (member: Member) => HostEffect[]): FleetEffect[] {
    const effects: FleetEffect[] = [];
    for (const [session, member] of [...this.#members]) {
      const own = act(member);
      if (own.length > 0) effects.push(...this.#tag(session, member, own));
    }
    return effects;
  }

  /** Forgets the session where it is over, and says whose effects they are. */
  #tag(session: string, { hello }: Member, effects: readonly HostEffect[]): FleetEffect[] {
    if (effects.some((effect) => effect.do === 'over')) this.#members.delete(session);
    return effects.map((effect) => ({ ...effect, session, hello }));
  }
}

/** Ids of starts are chosen by the nodes: only together with the name do they stand for one. */
function isOf({ hello }: Member, name: string, node: string): boolean {
  return hello.name === name && hello.node === node;
}
