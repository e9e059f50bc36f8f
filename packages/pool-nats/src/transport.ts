/** The connection to the NATS servers. The client library is loaded when it is first needed. Knows no protocol. */
import { readFileSync } from 'node:fs';
import { messageOf, misuse, PexenError } from '@pexen/core';

/** Where the servers are, and how to get in. */
export interface ServerOptions {
  /** Addresses: `nats://host:4222`, `tls://host:4222`, `host:4222`. Default `nats://127.0.0.1:4222`. */
  readonly servers?: string | readonly string[];
  /** A token, or a user and a password, where the servers want that. */
  readonly token?: string;
  readonly user?: string;
  readonly password?: string;
  /** Files in PEM: the authorities to trust, and the certificate and key of this side. */
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
  /** Resolves when the server has handled everything that was sent before. */
  flush(): Promise<void>;
  /** Resolves when the connection is given up for good. */
  readonly closed: Promise<unknown>;
  /** The address of the server. */
  readonly server: string;
  close(): Promise<void>;
}

/** The default address. */
const localServer = 'nats://127.0.0.1:4222';

/** A server that does not answer within this time is not there, ms: the default of the client makes each attempt to reconnect slow. */
const connectMs = 3_000;

/**
 * Connects.
 * @throws PexenError PEXEN_NATS_PLAINTEXT, PEXEN_NATS_CONNECT
 */
export async function connectTransport(options: ServerOptions, name: string): Promise<Transport> {
  const servers = serversOf(options);
  refusePlaintext(servers, options);
  const { connect } = await import('@nats-io/transport-node');
  const { token, user, password: pass, tls } = options;
  try {
    const connection = await connect({
      servers: [...servers],
      name,
      timeout: connectMs,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 250,
      pingInterval: 20_000,
      ...(token !== undefined && { token }),
      ...(user !== undefined && { user }),
      ...(pass !== undefined && { pass }),
      ...(tls !== undefined && { tls: tlsOf(tls) }),
    });
    return {
      server: connection.getServer(),
      closed: connection.closed(),
      publish: (subject, bytes, reply) => {
        if (!connection.isClosed() && !connection.isDraining())
          connection.publish(subject, bytes, reply === undefined ? undefined : { reply });
      },
      subscribe: (subject, hear) =>
        void connection.subscribe(subject, {
          callback: (error, message) => {
            if (error === null)
              hear({
                subject: message.subject,
                bytes: message.data,
                isUnheard: message.headers?.code === 503,
              });
          },
        }),
      flush: () => connection.flush(),
      close: () => connection.close(),
    };
  } catch (error) {
    throw cannotConnect(servers, error);
  }
}

/** The addresses of the servers, never none. */
function serversOf({ servers = localServer }: ServerOptions): readonly string[] {
  return typeof servers === 'string' ? servers.split(',') : servers;
}

function tlsOf({ ca, cert, key }: NonNullable<ServerOptions['tls']>): Record<string, string> {
  const files = Object.entries({ ca, cert, key }).filter(([, file]) => file !== undefined);
  return Object.fromEntries(files.map(([name, file]) => [name, readFileSync(file as string, 'utf8')]));
}

function refusePlaintext(servers: readonly string[], { tls, insecure = false }: ServerOptions): void {
  const open = servers.filter((server) => !server.startsWith('tls://') && !isLoopback(server));
  if (insecure || tls !== undefined || open.length === 0) return;
  throw misuse(
    'PEXEN_NATS_PLAINTEXT',
    `the connection to ${open.join(', ')} would not be encrypted, and any machine on the way could run code on the nodes`,
    'Use tls://, or the option insecure (--insecure) in a network that is closed.',
  );
}

function isLoopback(server: string): boolean {
  const { hostname } = new URL(server.includes('://') ? server : `nats://${server}`);
  return hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.');
}

function cannotConnect(servers: readonly string[], error: unknown): PexenError {
  const message = `cannot connect to ${servers.join(', ')}: ${messageOf(error)}`;
  const hint = 'Start a server, for first steps with: pexen nats. Or look at the option servers.';
  return new PexenError([{ code: 'PEXEN_NATS_CONNECT', message, hint }], { cause: error });
}
