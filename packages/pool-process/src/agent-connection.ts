/**
 * The host's end of one agent: the launcher as a process of ours, and what is said through its stdin and stdout. Runs one attempt
 * at a time. Knows nothing of what the agent does for that.
 */
import { basename, join } from 'node:path';
import {
  type Connection,
  type ConnectionEvents,
  encodeThrown,
  type OutcomeEnvelope,
  type SentAttempt,
  type Step,
} from '@pexen/pool-kit';
import { agentVersion, type FromAgent, type ToAgent } from './agent-messages.ts';
import { Capture } from './capture.ts';
import { cookieVariable } from './cookie.ts';
import { launchCommand } from './launch-command.ts';
import type { PoolResources } from './pool-resources.ts';
import { cleanupOfProgram } from './problems.ts';
import { type Exit, ProcessLine } from './process-line.ts';
import { type ProcessTree, signalGroup, sweep } from './process-tree.ts';
import { bodyWorkOf, programWorkOf, refused, type Work } from './work.ts';

/** An agent has an escalation of its own; so long after the last step of that it is given up, so that there is a verdict in time, ms. */
const patienceMs = 1900;
const heedMs = 2000;
/** How long what is left of a launcher is looked for, ms. */
const sweepMs = 500;

/** How long the engine waits for agents, ms: they may be far away. */
export const agentTimeouts = { connectMs: 60_000, answerMs: 5_000, stuckMs: 5_000 };

/** Launchers whose end says nothing about the other end. */
const faraway: ReadonlySet<string> = new Set(['ssh', 'docker', 'podman', 'nerdctl', 'kubectl', 'oc']);

export class AgentConnection implements Connection {
  /** The launcher, as people know it. */
  readonly name: string;
  readonly runsBoth = true;
  readonly stepNames = { kill: 'ended with its agent' };
  readonly #resources: PoolResources;
  readonly #events: ConnectionEvents;
  readonly #pipes: ProcessLine;
  readonly #tree: ProcessTree | undefined;
  readonly #stderr: Capture;
  /** The workers of the other end in which attempts have started. */
  readonly #workers = new Set<string>();
  #isReady = false;
  #cause: string | undefined;
  /** It was asked to end. */
  #isExpected = false;

  constructor(slot: number, resources: PoolResources, events: ConnectionEvents) {
    const { settings, clock, folder } = resources;
    this.#resources = resources;
    this.#events = events;
    this.name = settings.launcher.join(' ');
    const cookie = resources.cookies.next();
    this.#stderr = new Capture(
      join(folder, `agent-${cookie.slice(cookie.lastIndexOf('/') + 1)}-stderr`),
      settings.limits,
      resources.punch,
    );
    const program = {
      ...launchCommand(settings, import.meta.resolve('@pexen/pool-process/agent')),
      env: { ...resources.env, [cookieVariable]: cookie },
      stdio: { kind: 'standard' as const, stderr: this.#stderr.fd },
    };
    this.#pipes = new ProcessLine(program, clock, {
      heard: (message) => this.#hear(message as FromAgent),
      garbled: (error) => events.violated(`sent ${error.message}`),
      gone: (exit) => void this.#end(exit),
    });
    const { pid } = this.#pipes;
    this.#tree = pid === undefined ? undefined : { pid, cookie };
    const { workers: _, launcher: __, ...forAgent } = settings;
    this.#send({ do: 'hello', settings: forAgent, slot, cwd: process.cwd() });
  }

  /** One at a time. */
  send([attempt]: readonly SentAttempt[]): void {
    if (attempt === undefined) return;
    const { number, assignment } = attempt;
    const isProgram = assignment.address?.kind === 'executable';
    if (isProgram && assignment.part === 'cleanup') {
      this.#refuse(number, refused(cleanupOfProgram(assignment.path)));
      return;
    }
    const work: Work = isProgram ? programWorkOf(assignment) : bodyWorkOf(assignment);
    if (work.kind === 'body' && work.envelope.refusal !== undefined) {
      this.#refuse(number, { kind: 'threw', error: work.envelope.refusal });
      return;
    }
    const { graceMs, isDefaultGrace = false, definition } = assignment;
    const isHasty = isDefaultGrace && definition.meta.cleanup === undefined;
    this.#send({ do: 'run', id: number, work, graceMs, isHasty });
  }

  abort(number: number, reason: unknown): void {
    this.#send({ do: 'abort', id: number, reason: encodeThrown(reason) });
  }

  escalation({ assignment: { graceMs } }: SentAttempt): readonly Step[] {
    return [
      { afterMs: 0, action: 'abort' },
      { afterMs: Math.min(heedMs, graceMs) + graceMs + patienceMs, action: 'kill' },
      { afterMs: agentTimeouts.stuckMs, action: 'abandon' },
    ];
  }

  /** Has the agent end by force what it runs, and go; closing its stdin ends it, even where we may not signal it. */
  kill(cause: string): void {
    this.#cause ??= `it ${cause}`;
    this.#isExpected = true;
    if (this.#isReady && cause === closing) this.#send({ do: 'close', how: 'kill' });
    else this.#break();
  }

  leave(): void {
    this.#isExpected = true;
    this.#send({ do: 'close', how: 'drain' });
  }

  abandon(): void {
    this.#break();
    this.#pipes.unref();
  }

  #refuse(number: number, outcome: OutcomeEnvelope): void {
    queueMicrotask(() => this.#events.ended(number, outcome));
  }

  #send(message: ToAgent): void {
    this.#pipes.send(message);
  }

  #break(): void {
    this.#pipes.close();
    if (this.#tree !== undefined) signalGroup(this.#tree, 'SIGKILL');
  }

  #hear(message: FromAgent): void {
    switch (message.is) {
      case 'ready':
        this.#isReady = true;
        if (message.version === agentVersion) this.#events.ready();
        else this.#events.mustEnd('has another version of @pexen/pool-process at the other end');
        break;
      case 'started':
        this.#workers.add(`${this.name}: ${message.worker}`);
        this.#events.started(message.id, `${this.name}: ${message.worker}`);
        break;
      case 'news':
        this.#events.news(message.id, message.news);
        this.#send({ do: 'credit', id: message.id });
        break;
      case 'ended':
        if (message.outcome.kind === 'not-started') this.#events.returned(message.id);
        else this.#events.ended(message.id, message.outcome);
        break;
      case 'lost':
        this.#events.workerLost(`${this.name}: ${message.worker}`, message.reason);
        break;
      case 'gone':
        this.#workers.delete(`${this.name}: ${message.worker}`);
        this.#events.workerGone(`${this.name}: ${message.worker}`, message.reason);
        break;
      case 'late':
        this.#events.lateError(message.error, `${this.name}: ${message.worker}`);
        break;
      default:
        message satisfies never;
    }
  }

  async #end(exit: Exit): Promise<void> {
    this.#events.ending();
    const how = this.#cause === undefined ? exit : `${exit}: ${this.#cause}`;
    for (const worker of this.#workers)
      this.#events.workerGone(worker, `ended with ${this.name}, which ${how}`);
    if (this.#tree !== undefined) await sweep(this.#tree, sweepMs, this.#resources.clock);
    const isFar = faraway.has(basename(this.#resources.settings.launcher[0] ?? ''));
    if (isFar && this.#isReady && !this.#isExpected) this.#events.lost(how, Promise.resolve());
    const said = this.#isReady ? '' : this.#stderr.finish().head.trim();
    this.#events.gone(said === '' ? how : `${how}\n${said}`);
    this.#pipes.close();
    this.#stderr.close();
  }
}

/** What the engine says when it closes the pool. */
const closing = 'the pool was closed';
