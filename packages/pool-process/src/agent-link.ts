/**
 * The host's end of one agent: the launcher as a process of ours, and what is said through its stdin and stdout. Runs one order
 * at a time. Knows nothing of what the agent does to carry it out.
 */
import { basename, join } from 'node:path';
import type { News } from '@pexen/core';
import {
  decodeThrown,
  encodeOutcome,
  encodeThrown,
  type OutcomeEnvelope,
  refusedByTransport,
} from '@pexen/pool-kit';
import { agentVersion, type FromAgent, type ToAgent } from './agent-messages.ts';
import { Capture } from './capture.ts';
import { cookieVariable } from './cookie.ts';
import type { Ending } from './ending.ts';
import type { Job } from './job.ts';
import { climb } from './ladder.ts';
import { launchCommand } from './launch-command.ts';
import type { Means } from './means.ts';
import { pathOf } from './order.ts';
import { workerDidNotStart } from './problems.ts';
import { type Exit, ProcessLine } from './process-line.ts';
import { type ProcessTree, signalGroup, sweep } from './process-tree.ts';

/** An agent has its own ladder; this long after its last step it is given up, so that there is a verdict in time, ms. */
const patienceMs = 1900;
const heedMs = 2000;
/** How long an agent may take to greet, ms: it may be far away. */
const comeUpMs = 60_000;
/** How long an agent may take to leave, ms. */
const leaveMs = 5000;
/** How long what is left of a launcher is looked for, ms. */
const sweepMs = 500;

/** Launchers whose end says nothing about the other end. */
const faraway: ReadonlySet<string> = new Set(['ssh', 'docker', 'podman', 'nerdctl', 'kubectl', 'oc']);

interface Current {
  readonly id: number;
  readonly job: Job;
  readonly settle: (ending: Ending) => void;
}

export class AgentLink {
  /** The launcher, as people know it. */
  readonly name: string;
  readonly #means: Means;
  readonly #line: ProcessLine;
  readonly #tree: ProcessTree | undefined;
  readonly #stderr: Capture;
  readonly #isOver = Promise.withResolvers<void>();
  #current: Current | undefined;
  /** The workers of the other end in which attempts have started. */
  readonly #workers = new Set<string>();
  #count = 0;
  readonly #isAwaited: () => void;
  #isReady = false;
  #isGone = false;
  #cause: string | undefined;
  /** It was meant to end. */
  #isExpected = false;

