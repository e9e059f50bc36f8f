/** The connection to the NATS servers. The client library is loaded when it is first needed. Knows no protocol. */
import { readFileSync } from 'node:fs';
import { isIPv4 } from 'node:net';
import type { Authenticator, NatsConnection } from '@nats-io/transport-node';
import { messageOf, misuse, PexenError } from '@pexen/core';
import { type KeptPlace, KeptValues } from './kept-values.ts';

type Library = typeof import('@nats-io/transport-node');

/** Where the servers are, and how to get in. */
export interface ServerOptions {
  /** Addresses: `nats://host:4222`, `tls://host:4222`, `host:4222`. Default `nats://127.0.0.1:4222`. */
  readonly servers?: string | readonly string[];
  /** A token, or a user and a password, where the servers want that. */
  readonly token?: string;
  readonly user?: string;
  readonly password?: string;
  /** A file with the seed of an nkey, which identifies this side. */
  readonly nkey?: string;
  /** A file with credentials (`.creds`), where the servers want a JWT. */
  readonly creds?: string;
  /** Files in PEM: the authorities to trust, and the certificate and key of this side. With it, a server without TLS is refused. */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string };
  /** Allows connections without TLS to other machines. Any machine on the way can read them, and run code on the nodes. Default false. */
  readonly insecure?: boolean;
}

/** What is said about a message. */
export interface Received {
  readonly subject: string;
  readonly bytes: Uint8Array;
  /** The server reports that there is no listener. */
  readonly isUnheard: boolean;
}

/** A connection, reduced to what the pool and its nodes need. */
export interface Transport {
  /** Sends bytes. What is sent while the connection is down may be lost. `reply`: where the server answers if there is no listener. */
  publish(subject: string, bytes: Uint8Array, reply?: string): void;
  subscribe(subject: string, hear: (received: Received) => void): void;
  /**
   * Resolves when the server has handled everything that was sent before.
   * @throws PexenError PEXEN_NATS_DENIED if it has refused a subscription meanwhile
   */
  flush(): Promise<void>;
  /** Values that the server keeps. @throws as `KeptValues.at` */
  values(place: KeptPlace): Promise<Pick<KeptValues, 'get' | 'put'>>;
  /** Resolves when the connection is over: with PEXEN_NATS_CLOSED if it was given up for good, as where the key was revoked. */
  readonly closed: Promise<PexenError | undefined>;
  /** The address of the server. */
  readonly server: string;
  close(): Promise<void>;
}

/** The default address. */
const localServer = 'nats://127.0.0.1:4222';

/** A server that does not answer within this time is not there, ms: the default of the client makes each attempt to reconnect slow. */
const connectMs = 3_000;

/** The first connection is tried so often: a busy machine may take longer than that to answer. */
const firstTries = 3;

/** What only some connections need. */
export interface MoreOptions {
  /** Where answers of the server to requests arrive. */
  readonly inboxPrefix?: string;
}

/**
 * Connects.
 * @throws PexenError PEXEN_NATS_PLAINTEXT, PEXEN_NATS_KEY_FILE, PEXEN_NATS_CONNECT
 */
export async function connectTransport(
  options: ServerOptions,
  name: string,
  more: MoreOptions = {},
): Promise<Transport> {
  return new NatsTransport(await connectClient(options, name, more));
}

/** The same, as the library has it. @throws PexenError as `connectTransport` */
export async function connectClient(
  options: ServerOptions,
  name: string,
  more: MoreOptions = {},
): Promise<NatsConnection> {
  const servers = serversOf(options);
  refusePlaintext(servers, options);
  const library = await import('@nats-io/transport-node');
  const { token, user, password: pass } = options;
  const tls = tlsOf(servers, options);
  const authenticator = authenticatorOf(options, library);
  const connect = (): Promise<NatsConnection> =>
    library.connect({
      ...more,
      servers: [...servers],
      name,
      timeout: connectMs,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 250,
      pingInterval: 20_000,
      // Addresses that a server names have not been checked; with TLS, what answers there has.
      ignoreClusterUpdates: tls === undefined,
      ...(token !== undefined && { token }),
      ...(user !== undefined && { user }),
      ...(pass !== undefined && { pass }),
      ...(authenticator !== undefined && { authenticator }),
      ...(tls !== undefined && { tls }),
    });
  for (let tries = 1; ; tries++)
    try {
      return await connect();
    } catch (error) {
      const isSlow = error instanceof library.TimeoutError;
      if (!isSlow || tries === firstTries) throw cannotConnect(servers, error);
    }
}

class NatsTransport implements Transport {
  readonly server: string;
  readonly closed: Promise<PexenError | undefined>;
  readonly #connection: NatsConnection;
  /** Subscriptions that the server has refused. */
  readonly #denied: string[] = [];

  constructor(connection: NatsConnection) {
    this.#connection = connection;
    this.server = connection.getServer();
    this.closed = connection.closed().then((error) => (error ? givenUp(this.server, error) : undefined));
  }

