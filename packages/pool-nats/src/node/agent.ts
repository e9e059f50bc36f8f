/** The agent of a node: carries out what node-core.ts decides, with processes of this machine. */
import { randomBytes } from 'node:crypto';
import { isPexenError, messageOf, type PexenError } from '@pexen/core';
import { encodeThrown, systemClock } from '@pexen/pool-kit';
import { LeaseGuard, type RemoteAttempt, RemoteSlot } from '@pexen/pool-process/remote';
import { cacheFolder } from '../cache.ts';
import { checkedCodec, decodePacket, encodePacket, formatVersion } from '../codec.ts';
import { isNodeOrder, isQuestion, isToNode } from '../packet-checks.ts';
import type { BundleManifest } from '../protocol/bundle.ts';
import type { AttemptKey } from '../protocol/kept-attempts.ts';
import { protocolVersion } from '../protocol/messages.ts';
import { type LinkId, NodeCore, type NodeEffect } from '../protocol/node-core.ts';
import { Subjects } from '../subjects.ts';
import { connectTransport, type Transport } from '../transport.ts';
import { BundleReceiver, discardBundle } from './bundles.ts';
import { LeaseClock } from './clock.ts';
import { CodeCheck } from './code-check.ts';
import { type NodeOptions, type NodeSettings, nodeSettingsOf } from './options.ts';
import { placed, reportedFrom } from './placed-attempt.ts';
import { bootMark, Properties } from './properties.ts';
import { Roots } from './roots.ts';
import { noteStart, type OwnStart } from './starts.ts';

/** A node that works for the runs of a pool until it is stopped. */
export interface RunningNode {
  /** Its name for people. */
  readonly name: string;
  /** The address of its server. */
  readonly server: string;
  /**
   * Resolves when it has been stopped.
   * @throws PexenError PEXEN_NATS_CLOSED if it has lost its connection for good: what ran here was ended
   */
  readonly stopped: Promise<void>;
  /** Takes no further attempt, lets those that run end, and stops. */
  drain(): void;
  /** Ends everything that runs, and stops. */
  stop(): void;
}

/** How often a node that works for no run says so, ms. */
const announceMs = 5_000;

/** How long a node that is being stopped waits for its scheduler to hear the rest, ms. */
const farewellMs = 3_000;

/**
 * Makes this machine a node of a pool: attempts of runs that use the pool run in processes of this one. Resolves when the node can be found.
 *
 * @throws PexenError PEXEN_BAD_OPTION, PEXEN_NATS_PLAINTEXT, PEXEN_NATS_KEY_FILE, PEXEN_NATS_CONNECT, PEXEN_NATS_DENIED
 * @example
 * const node = await startNode({ servers: 'nats://hub:4222', pool: 'lab', labels: { arch: 'arm64' } });
 * process.once('SIGTERM', () => node.drain());
 * await node.stopped;
 */
export async function startNode(options: NodeOptions = {}): Promise<RunningNode> {
  const settings = nodeSettingsOf(options);
  const roots = new Roots(settings.roots);
  const properties = new Properties(settings);
  await properties.probe();
  const start = await noteStart(cacheFolder('nodes'), settings.pool, settings.name);
  const transport = await connectTransport(settings.server, `pexen node ${settings.name}`);
  const agent = new Agent(settings, roots, properties, start, transport);
  try {
    await agent.start();
    return agent;
  } catch (error) {
    await transport.close();
    throw error;
  }
}

/** So many of the files that differ are named. */
const mostNamed = 100;

/** The agent ends what runs when the lease is over; after this part of the time for ending, the guard does. */
const guardShare = 0.25;

/** A marker inside of that of this start, and of this process, which may be part of an attempt itself. */
function newMarker(start: OwnStart): string {
  const outer = process.env.PEXEN_ATTEMPT;
  const own = `${start.marker}/${randomBytes(8).toString('hex')}`;
  return outer === undefined ? own : `${outer}/${own}`;
}

/** With so many attempts a node has enough to do: its reports may wait a millisecond for others. Every packet wakes the server and the scheduler, which costs more than a report. */
const well = 12;

class Agent implements RunningNode {
  readonly name: string;
  readonly server: string;
  readonly #settings: NodeSettings;
  readonly #roots: Roots;
  readonly #code = new CodeCheck(systemClock);
  #receiver: BundleReceiver | undefined;
  /** The files that the run of this session has brought along. */
  #files:
    | { readonly session: string; readonly manifest: BundleManifest; readonly folder: string }
    | undefined;
  readonly #properties: Properties;
  readonly #transport: Transport;
  readonly #subjects: Subjects;
  readonly #id: string;
  readonly #start: OwnStart;
  readonly #core: NodeCore;
  readonly #clock = new LeaseClock();
  readonly #links = new Map<string, RemoteSlot>();
  /** Ends what runs if this process cannot, because it was stopped. */
  readonly #guard = new LeaseGuard();
  #guarded = { tenure: '', endsAtMs: 0, marker: '' };
  readonly #stopped = Promise.withResolvers<void>();
  #probing: Promise<boolean> | undefined;
  #cancelTick = (): void => {};
  #isFlushing = false;
  /** How many attempts its slots have. */
  #held = 0;
  /** It is to stop when it is idle, or at that time by the clock of timers. */
  #stopsAtMs: number | undefined;
  #isOver = false;

