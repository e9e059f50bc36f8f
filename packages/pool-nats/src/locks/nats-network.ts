/** The network between runs that share locks, over NATS: messages are those of NATS, and what is kept are values of the server. */
import type { NatsConnection } from '@nats-io/transport-node';
import type { ClusterNetwork, NetworkListener, Stored } from '@pexen/run-locks/cluster';
import { KeptValues } from '../kept-values.ts';
import { Subjects } from '../subjects.ts';
import { connectClient, type ServerOptions } from '../transport.ts';

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
    hear(connection, subjects.locksTo(run), listener);
    const place = { stream: subjects.locksStream, prefix: subjects.locksKept, use: 'share locks' };
    const values = await KeptValues.at(connection, place);
    await connection.flush();
    return new NatsNetwork(connection, values, subjects);
  } catch (error) {
    await connection.close();
    throw error;
  }
}

class NatsNetwork implements ClusterNetwork {
  readonly #connection: NatsConnection;
  readonly #values: KeptValues;
  readonly #subjects: Subjects;

  constructor(connection: NatsConnection, values: KeptValues, subjects: Subjects) {
    this.#connection = connection;
    this.#values = values;
    this.#subjects = subjects;
  }

  get(key: string): Promise<Stored | undefined> {
    return this.#values.get(key);
  }

  put(key: string, value: string, last: number): Promise<number | undefined> {
    return this.#values.put(key, value, last);
  }

  remove(key: string, revision: number): Promise<boolean> {
    return this.#values.remove(key, revision);
  }

  keys(prefix: string): Promise<string[]> {
    return this.#values.keys(prefix);
  }

  send(run: string, text: string): void {
    const connection = this.#connection;
    if (!connection.isClosed() && !connection.isDraining())
      connection.publish(this.#subjects.locksTo(run), text);
  }

  close(): Promise<void> {
    return this.#connection.close();
  }
}

function hear(connection: NatsConnection, subject: string, listener: NetworkListener): void {
  connection.subscribe(subject, {
    callback: (error, message) => {
      if (error === null) listener.received(message.string());
    },
  });
  void follow(connection, listener);
}

/** Messages that were sent while the connection was down are lost. */
async function follow(connection: NatsConnection, listener: NetworkListener): Promise<void> {
  for await (const { type } of connection.status())
    if (type === 'disconnect' || type === 'reconnect') listener.disconnected();
}
