/** Asks the nodes of a pool what they are. Runs nothing there but their probes. */
import { randomBytes } from 'node:crypto';
import { type NodeProperties, refuse } from '@pexen/core';
import { flag, optionProblems, whole } from '@pexen/core/options';
import { systemClock } from '@pexen/pool-kit';
import { decodePacket, encodePacket } from '../codec.ts';
import { serverKinds, token } from '../options.ts';
import { isHello } from '../packet-checks.ts';
import type { Hello, Question } from '../protocol/messages.ts';
import { Subjects } from '../subjects.ts';
import { connectTransport, type ServerOptions, type Transport } from '../transport.ts';

/** Options of `findNodes`. */
export interface FindNodesOptions extends ServerOptions {
  /** The pool whose nodes are asked. Default `default`. */
  readonly pool?: string;
  /** They run their probes first. Default false. */
  readonly probe?: boolean;
  /** How long to wait for nodes, ms: how many there are is not known. Default 500. */
  readonly waitMs?: number;
}

/** A node as it says that it is. */
export interface FoundNode {
  readonly name: string;
  readonly state: 'free' | 'busy' | 'draining';
  readonly slots: number;
  readonly properties: NodeProperties;
}

/** So long the probes of nodes may take, ms: a little more than one may take. */
const probesMs = 12_000;

/**
 * The nodes of a pool that answer, in the order of their names.
 * @throws PexenError PEXEN_BAD_OPTION, PEXEN_NATS_PLAINTEXT, PEXEN_NATS_KEY_FILE, PEXEN_NATS_CONNECT, PEXEN_NATS_DENIED
 */
export async function findNodes(options: FindNodesOptions = {}): Promise<readonly FoundNode[]> {
  const kinds = { ...serverKinds, pool: token, probe: flag, waitMs: whole(0) };
  refuse(optionProblems('findNodes', options, kinds));
  const { pool = 'default', probe = false, waitMs = 500, ...server } = options;
  const transport = await connectTransport(server, 'pexen nodes');
  try {
    const question = new Asking(transport, new Subjects(pool));
    await transport.flush();
    const names = await question.ask({ probe: false }, waitMs);
    if (probe) await question.ask({ probe: true }, probesMs, names.length);
    return question.answers;
  } finally {
    await transport.close();
  }
}

class Asking {
  readonly #transport: Transport;
  readonly #subjects: Subjects;
  /** By the id of the start of their agent. */
  readonly #found = new Map<string, Hello>();
  #listener = (_: Hello): void => {};

  constructor(transport: Transport, subjects: Subjects) {
    this.#transport = transport;
    this.#subjects = subjects;
    transport.subscribe(subjects.hello('*'), ({ subject, bytes }) => {
      const hello = decodePacket(bytes);
      if (isHello(hello) && hello.name === subjects.nameIn(subject)) this.#listener(hello);
    });
  }

  get answers(): readonly FoundNode[] {
    return [...this.#found.values()]
      .map(({ name, state, slots, properties }) => ({ name, state, slots, properties }))
      .sort((one, other) => (one.name < other.name ? -1 : 1));
  }

  /** Resolves with the ids of those that answered, when so many have, or when the time is over. */
  async ask({ probe }: { probe: boolean }, waitMs: number, most = Infinity): Promise<readonly string[]> {
    const id = randomBytes(9).toString('base64url');
    const answered = new Set<string>();
    const over = Promise.withResolvers<void>();
    this.#listener = (hello) => {
      this.#found.set(hello.node, hello);
      if (hello.answers !== id) return;
      answered.add(hello.node);
      if (answered.size >= most) over.resolve();
    };
    if (most === 0) return [];
    const cancel = systemClock.after(waitMs, () => over.resolve());
    const question: Question = { id, probe };
    this.#transport.publish(this.#subjects.ask, encodePacket(question));
    await over.promise;
    cancel();
    return [...answered];
  }
}
