/** A server and agents for tests, each agent in a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { NodeOptions } from '../../src/node/options.ts';
import { findServer, type RunningServer, startServer } from '../../src/node.ts';

/** The server of a test file, or why there is none. */
export async function testServer(): Promise<RunningServer | { readonly missing: string }> {
  try {
    const { file } = await findServer();
    return await startServer(file);
  } catch (error) {
    return { missing: String(error).split('\n')[0] ?? '' };
  }
}

/** Options that can be sent to another process. */
export type PlainNodeOptions = Omit<NodeOptions, 'log'>;

/** How a process with agents is started. */
export interface StartOptions {
  /** Variables besides those of here. */
  readonly env?: NodeJS.ProcessEnv;
  /** Of Node. */
  readonly flags?: readonly string[];
  /** Words before it: a command that runs it. */
  readonly command?: readonly string[];
}

/** A process with agents. */
export class AgentProcess {
  readonly child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.child = child;
  }

  /** Resolves when all its agents can be found. */
  static async start(
    nodes: readonly PlainNodeOptions[],
    { env = {}, flags = [], command = [] }: StartOptions = {},
  ): Promise<AgentProcess> {
    const program = fileURLToPath(new URL('./agent-program.ts', import.meta.url));
    const argv = ['--conditions=@pexen/source', ...flags, program, JSON.stringify(nodes)];
    const [file = '', ...args] = [...command, process.execPath, ...argv];
    const child = spawn(file, args, {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    const agent = new AgentProcess(child);
    await Promise.race([
      once(child, 'message'),
      agent.ended.then(() => Promise.reject(new Error('the agent ended'))),
    ]);
    return agent;
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  get ended(): Promise<unknown> {
    const { exitCode, signalCode } = this.child;
    return exitCode !== null || signalCode !== null ? Promise.resolve() : once(this.child, 'exit');
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  async stop(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.ended;
  }
}
