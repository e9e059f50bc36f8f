/**
 * The network between runs that share locks, over NATS: messages are those of NATS, and the store is a stream of JetStream that keeps the last message of each
 * subject. A value changes only if its subject is at the expected message, which the server checks. Uses nothing that servers have only since 2.10.
 */
import type { JetStreamClient, JetStreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { misuse, type PexenError } from '@pexen/core';
import type { ClusterNetwork, NetworkListener, Stored } from '@pexen/run-locks/cluster';
import { Subjects } from '../subjects.ts';
import { connectClient, type ServerOptions } from '../transport.ts';

type Library = typeof import('@nats-io/jetstream');

/** How long the server may take for an answer, ms. */
const timeoutMs = 2_000;

/** What JetStream calls the errors that are answers. */
const wrongLastMessage = 10_071;
const noMessageFound = 10_037;
const notDeleted = 10_057;
const noStream = 10_059;
const notEnabled = [10_039, 10_076];
/** The name of the error where no part of the server listens to orders of JetStream, or to a stream. */
const unheard = 'JetStreamNotEnabled';

/**
 * Connects a run.
 * @throws PexenError PEXEN_NATS_… as any connection, PEXEN_NATS_NO_JETSTREAM
 */
export async function connectLocks(
  options: ServerOptions,
  pool: string,
  run: string,
  listener: NetworkListener,
): Promise<ClusterNetwork> {
  const subjects = new Subjects(pool);
  const connection = await connectClient(options, `pexen locks ${run}`, { inboxPrefix: subjects.locksInbox });
  try {
    const library = await import('@nats-io/jetstream');
    const network = new NatsNetwork(connection, library, subjects);
    await network.open(run, listener);
    return network;
  } catch (error) {
    await connection.close();
    throw error;
  }
}

class NatsNetwork implements ClusterNetwork {
  readonly #connection: NatsConnection;
  readonly #library: Library;
  readonly #subjects: Subjects;
  readonly #client: JetStreamClient;
  #manager: JetStreamManager | undefined;

  constructor(connection: NatsConnection, library: Library, subjects: Subjects) {
    this.#connection = connection;
    this.#library = library;
    this.#subjects = subjects;
    this.#client = library.jetstream(connection, { timeout: timeoutMs });
  }

  async open(run: string, listener: NetworkListener): Promise<void> {
    this.#connection.subscribe(this.#subjects.locksTo(run), {
      callback: (error, message) => {
        if (error === null) listener.received(message.string());
      },
    });
    void this.#follow(listener);
    this.#manager = await this.#library.jetstreamManager(this.#connection, {
      ...{ timeout: timeoutMs, checkAPI: false },
    });
    await this.#makeStore().catch((error: unknown) => {
      throw this.#readable(error);
    });
    await this.#connection.flush();
  }

  async get(key: string): Promise<Stored | undefined> {
    const query = { last_by_subj: this.#subjectOf(key) };
    const found = await this.#ask(({ streams }) => streams.getMessage(this.#stream, query), noMessageFound);
    return found ? { value: found.string(), revision: found.seq } : undefined;
  }

  async put(key: string, value: string, last: number): Promise<number | undefined> {
    const expect = { lastSubjectSequence: last };
    const stored = await this.#ask(
      () => this.#client.publish(this.#subjectOf(key), value, { expect, timeout: timeoutMs, retries: 1 }),
      wrongLastMessage,
    );
    return stored?.seq;
  }

  /** The last message of a subject is the only one that is kept: where another one has taken its place, there is nothing to delete. */
  async remove(_key: string, revision: number): Promise<boolean> {
    const deleted = await this.#ask(
      ({ streams }) => streams.deleteMessage(this.#stream, revision, false),
      ...[noMessageFound, notDeleted],
    );
    return deleted === true;
  }

  async keys(prefix: string): Promise<string[]> {
    const filter = { subjects_filter: this.#subjectOf('>') };
    const found = await this.#ask(({ streams }) => streams.info(this.#stream, filter));
    const start = this.#subjectOf('').length;
    const keys = Object.keys(found?.state.subjects ?? {}).map((subject) => subject.slice(start));
    return keys.filter((key) => key.startsWith(prefix));
  }

  send(run: string, text: string): void {
    const connection = this.#connection;
    if (!connection.isClosed() && !connection.isDraining())
      connection.publish(this.#subjects.locksTo(run), text);
  }

  close(): Promise<void> {
    return this.#connection.close();
  }

  get #stream(): string {
    return this.#subjects.locksStream;
  }

  #subjectOf(key: string): string {
    return `${this.#subjects.locksKept}.${key}`;
  }

  /** An error with one of these codes is an answer: undefined. A store that is not there any more is made again: the server has lost it. */
  async #ask<T>(
    act: (manager: JetStreamManager) => Promise<T>,
    ...answers: number[]
  ): Promise<T | undefined> {
    try {
      return await act(this.#manager as JetStreamManager);
    } catch (error) {
      const code = this.#codeOf(error);
      if (code !== undefined && answers.includes(code)) return undefined;
      if (code === noStream || nameOf(error) === unheard) await this.#makeStore().catch(() => {});
      throw error;
    }
  }

  #codeOf(error: unknown): number | undefined {
    return error instanceof this.#library.JetStreamApiError ? error.code : undefined;
  }

  /** A store that is there stays as it is: the owner of the server may have given it replicas. */
  async #makeStore(): Promise<void> {
    const { streams } = this.#manager as JetStreamManager;
    try {
      await streams.info(this.#stream);
    } catch (error) {
      if (this.#codeOf(error) !== noStream) throw error;
      await streams.add({ name: this.#stream, subjects: [this.#subjectOf('>')], max_msgs_per_subject: 1 });
    }
  }

  #readable(error: unknown): unknown {
    const code = this.#codeOf(error);
    const server = this.#connection.getServer();
    if (nameOf(error) === unheard || (code !== undefined && notEnabled.includes(code)))
      return noJetStream(server);
    const isDenied = [error, (error as Error).cause].some(
      (each) => nameOf(each) === 'PermissionViolationError',
    );
    return isDenied ? deniedLocks(server) : error;
  }

  /** Messages that were sent while the connection was down are lost. */
  async #follow(listener: NetworkListener): Promise<void> {
    for await (const { type } of this.#connection.status())
      if (type === 'disconnect' || type === 'reconnect') listener.disconnected();
  }
}

function noJetStream(server: string): PexenError {
  return misuse(
    'PEXEN_NATS_NO_JETSTREAM',
    `the server at ${server} does not keep data, which locks of the cluster need`,
    'Start it with JetStream: nats-server -js -sd FOLDER. pexen nats does so.',
  );
}

function deniedLocks(server: string): PexenError {
  return misuse(
    'PEXEN_NATS_DENIED',
    `the server at ${server} does not allow this key to share locks`,
    'Runs need the key of a scheduler. For keys of an older folder: pexen node --init-security FOLDER, again.',
  );
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : '';
}