  constructor(
    settings: NodeSettings,
    roots: Roots,
    properties: Properties,
    start: OwnStart,
    transport: Transport,
  ) {
    const { name, slots, pool } = settings;
    this.name = name;
    this.server = transport.server;
    this.#settings = settings;
    this.#roots = roots;
    this.#start = start;
    this.#id = start.id;
    this.#properties = properties;
    this.#transport = transport;
    this.#subjects = new Subjects(pool);
    const fixed = {
      version: protocolVersion,
      format: formatVersion,
      codec: checkedCodec(isNodeOrder),
      announceMs,
    };
    const found = { properties: properties.all, bootMark: bootMark(), former: start.former };
    this.#core = new NodeCore({ ...fixed, ...found, node: this.#id, name, slots, keyOf });
  }

  get stopped(): Promise<void> {
    return this.#stopped.promise;
  }

  async start(): Promise<void> {
    this.#transport.subscribe(this.#subjects.toNode(this.name, this.#id), ({ bytes }) => {
      const packet = decodePacket(bytes);
      if (isToNode(packet)) this.#obey(this.#core.take(packet, this.#clock.now()));
    });
    this.#transport.subscribe(this.#subjects.ask, ({ bytes }) => {
      const question = decodePacket(bytes);
      if (!isQuestion(question)) return;
      if (question.probe) void this.#probe(question.id);
      else this.#obey(this.#core.announce(this.#clock.now(), question.id));
    });
    void this.#transport.closed.then((failure) => this.#end(failure));
    this.#stopped.promise.catch(() => {}); // It may be that no caller waits for it.
    await this.#transport.flush(); // A scheduler that hears of it must be able to reach it.
    this.#obey(this.#core.announce(this.#clock.now()));
    this.#tick();
  }

  /** Whoever asks meanwhile gets the same answer. */
  async #probe(question: string | undefined): Promise<void> {
    this.#probing ??= this.#properties.probe().finally(() => {
      this.#probing = undefined;
    });
    const hasChanged = await this.#probing;
    if (this.#isOver) return;
    if (hasChanged) this.#obey(this.#core.change(this.#properties.all, this.#clock.now()));
    this.#obey(this.#core.announce(this.#clock.now(), question));
  }

  drain(): void {
    this.#settings.log('drains: takes no further attempt');
    this.#stopsAtMs ??= Number.POSITIVE_INFINITY;
    this.#obey(this.#core.drain(this.#clock.now()));
    this.#endIfIdle();
  }

  stop(): void {
    this.#settings.log('stops: ends what runs');
    this.#obey(this.#core.stop(this.#clock.now()));
    this.#stopsAtMs = systemClock.now() + farewellMs;
    this.#endIfIdle();
  }

  #tick(): void {
    if (this.#isOver) return;
    this.#obey(this.#core.tick(this.#clock.now()));
    this.#endIfIdle();
    this.#cancelTick = systemClock.after(this.#core.tickMs, () => this.#tick());
  }

  #endIfIdle(): void {
    if (this.#stopsAtMs === undefined) return;
    const isLate = systemClock.now() > this.#stopsAtMs && this.#links.size === 0;
    if (this.#core.isIdle || isLate) void this.#end();
  }

  /** `failure`: why it has to. */
  async #end(failure?: PexenError): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#cancelTick();
    await Promise.all([...this.#links.values()].map((link) => link.close('kill')));
    this.#guard.close();
    this.#start.end();
    await this.#transport.close();
    if (failure === undefined) this.#stopped.resolve();
    else this.#stopped.reject(failure);
  }

  #obey(effects: readonly NodeEffect[]): void {
    this.#guardLease();
    for (const effect of effects) this.#obeyOne(effect);
  }

  /** Everything that runs carries a marker, by which the guard finds it: the same for sessions that have taken over from each other. */
  #guardLease(): void {
    const { lease } = this.#core;
    if (lease === undefined) {
      this.#receiver?.stop();
      this.#guard.dismiss();
      return;
    }
    const { tenure, endsAtMs, endingMs } = lease;
    if (tenure !== this.#guarded.tenure) {
      this.#guarded = { tenure, endsAtMs: 0, marker: newMarker(this.#start) };
      this.#roots.forget();
      this.#code.forget();
    }
    if (endsAtMs === this.#guarded.endsAtMs) return;
    this.#guarded = { ...this.#guarded, endsAtMs };
    this.#guard.renew(this.#guarded.marker, endsAtMs - this.#clock.now() + endingMs * guardShare);
  }

  #obeyOne(effect: NodeEffect): void {
    switch (effect.do) {
      case 'announce':
        this.#publish(this.#subjects.hello(this.name), effect.hello);
        break;
      case 'transmit':
        this.#publish(this.#subjects.fromNode(this.name, effect.host), effect.packet);
        break;
      case 'bundle':
        this.#receive(effect);
        break;
      case 'piece':
        if (effect.session === this.#receiver?.session) this.#receiver.take(effect, effect.bytes);
        break;
      case 'open':
        this.#open(effect);
        break;
      case 'run':
        this.#run(effect);
        break;
      case 'abort':
        this.#links.get(nameOf(effect.link))?.abort(effect.id, effect.reason);
        break;
      case 'credit':
        this.#links.get(nameOf(effect.link))?.credited(effect.id);
        break;
      case 'reclaim':
        this.#links.get(nameOf(effect.link))?.reclaim();
        break;
      case 'close':
        void this.#close(effect.link, effect.how);
        break;
      default:
        effect satisfies never;
    }
  }

  #open({ link, slot, recordsModules, sendsOutput }: Extract<NodeEffect, { do: 'open' }>): void {
    const { marker } = this.#guarded;
    const files = this.#files?.session === link.session ? this.#files : undefined;
    const cwd = files?.folder;
    const unusable = (error: unknown): void => {
      const failure = isPexenError(error) ? (error.problems[0]?.message ?? '') : messageOf(error);
      this.#settings.log(`can run nothing: ${failure}`);
      this.#core.say(link.session, { is: 'unfit', failure });
      this.#flushSoon();
    };
    const found = { slot, marker, cwd, recordsModules, sendsOutput, unusable };
    const options = { settings: this.#settings.remote, ...found };
    const remote = new RemoteSlot(options, (report) => {
      const there = files === undefined ? report : reportedFrom(report, files.folder, files.manifest.root);
      this.#obey(this.#core.report(link, there, this.#clock.recent()));
      this.#flushSoon();
    });
    this.#links.set(nameOf(link), remote);
  }

  /** The files of a run are brought here, and used for all that it sends. */
  #receive({ session, manifest }: Extract<NodeEffect, { do: 'bundle' }>): void {
    this.#receiver?.stop();
    const { log, roots, cache } = this.#settings;
    const options = { cache, packages: roots[0] ?? process.cwd(), clock: systemClock, log };
    const say = (report: Parameters<NodeCore['say']>[1]): void => {
      this.#core.say(session, report);
      this.#flushSoon();
    };
    this.#receiver = new BundleReceiver({ session, manifest }, options, {
      want: (pieces) => say({ is: 'wants', pieces }),
      ready: (folder) => {
        this.#files = { session, manifest, folder };
        say({ is: 'unpacked' });
      },
      failed: (failure) => say({ is: 'unpacked', failure }),
    });
    this.#receiver.start();
  }

  #run({ link, attempt, code }: Extract<NodeEffect, { do: 'run' }>): void {
    const remote = this.#links.get(nameOf(link));
    const { id } = attempt;
    const files = this.#files?.session === link.session ? this.#files : undefined;
    const here = files === undefined ? attempt : placed(attempt, files.manifest.root, files.folder);
    const refusal = this.#roots.refusalOf(here, files?.folder);
    const differing = code === undefined ? [] : this.#code.differing(code, files?.folder);
    if (refusal !== undefined) {
      remote?.report({ is: 'started', id, worker: 'none' });
      remote?.report({ is: 'ended', id, outcome: { kind: 'threw', error: encodeThrown(refusal) } });
    } else if (differing.length > 0) {
      this.#core.say(link.session, { is: 'other-code', files: differing.slice(0, mostNamed) });
      if (files !== undefined) void discardBundle(this.#settings.cache, files.manifest, differing);
      remote?.report({ is: 'ended', id, outcome: { kind: 'not-started', reason: 'its code is other' } });
    } else if (remote !== undefined) {
      this.#held++;
      void remote.run(here).finally(() => this.#held--);
    }
  }

  async #close(id: LinkId, how: 'drain' | 'kill'): Promise<void> {
    await this.#links.get(nameOf(id))?.close(how);
    if (!this.#links.delete(nameOf(id))) return; // Another call was first.
    this.#obey(this.#core.released(id, this.#clock.recent()));
    this.#flushSoon();
    this.#endIfIdle();
  }

  /** What is reported in one turn goes together. */
  #flushSoon(): void {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    const flush = (): void => {
      this.#isFlushing = false;
      this.#obey(this.#core.flush(this.#clock.recent()));
    };
    if (this.#held >= well) systemClock.after(1, flush);
    else setImmediate(flush);
  }

  #publish(subject: string, packet: object): void {
    this.#transport.publish(subject, encodePacket(packet));
  }
}

/** A service ends with the session that needs it. */
function keyOf({ work }: RemoteAttempt): Omit<AttemptKey, 'session'> | undefined {
  if (work.service !== undefined) return undefined;
  const { path, attempt } = work.kind === 'body' ? work.envelope : work;
  const isCleanup = work.kind === 'body' && work.envelope.part === 'cleanup';
  return { path, attempt, part: isCleanup ? 'cleanup' : 'body' };
}

function nameOf({ session, link }: LinkId): string {
  return `${session} ${link}`;
}