  constructor(slot: number, means: Means) {
    const { settings, clock, folder } = means;
    this.#means = means;
    this.name = settings.launcher.join(' ');
    const cookie = means.cookies.next();
    this.#stderr = new Capture(
      join(folder, `agent-${cookie.slice(cookie.lastIndexOf('/') + 1)}-stderr`),
      settings.limits,
      means.punch,
    );
    const program = {
      ...launchCommand(settings, import.meta.resolve('@pexen/pool-process/agent')),
      env: { ...means.env, [cookieVariable]: cookie },
      stdio: { kind: 'standard' as const, stderr: this.#stderr.fd },
    };
    this.#line = new ProcessLine(program, clock, {
      heard: (message) => this.#hear(message as FromAgent),
      garbled: (error) => this.#end(`it sent ${error.message}`),
      gone: (exit) => void this.#die(exit),
    });
    const { pid } = this.#line;
    this.#tree = pid === undefined ? undefined : { pid, cookie };
    this.#isAwaited = clock.after(comeUpMs, () => this.#end('it did not greet'));
    const { workers: _, launcher: __, ...forAgent } = settings;
    this.#send({ do: 'hello', settings: forAgent, slot, cwd: process.cwd() });
  }

  get isIdle(): boolean {
    return this.#current === undefined;
  }

  get isSpent(): boolean {
    return this.#isGone || this.#isExpected;
  }

  /** It must be idle. */
  run(job: Job): Promise<Ending> {
    const { promise, resolve } = Promise.withResolvers<Ending>();
    const id = this.#count++;
    try {
      this.#send({ do: 'run', id, order: job.order });
    } catch (error) {
      job.started(this.name);
      const path = pathOf(job.order);
      return Promise.resolve(encodeOutcome(refusedByTransport(path, error), path));
    }
    this.#current = { id, job, settle: resolve };
    job.onAbort(() => this.#stop(id, job));
    return promise;
  }

  /** Has the agent end by force what it runs, and go. */
  kill(cause: string): void {
    this.#cause ??= cause;
    this.#leave('kill');
  }

  /** Lets the agent go; resolves when nothing is left of it here. It must be idle. */
  async leave(): Promise<void> {
    this.#leave('drain');
    await this.#isOver.promise;
  }

  #leave(how: 'drain' | 'kill'): void {
    this.#isExpected = true;
    if (this.#isGone) return;
    this.#send({ do: 'close', how });
    const cancel = this.#means.clock.after(leaveMs, () => this.#end('it did not leave'));
    void this.#isOver.promise.then(cancel);
  }

  #send(message: ToAgent): void {
    this.#line.send(message);
  }

  /** Closing its stdin ends the agent, even where we may not signal it. */
  #end(cause: string): void {
    this.#cause ??= cause;
    this.#line.close();
    if (this.#tree !== undefined) signalGroup(this.#tree, 'SIGKILL');
  }

  #hear(message: FromAgent): void {
    switch (message.is) {
      case 'ready':
        this.#isReady = true;
        this.#isAwaited();
        if (message.version !== agentVersion)
          this.#end('the other end has another version of @pexen/pool-process');
        break;
      case 'started':
        this.#workers.add(`${this.name}: ${message.worker}`);
        this.#at(message.id)?.job.started(`${this.name}: ${message.worker}`);
        break;
      case 'news':
        this.#tell(message.id, message.news);
        break;
      case 'ended':
        this.#settle(message.id, message.outcome);
        break;
      case 'lost':
        this.#means.lost(`${this.name}: ${message.worker}`, message.reason);
        break;
      case 'gone':
        this.#workers.delete(`${this.name}: ${message.worker}`);
        this.#means.gone(`${this.name}: ${message.worker}`, message.reason);
        break;
      case 'late': {
        const worker = `${this.name}: ${message.worker}`;
        const { tasks, error } = message.error;
        this.#means.late(worker, tasks, decodeThrown(error, worker));
        break;
      }
      default:
        message satisfies never;
    }
  }

  #at(id: number): Current | undefined {
    return this.#current?.id === id ? this.#current : undefined;
  }

  #tell(id: number, news: readonly News[]): void {
    for (const each of news) this.#at(id)?.job.ticket.tell(each);
    this.#send({ do: 'credit', id });
  }

  #settle(id: number, outcome: OutcomeEnvelope): void {
    const current = this.#at(id);
    if (current === undefined) return;
    this.#current = undefined;
    current.job.over();
    const isGivenBack = outcome.kind === 'not-started' && !current.job.isAborted;
    current.settle(isGivenBack ? { kind: 'given-back' } : outcome);
  }

  #stop(id: number, job: Job): void {
    this.#send({ do: 'abort', id, reason: encodeThrown(job.ticket.signal.reason) });
    const { graceMs } = job.order;
    const afterMs = Math.min(heedMs, graceMs) + graceMs + patienceMs;
    const giveUp = (): void => {
      this.#isExpected = true;
      this.#end('it did not end in time');
    };
    const cancel = climb(this.#means.clock, [{ afterMs, take: giveUp }]);
    const current = this.#at(id);
    if (current === undefined) return;
    const settle = (ending: Ending): void => {
      cancel();
      current.settle(ending);
    };
    this.#current = { ...current, settle };
  }

  async #die(exit: Exit): Promise<void> {
    this.#isGone = true;
    this.#isAwaited();
    const how = this.#cause === undefined ? exit : `${exit}: ${this.#cause}`;
    for (const worker of this.#workers) this.#means.gone(worker, `ended with ${this.name}, which ${how}`);
    if (this.#tree !== undefined) await sweep(this.#tree, sweepMs, this.#means.clock);
    if (!this.#isExpected) this.#means.lost(this.name, how);
    const current = this.#current;
    this.#current = undefined;
    current?.job.over();
    current?.settle(this.#endingAfterDeath(current, how));
    this.#line.close();
    this.#stderr.close();
    this.#isOver.resolve();
  }

  #endingAfterDeath({ job }: Current, how: string): Ending {
    if (job.worker !== '') {
      if (job.isAborted && this.#isExpected) return { kind: 'stopped', how: 'killed' };
      const isFar = faraway.has(basename(this.#means.settings.launcher[0] ?? ''));
      return { kind: isFar && !this.#isExpected ? 'lost' : 'crashed', reason: `${this.name} ${how}` };
    }
    if (this.#isReady || this.#isExpected) return { kind: 'given-back', death: how };
    return { kind: 'no-slot', error: workerDidNotStart(`${this.name} ${how}`, this.#stderr.finish().head) };
  }
}
