/** A server with the configuration that `pexen node --init-security` writes, and clients with the keys. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type NatsConnection, nkeyAuthenticator } from '@nats-io/transport-node';
import { findServer, initSecurity, type RunningServer, startServer } from '../../src/node.ts';
import type { ServerOptions } from '../../src/transport.ts';

export const pool = 'lab';

/** A server, its folder of keys, and what was started for it. */
export class SecuredServer {
  readonly folder: string;
  readonly #root: string;
  readonly #server: RunningServer;

  private constructor(root: string, folder: string, server: RunningServer) {
    this.#root = root;
    this.folder = folder;
    this.#server = server;
  }

  /** Rejects where there is no server or no openssl. */
  static async start(nodes: readonly string[]): Promise<SecuredServer> {
    const { file } = await findServer();
    const root = mkdtempSync(join(tmpdir(), 'pexen-secured-'));
    const folder = join(root, 'security');
    try {
      await initSecurity({ folder, pool, servers: 'tls://localhost:4222', nodes });
      const server = await startServer(file, { config: join(folder, 'server/nats.conf') });
      return new SecuredServer(root, folder, server);
    } catch (error) {
      rmSync(root, { recursive: true, force: true });
      throw error;
    }
  }

  get port(): string {
    return new URL(this.#server.url).port;
  }

  /** How the owner of a key connects: the name of a node, or `scheduler`. */
  options(owner: string): Required<Pick<ServerOptions, 'nkey' | 'tls'>> & { readonly servers: string } {
    const nkey = owner === 'scheduler' ? 'scheduler/scheduler.nkey' : `nodes/${owner}/node.nkey`;
    return {
      servers: `tls://localhost:${this.port}`,
      nkey: join(this.folder, nkey),
      tls: { ca: join(this.folder, 'ca.crt') },
    };
  }

  /** The key of this owner. */
  keyOf(owner: string): Uint8Array {
    return Buffer.from(readFileSync(this.options(owner).nkey, 'utf8').trim());
  }

  /** A plain connection with this key, or that of this owner, which does what it wants. */
  client(owner: string | Uint8Array): Promise<NatsConnection> {
    const authenticator = nkeyAuthenticator(typeof owner === 'string' ? this.keyOf(owner) : owner);
    const caFile = join(this.folder, 'ca.crt');
    const servers = `tls://localhost:${this.port}`;
    return connect({ servers, authenticator, tls: { caFile }, maxReconnectAttempts: 0 });
  }

  /** Reads its configuration again. */
  reload(): void {
    process.kill(this.#server.pid, 'SIGHUP');
  }

  async stop(): Promise<void> {
    await this.#server.stop();
    rmSync(this.#root, { recursive: true, force: true });
  }
}
