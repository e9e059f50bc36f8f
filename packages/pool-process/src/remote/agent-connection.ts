/**
 * The host's end of one agent: the launcher as a child process, and the messages through its stdin and stdout. Runs one attempt
 * at a time. Does not know how the agent runs it.
 */
import { basename, join } from 'node:path';
import type { SharedState } from '@pexen/core';
import {
  type Connection,
  type ConnectionEvents,
  encodeThrown,
  type SentAttempt,
  type Step,
  type ThrownWire,
} from '@pexen/pool-kit';
import { Capture } from '../capture.ts';
import { ChildConnection, type Command, type Exit, ownProgram } from '../child-connection.ts';
import { launcherOf, type Settings } from '../options.ts';
import type { Place } from '../place.ts';
import type { PoolResources } from '../pool-resources.ts';
import { markerVariable } from '../process-markers.ts';
import { type ProcessTree, signalGroup, sweep } from '../process-tree.ts';
import { shellWord } from '../shell-word.ts';
import type { RemoteAttempt, RemoteReport, RemoteSettings } from './messages.ts';
import { OutputReceiver } from './output-receiver.ts';
import { hearReport, remoteAttemptOf, remoteSteps, withInherited } from './remote-host.ts';

/** How long the processes of a launcher are swept, ms. */
const sweepMs = 500;

/** Launchers that may end while the agent at the other end still runs. */
const faraway: ReadonlySet<string> = new Set(['ssh', 'docker', 'podman', 'nerdctl', 'kubectl', 'oc']);

export class AgentConnection implements Connection {
  /** The command line of the launcher. */
  readonly name: string;
  readonly runsBoth = true;
  readonly stepNames = { kill: 'ended with its agent' };
  readonly #resources: PoolResources;
  /** The launcher may end while the agent at the other end still runs. */
  readonly #isFar: boolean;
  readonly #events: ConnectionEvents;
  readonly #pipes: ChildConnection;
  readonly #tree: ProcessTree | undefined;
  readonly #stderr: Capture;
  /** Files here for what its programs print. */
  readonly #outputs: OutputReceiver;
  /** The workers of the agent in which attempts have started. */
  readonly #workers = new Set<string>();
  #isReady = false;
  #cause: string | undefined;
  /** The dictionary of a program, which is not sent. */
  #inherited: SharedState | undefined;
  /** It was asked to end. */
  #isExpected = false;

