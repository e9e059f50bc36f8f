/** A machine with scripted content, and the facts about it. */
import type { Facts } from '@pexen/core';
import type { Machine } from '../../src/conditions/machine.ts';
import { factsOf } from '../../src/conditions/system-facts.ts';

export const gibibyte = 1024 ** 3;

/** What differs from a Debian machine of 8 GiB with 100 GiB of disk, and root as its user. */
export interface MachineScript {
  readonly platform?: string;
  readonly arch?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly uid?: number;
  readonly userName?: string;
  readonly kernel?: string;
  readonly memory?: Partial<ReturnType<Machine['memory']>>;
  /** Path → content. Executable are those in a directory called `bin`. */
  readonly files?: Readonly<Record<string, string>>;
  /** Free bytes of the file system of a path. */
  readonly free?: Readonly<Record<string, number>>;
}

const debian = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nVERSION_ID="12"\nID=debian\n';

export function scriptedMachine({
  platform = 'linux',
  arch = 'x64',
  env = { PATH: '/usr/bin:/bin' },
  uid = 0,
  userName = 'root',
  kernel = '6.1.0-18-amd64',
  memory = {},
  files = {},
  free = {},
}: MachineScript = {}): Machine & { readonly reads: string[] } {
  const all: Readonly<Record<string, string>> = { '/etc/os-release': debian, '/': '', '/tmp': '', ...files };
  const reads: string[] = [];
  return {
    ...{ platform, arch, env, uid, gid: uid, cpus: 4, reads },
    kernel: () => ({ name: 'Linux', release: kernel }),
    memory: () => ({ total: 8 * gibibyte, available: 6 * gibibyte, limit: 0, ...memory }),
    userName: () => userName,
    text: (path) => {
      reads.push(path);
      return all[path];
    },
    exists: (path) => path in all,
    isExecutable: (path) => path in all && /\/bin\//.test(path),
    room: (path) => (path in all ? { total: 100 * gibibyte, free: free[path] ?? 50 * gibibyte } : undefined),
  };
}

export function scriptedFacts(script: MachineScript = {}): Facts {
  return factsOf(scriptedMachine(script), '/suite');
}
