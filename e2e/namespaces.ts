/** Two network namespaces with a cable between them: two machines as far as the network is concerned, which share the files. For Linux, and root. */
import { type ChildProcess, execFileSync } from 'node:child_process';
import { type Running, startCommand } from './running.ts';

/** The two ends of the cable. */
export type End = 'hub' | 'site';

const addresses = { hub: '10.0.0.1', site: '10.0.0.2' } as const;
const ends: readonly End[] = ['hub', 'site'];
const device = 'cable';

/** A pair of namespaces, which are gone with all that runs there once it is disposed. */
export class Namespaces implements AsyncDisposable {
  readonly #children = new Set<ChildProcess>();

  private constructor() {
    try {
      for (const end of ends) ip('netns', 'add', nameOf(end));
      const [hub, site] = [nameOf('hub'), nameOf('site')];
      ip('link', 'add', device, 'netns', hub, 'type', 'veth', 'peer', 'name', device, 'netns', site);
      for (const end of ends) {
        ip('-n', nameOf(end), 'address', 'add', `${addresses[end]}/24`, 'dev', device);
        for (const each of ['lo', device]) ip('-n', nameOf(end), 'link', 'set', each, 'up');
      }
      ip('netns', 'exec', hub, 'true');
    } catch (error) {
      removeAll();
      throw error;
    }
  }

  /** The namespaces, or why there can be none here. */
  static open(): Namespaces | string {
    try {
      return new Namespaces();
    } catch (error) {
      const { stderr = error } = error as { stderr?: unknown };
      return `network namespaces cannot be made here: ${String(stderr).trim().split('\n')[0]}`;
    }
  }

  addressOf(end: End): string {
    return addresses[end];
  }

  /** Pulls the cable out at the hub, or puts it in again. */
  setLink(state: 'up' | 'down'): void {
    ip('-n', nameOf('hub'), 'link', 'set', device, state);
  }

  start(end: End, cwd: string, env: NodeJS.ProcessEnv, command: string, ...args: string[]): Running {
    const running = startCommand(['ip', 'netns', 'exec', nameOf(end), command, ...args], { cwd, env });
    const { child } = running;
    this.#children.add(child);
    child.once('close', () => this.#children.delete(child));
    return running;
  }

  /** Ends what still runs: as Ctrl-C would, and what has not ended by then as the kernel does. */
  async [Symbol.asyncDispose](): Promise<void> {
    const closed = [...this.#children].map(
      (child) => new Promise((done) => child.once('close', done).kill('SIGTERM')),
    );
    const killing = setTimeout(killAll, 5_000);
    await Promise.all(closed);
    clearTimeout(killing);
    killAll();
    removeAll();
  }
}

function nameOf(end: End): string {
  return `pexen-${process.pid}-${end}`;
}

/** Also what the commands have left behind. */
function killAll(): void {
  for (const end of ends)
    for (const pid of ip('netns', 'pids', nameOf(end)).split('\n').filter(Boolean)) {
      try {
        process.kill(Number(pid), 'SIGKILL');
      } catch {
        // It has ended by itself.
      }
    }
}

function removeAll(): void {
  for (const end of ends) {
    try {
      ip('netns', 'delete', nameOf(end));
    } catch {
      // It was not made.
    }
  }
}

function ip(...args: readonly string[]): string {
  return execFileSync('ip', args, { stdio: ['ignore', 'pipe', 'pipe'], encoding: 'utf8' });
}