  constructor(place: Place, resources: PoolResources, events: ConnectionEvents) {
    const { settings, clock, folder } = resources;
    this.#resources = resources;
    this.#events = events;
    this.#outputs = new OutputReceiver(settings.outputFile);
    const launcher = launcherOf(settings, place.number);
    this.name = launcher.join(' ');
    this.#isFar = faraway.has(basename(launcher[0] ?? ''));
    const marker = resources.markers.next();
    this.#stderr = new Capture(
      join(folder, `agent-${marker.slice(marker.lastIndexOf('/') + 1)}-stderr`),
      settings.limits,
      resources.holePuncher,
    );
    const program = {
      ...launchCommand(launcher, settings, import.meta.resolve('@pexen/pool-process/agent')),
      env: { ...resources.env, [markerVariable]: marker },
      stdio: { kind: 'standard' as const, stderr: this.#stderr.fd },
    };
    this.#pipes = new ChildConnection(program, clock, {
      heard: (message) => this.#hear(message as FromAgent),
      garbled: (error) => events.violated(`sent ${error.message}`),
      gone: (exit) => void this.#end(exit),
    });
    const { pid } = this.#pipes;
    this.#tree = pid === undefined ? undefined : { pid, marker };
    const { workers: _, launcher: __, hosts: ___, outputFile: ____, ...forAgent } = settings;
    this.#send({
      do: 'hello',
      settings: forAgent,
      slot: place.number,
      cwd: process.cwd(),
      recordsModules: events.wantsModules,
      sendsOutput: this.#outputs.isWanted,
      marker,
    });
  }

  /** One at a time. */
  send([attempt]: readonly SentAttempt[]): void {
    if (attempt === undefined) return;
    this.#outputs.expect(attempt.number, attempt.assignment);
    const { address, shared } = attempt.assignment;
    this.#inherited = address?.kind === 'executable' ? shared : undefined;
    const remote = remoteAttemptOf(attempt);
    if ('refusal' in remote)
      queueMicrotask(() => this.#events.ended(attempt.number, { kind: 'threw', error: remote.refusal }));
    else this.#send({ do: 'run', ...remote });
  }

  abort(number: number, reason: unknown): void {
    this.#send({ do: 'abort', id: number, reason: encodeThrown(reason) });
  }

  escalation(attempt: SentAttempt): readonly Step[] {
    return remoteSteps(attempt);
  }

  /** Asks the agent to kill its attempt and exit; closing its stdin ends it even where this user may not signal it. */
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

  #send(message: ToAgent): void {
    this.#pipes.send(message);
  }

  #break(): void {
    this.#pipes.close();
    if (this.#tree !== undefined) signalGroup(this.#tree, 'SIGKILL');
  }

  #hear(message: FromAgent): void {
    if (message.is === 'ready') {
      this.#isReady = true;
      if (message.version === agentVersion) this.#events.ready();
      else this.#events.mustEnd('has another version of @pexen/pool-process at the other end');
      return;
    }
    const nameOf = (worker: string): string => `${this.name}: ${worker}`;
    if (message.is === 'service-ready') {
      this.#events.serviceReady(message.id, withInherited(message.facts, this.#inherited));
      return;
    }
    if (message.is === 'started') this.#workers.add(nameOf(message.worker));
    if (message.is === 'gone') this.#workers.delete(nameOf(message.worker));
    hearReport(message, this.#events, nameOf, (id) => this.#send({ do: 'credit', id }), this.#outputs);
  }

  async #end(exit: Exit): Promise<void> {
    this.#events.ending();
    this.#outputs.close();
    const how = this.#cause === undefined ? exit : `${exit}: ${this.#cause}`;
    for (const worker of this.#workers)
      this.#events.workerGone(worker, `ended with ${this.name}, which ${how}`);
    if (this.#tree !== undefined) await sweep(this.#tree, sweepMs, this.#resources.clock);
    if (this.#isFar && this.#isReady && !this.#isExpected) this.#events.lost(how, Promise.resolve());
    const output = this.#isReady ? '' : this.#stderr.finish().head.trim();
    this.#events.gone(output === '' ? how : `${how}\n${output}`);
    this.#pipes.close();
    this.#stderr.close();
  }
}

/** The cause that the engine states when it closes the pool. */
const closing = 'the pool was closed';

// The messages between the host and an agent: the same package at both ends, perhaps on different machines.

/** Grows with every change of these messages, or of work. */
export const agentVersion = 8;

export type ToAgent =
  /** Comes first. `slot` is the number of the slot that the agent is; `cwd` is the host's working directory, which the agent uses if it exists. */
  | {
      readonly do: 'hello';
      readonly settings: RemoteSettings;
      readonly slot: number;
      readonly cwd: string;
      /** Outcomes are to carry the modules that its workers load. */
      readonly recordsModules: boolean;
      /** Outputs that are too long for outcomes are to be sent. */
      readonly sendsOutput: boolean;
      /** The process marker of the agent: not every launcher passes the environment on. */
      readonly marker: string;
    }
  | ({ readonly do: 'run' } & RemoteAttempt)
  | { readonly do: 'abort'; readonly id: number; readonly reason: ThrownWire }
  | { readonly do: 'credit'; readonly id: number }
  /** Kill the current attempt, or let it end, and then exit. */
  | { readonly do: 'close'; readonly how: 'drain' | 'kill' };

export type FromAgent = { readonly is: 'ready'; readonly version: number } | RemoteReport;

// The command line that starts an agent through a launcher.

/** `launcher… node … agent`. ssh hands its arguments to a shell, so they are quoted for it; other launchers take them as they are. */
function launchCommand(launcher: readonly string[], { node, execArgv }: Settings, url: string): Command {
  const [command = '', ...before] = launcher;
  const isSsh = basename(command) === 'ssh';
  const own = ownProgram(url, execArgv);
  const rest = [node ?? (isSsh ? 'node' : own.command), ...own.argv];
  return { command, argv: [...before, ...(isSsh ? rest.map(shellWord) : rest)] };
}
