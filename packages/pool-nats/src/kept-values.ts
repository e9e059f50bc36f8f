/**
 * Values that the server keeps: a stream of JetStream with the last message of each subject. A value changes only if its subject is at the expected message,
 * which the server checks. Uses nothing that servers have only since 2.10. The library is loaded when it is first needed.
 */
import type { JetStreamClient, JetStreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { misuse, type PexenError } from '@pexen/core';

type Library = typeof import('@nats-io/jetstream');

/** A value, and the number of the change that made it so. */
export interface KeptValue {
  readonly value: string;
  /** Above 0; every change of any value has a higher one. */
  readonly revision: number;
}

/** Where values are kept. */
export interface KeptPlace {
  /** The name of the stream. */
  readonly stream: string;
  /** Each key is a subject below this one. */
  readonly prefix: string;
  /** What was not changed for so long is forgotten, ms. Default: never. */
  readonly maxAgeMs?: number;
  /** What it is for, in the errors: `share locks`. */
  readonly use: string;
}

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

export class KeptValues {
  readonly #connection: NatsConnection;
  readonly #library: Library;
  readonly #place: KeptPlace;
  readonly #client: JetStreamClient;
  #manager: JetStreamManager | undefined;

  private constructor(connection: NatsConnection, library: Library, place: KeptPlace) {
    this.#connection = connection;
    this.#library = library;
    this.#place = place;
    this.#client = library.jetstream(connection, { timeout: timeoutMs });
  }

  /**
   * Finds the place, or makes it.
   * @throws PexenError PEXEN_NATS_NO_JETSTREAM, PEXEN_NATS_DENIED; what the client throws where the server does not answer
   */
  static async at(connection: NatsConnection, place: KeptPlace): Promise<KeptValues> {
    const values = new KeptValues(connection, await import('@nats-io/jetstream'), place);
    await values.#open();
    return values;
  }

  async #open(): Promise<void> {
    const options = { timeout: timeoutMs, checkAPI: false };
    this.#manager = await this.#library.jetstreamManager(this.#connection, options);
    await this.#make().catch((error: unknown) => {
      throw this.#readable(error);
    });
  }

  async get(key: string): Promise<KeptValue | undefined> {
    const query = { last_by_subj: this.#subjectOf(key) };
    const found = await this.#ask(
      ({ streams }) => streams.getMessage(this.#place.stream, query),
      noMessageFound,
    );
    return found ? { value: found.string(), revision: found.seq } : undefined;
  }

  /** Stores the value if the last revision of the key is that one; 0: if there is no value. Resolves to the new revision, or to undefined if it is another. */
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
      ({ streams }) => streams.deleteMessage(this.#place.stream, revision, false),
      ...[noMessageFound, notDeleted],
    );
    return deleted === true;
  }

  async keys(prefix: string): Promise<string[]> {
    const filter = { subjects_filter: this.#subjectOf('>') };
    const found = await this.#ask(({ streams }) => streams.info(this.#place.stream, filter));
    const start = this.#subjectOf('').length;
    const keys = Object.keys(found?.state.subjects ?? {}).map((subject) => subject.slice(start));
    return keys.filter((key) => key.startsWith(prefix));
  }

  #subjectOf(key: string): string {
    return `${this.#place.prefix}.${key}`;
  }

  /** An error with one of these codes is an answer: undefined. A place that is not there any more is made again: the server has lost it. */
  async #ask<T>(
    act: (manager: JetStreamManager) => Promise<T>,
    ...answers: number[]
  ): Promise<T | undefined> {
    try {
      return await act(this.#manager as JetStreamManager);
    } catch (error) {
      const code = this.#codeOf(error);
      if (code !== undefined && answers.includes(code)) return undefined;
      if (code === noStream || nameOf(error) === unheard) await this.#make().catch(() => {});
      throw error;
    }
  }

  #codeOf(error: unknown): number | undefined {
    return error instanceof this.#library.JetStreamApiError ? error.code : undefined;
  }

  /** A stream that is there stays as it is: the owner of the server may have given it replicas. */
  async #make(): Promise<void> {
    const { streams } = this.#manager as JetStreamManager;
    const { stream: name, maxAgeMs } = this.#place;
    try {
      await streams.info(name);
    } catch (error) {
      if (this.#codeOf(error) !== noStream) throw error;
      await streams.add({
        ...{ name, subjects: [this.#subjectOf('>')], max_msgs_per_subject: 1 },
        ...(maxAgeMs !== undefined && { max_age: maxAgeMs * 1e6 }),
      });
    }
  }

  #readable(error: unknown): unknown {
    const code = this.#codeOf(error);
    const server = this.#connection.getServer();
    if (nameOf(error) === unheard || (code !== undefined && notEnabled.includes(code)))
      return noJetStream(server, this.#place);
    const isDenied = [error, (error as Error).cause].some(
      (each) => nameOf(each) === 'PermissionViolationError',
    );
    return isDenied ? denied(server, this.#place) : error;
  }
}

function noJetStream(server: string, { use }: KeptPlace): PexenError {
  return misuse(
    'PEXEN_NATS_NO_JETSTREAM',
    `the server at ${server} does not keep data, which is needed to ${use}`,
    'Start it with JetStream: nats-server -js -sd FOLDER. pexen nats does so.',
  );
}

function denied(server: string, { use }: KeptPlace): PexenError {
  return misuse(
    'PEXEN_NATS_DENIED',
    `the server at ${server} does not allow this key to ${use}`,
    'Runs need the key of a scheduler. For keys of an older folder: pexen node --init-security FOLDER, again.',
  );
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : '';
}
