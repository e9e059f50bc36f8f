/** The configuration of a NATS server that allows each node and the scheduler of a pool what they need. Texts only. */
import type { Permissions } from '../subjects.ts';
import { Subjects } from '../subjects.ts';

/** Who may connect, by their public keys. */
export interface Users {
  readonly scheduler: string;
  /** By the names of the nodes. */
  readonly nodes: Readonly<Record<string, string>>;
}

/** The file that names all others. Paths are relative to the folder in which the server is started. */
export function serverConfig(pool: string, port: number): string {
  return `# The server of the pool "${pool}". In this folder: nats-server -c nats.conf
listen: "0.0.0.0:${port}"

# An agent listens to two subjects, a scheduler to four, and to two more where runs share locks.
max_subscriptions: 16
max_payload: 1MB

# Which scheduler has which run, and what runs hold of locks that they share. If it gets lost, the next locks are given after some seconds.
jetstream {
  store_dir: "data"
  max_memory_store: 0
  max_file_store: 1GB
}

tls {
  cert_file: "server.crt"
  key_file: "server.key"
  timeout: 5
}

# Who has no key in users.conf is not let in.
authorization {
  timeout: 5
  include "users.conf"
}
`;
}

/** The users of the server, each with what it may do. */
export function usersConfig(pool: string, { scheduler, nodes }: Users): string {
  const subjects = new Subjects(pool);
  const entries = [
    userEntry('a scheduler', scheduler, subjects.permissionsOfScheduler),
    ...Object.entries(nodes)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, key]) => userEntry(`the node ${name}`, key, subjects.permissionsOfNode(name))),
  ];
  return `# Written by pexen node --init-security, also again. Public keys only.\nusers = [\n${entries.join('')}]\n`;
}

function userEntry(who: string, key: string, { publish, subscribe }: Permissions): string {
  return `  # ${who}
  {
    nkey: ${key}
    permissions: {
      publish: ${listed(publish)}
      subscribe: ${listed(subscribe)}
    }
  }
`;
}

function listed(patterns: readonly string[]): string {
  return `[${patterns.map((pattern) => `"${pattern}"`).join(', ')}]`;
}