  publish(subject: string, bytes: Uint8Array, reply?: string): void {
    const connection = this.#connection;
    if (!connection.isClosed() && !connection.isDraining())
      connection.publish(subject, bytes, reply === undefined ? undefined : { reply });
  }

  subscribe(subject: string, hear: (received: Received) => void): void {
    this.#connection.subscribe(subject, {
      callback: (error, message) => {
        if (error === null) {
          const isUnheard = message.headers?.code === 503;
          aloud(() => hear({ subject: message.subject, bytes: message.data, isUnheard }));
        } else this.#denied.push(subject);
      },
    });
  }

  async flush(): Promise<void> {
    await this.#connection.flush();
    if (this.#denied.length > 0) throw denied(this.server, this.#denied);
  }

  values(place: KeptPlace): Promise<KeptValues> {
    return KeptValues.at(this.#connection, place);
  }

  close(): Promise<void> {
    return this.#connection.close();
  }
}

/** An error would silently end the reading of the client. It is a mistake of ours, and ends the process as others do. */
function aloud(act: () => void): void {
  try {
    act();
  } catch (error) {
    setImmediate(() => {
      throw error;
    });
  }
}

/** The addresses of the servers, never none. */
function serversOf({ servers = localServer }: ServerOptions): readonly string[] {
  return typeof servers === 'string' ? servers.split(',') : servers;
}

/** The options of TLS; undefined where a connection without it is allowed. The client itself would accept a server that offers none. */
function tlsOf(
  servers: readonly string[],
  { tls, insecure = false }: ServerOptions,
): Record<string, string> | undefined {
  const isWanted = servers.some((server) => isEncrypted(server) || !(insecure || isLoopback(server)));
  if (tls === undefined) return isWanted ? {} : undefined;
  const files = Object.entries(tls).filter(([, file]) => file !== undefined);
  return Object.fromEntries(files.map(([name, file]) => [name, textOf(file)]));
}

function authenticatorOf({ nkey, creds }: ServerOptions, library: Library): Authenticator | undefined {
  const bytesOf = (file: string): Uint8Array => Buffer.from(textOf(file).trim());
  if (nkey !== undefined) return library.nkeyAuthenticator(checkedSeed(nkey, bytesOf(nkey), library));
  return creds === undefined ? undefined : library.credsAuthenticator(bytesOf(creds));
}

/** @throws PexenError PEXEN_NATS_KEY_FILE where the file has no seed of an nkey */
function checkedSeed(file: string, seed: Uint8Array, { nkeys }: Library): Uint8Array {
  try {
    nkeys.fromSeed(seed);
    return seed;
  } catch {
    throw badKeyFile(file, 'it has no seed of an nkey, which starts with SU');
  }
}

/** @throws PexenError PEXEN_NATS_KEY_FILE */
function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw badKeyFile(file, messageOf(error));
  }
}

function badKeyFile(file: string, why: string): PexenError {
  return misuse(
    'PEXEN_NATS_KEY_FILE',
    `${file} cannot be used for the connection: ${why}`,
    'Look at the options nkey, creds and tls, which name files. New ones: pexen node --init-security FOLDER.',
  );
}

function refusePlaintext(servers: readonly string[], { tls, insecure = false }: ServerOptions): void {
  const open = servers.filter((server) => !isEncrypted(server) && !isLoopback(server));
  if (insecure || tls !== undefined || open.length === 0) return;
  throw misuse(
    'PEXEN_NATS_PLAINTEXT',
    `the connection to ${open.join(', ')} would not be encrypted, and any machine on the way could run code on the nodes`,
    'Use tls://, or the option insecure (--insecure) in a network that is closed.',
  );
}

function isEncrypted(server: string): boolean {
  return server.startsWith('tls://');
}

function isLoopback(server: string): boolean {
  const { hostname } = new URL(server.includes('://') ? server : `nats://${server}`);
  return (
    hostname === 'localhost' || hostname === '[::1]' || (isIPv4(hostname) && hostname.startsWith('127.'))
  );
}

function cannotConnect(servers: readonly string[], error: unknown): PexenError {
  const message = `cannot connect to ${servers.join(', ')}: ${messageOf(error)}`;
  const hint = 'Start a server, for first steps with: pexen nats. Or look at the option servers.';
  return new PexenError([{ code: 'PEXEN_NATS_CONNECT', message, hint }], { cause: error });
}

function givenUp(server: string, error: Error): PexenError {
  const message = `the server at ${server} does not let this side in any more: ${messageOf(error)}`;
  const hint = 'Find out whether its key was revoked or replaced, and start it again with the one of now.';
  return new PexenError([{ code: 'PEXEN_NATS_CLOSED', message, hint }], { cause: error });
}

function denied(server: string, subjects: readonly string[]): PexenError {
  return misuse(
    'PEXEN_NATS_DENIED',
    `the server at ${server} does not allow this key to listen to ${subjects.join(', ')}`,
    'A node needs the key of its own name and pool (--name, --pool), and a run that of a scheduler.',
  );
}
