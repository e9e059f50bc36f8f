/**
 * A rogue with a valid key of its own, at a real server with the configuration that `pexen node --init-security` writes: it cannot read, answer, forge,
 * fence, drain or starve another node, nor act as a scheduler.
 */
import { once } from 'node:events';
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serialize } from 'node:v8';
import { connect, type NatsConnection, nkeys, PermissionViolationError } from '@nats-io/transport-node';
import { isPexenError, type Pool, type PoolContext, type Problem } from '@pexen/core';
import type { RemoteReport } from '@pexen/pool-process/remote';
import { run, task } from '@pexen/sched';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { byteCodec, decodePacket, encodePacket, formatVersion } from '../src/codec.ts';
import { nats } from '../src/index.ts';
import { clusterLocks } from '../src/locks.ts';
import { findNodes, initSecurity, type RunningNode, startNode } from '../src/node.ts';
import {
  type FromNode,
  type Hello,
  type NodeOrder,
  type NodeReport,
  protocolVersion,
  type ToNode,
} from '../src/protocol/messages.ts';
import { Subjects } from '../src/subjects.ts';
import { connectTransport } from '../src/transport.ts';
import { reads } from './fixtures/tasks.ts';
import { attemptOf } from './support/attempts.ts';
import { pool, SecuredServer } from './support/secured.ts';

const found = await SecuredServer.start(['one', 'mallory']).catch(
  (error: unknown) => String(error).split('\n')[0] ?? '',
);
const server = found as SecuredServer;

describe.skipIf(typeof found === 'string')('a rogue node', () => {
  let mallory: NatsConnection;
  let one: RunningNode;
  /** Everything that the scheduler and the node "one" may hear. */
  let bystander: Bystander;
  /** What the server has refused. */
  const refused: PermissionViolationError[] = [];

  beforeAll(async () => {
    mallory = await server.client('mallory');
    void follow(mallory, refused);
    bystander = await Bystander.start();
    one = await startNode({ ...server.options('one'), pool, name: 'one', slots: 1, roots: ['/'] });
  });

  afterAll(async () => {
    one.stop();
    await Promise.all([one.stopped, mallory.close(), bystander.stop()]);
    await server.stop();
  });

  describe('cannot listen to', () => {
    test.for([
      ['everything', '>'],
      ['everything of all pools', 'px1.>'],
      ['everything of the pool', `px1.${pool}.>`],
      ['orders for all nodes', `px1.${pool}.to.>`],
      ['orders for each node', `px1.${pool}.to.*.*`],
      ['orders for another node', `px1.${pool}.to.one.*`],
      ['orders for one start of another node', `px1.${pool}.to.one.abc`],
      ['orders for a node of its name in any pool', 'px1.*.to.mallory.*'],
      ['whatever has its name', `px1.${pool}.*.mallory.*`],
      ['reports of all nodes', `px1.${pool}.from.*.*`],
      ['reports of another node', `px1.${pool}.from.one.*`],
      ['greetings of others', `px1.${pool}.hello.*`],
      ['what the server answers schedulers', `px1.${pool}.unheard.>`],
      ['answers of any client', '_INBOX.>'],
      ['events of the server', '$SYS.>'],
      ['another pool', 'px1.other.ask'],
      ['all that runs say of locks that they share', `px1.${pool}.locks.>`],
      ['what a run gets to know about its locks', `px1.${pool}.locks.to.*`],
      ['what runs hold', `px1.${pool}.locks.kept.>`],
      ['what the server answers runs about their locks', `px1.${pool}.locks.inbox.>`],
      ['who has which run', `px1.${pool}.runs.>`],
      ['what the server answers schedulers about runs', `px1.${pool}.runs.inbox.>`],
    ] as const)('%s: %s', async ([, subject]) => {
      expect(await subscriptionOf(mallory, subject)).toBe('refused');
    });

    test('orders for another node as one of several receivers', async () => {
      expect(await subscriptionOf(mallory, `px1.${pool}.to.one.*`, 'all')).toBe('refused');
    });

    test('more than a few subjects at the same time', async () => {
      const many = await server.client('mallory');
      onTestFinished(() => many.close());
      const refusals: unknown[] = [];
      void (async () => {
        for await (const status of many.status()) if (status.type === 'error') refusals.push(status.error);
      })();
      for (let n = 0; n < 17; n++) many.subscribe(`px1.${pool}.to.mallory.${n}`, { callback: () => {} });
      await expect
        .poll(() => refusals.map(String))
        .toEqual([expect.stringMatching(/maximum subscriptions/i)]);
    });
  });

  describe('cannot send', () => {
    test.for([
      ['a greeting of another node', `px1.${pool}.hello.one`],
      ['a report of another node', `px1.${pool}.from.one.abc`],
      ['orders to another node', `px1.${pool}.to.one.abc`],
      ['orders to itself, as a scheduler', `px1.${pool}.to.mallory.abc`],
      ['a question to all nodes', `px1.${pool}.ask`],
      ['that another node is not there', `px1.${pool}.unheard.one.abc.abc`],
      ['that it is not there itself', `px1.${pool}.unheard.mallory.abc.abc`],
      ['a subject below its own', `px1.${pool}.hello.mallory.abc`],
      ['to another pool', 'px1.other.hello.mallory'],
      ['answers to any client', '_INBOX.abc'],
      ['requests to the server', '$SYS.REQ.SERVER.PING'],
      ['requests to JetStream', '$JS.API.STREAM.CREATE.abc'],
      ['that a run was given a lock', `px1.${pool}.locks.to.abc`],
      ['that it holds a lock', `px1.${pool}.locks.kept.run.mallory`],
      ['that it keeps the table of all locks', `px1.${pool}.locks.kept.epoch`],
      ['answers of the server about locks', `px1.${pool}.locks.inbox.abc`],
      ['an order to make the store of the locks again', `$JS.API.STREAM.CREATE.PEXEN_LOCKS_${pool}`],
      ['an order to change it', `$JS.API.STREAM.UPDATE.PEXEN_LOCKS_${pool}`],
      ['an order to remove it', `$JS.API.STREAM.DELETE.PEXEN_LOCKS_${pool}`],
      ['an order to empty it', `$JS.API.STREAM.PURGE.PEXEN_LOCKS_${pool}`],
      ['an order to remove what a run holds', `$JS.API.STREAM.MSG.DELETE.PEXEN_LOCKS_${pool}`],
      ['a question for what runs hold', `$JS.API.STREAM.MSG.GET.PEXEN_LOCKS_${pool}`],
      ['a question for which runs there are', `$JS.API.STREAM.INFO.PEXEN_LOCKS_${pool}`],
      ['that it has a run', `px1.${pool}.runs.kept.abc`],
      ['an order to change who has runs', `$JS.API.STREAM.UPDATE.PEXEN_RUNS_${pool}`],
      ['an order to remove who has runs', `$JS.API.STREAM.DELETE.PEXEN_RUNS_${pool}`],
      ['a question for who has a run', `$JS.API.STREAM.MSG.GET.PEXEN_RUNS_${pool}`],
    ] as const)('%s: %s', async ([, subject]) => {
      const before = refused.length;
      mallory.publish(subject, encodePacket({ id: rogueMark, probe: false }));
      await mallory.flush();
      await expect.poll(() => refused.slice(before).map((error) => error.subject)).toEqual([subject]);
      expect(await bystander.heard()).toEqual([]);
    });
  });

  describe('is not let in', () => {
    const plain = { maxReconnectAttempts: 0, reconnect: false, timeout: 2_000 };
    const tls = { caFile: typeof found === 'string' ? '' : join(server.folder, 'ca.crt') };

    test('without a key', async () => {
      await expect(connect({ ...plain, tls, servers: server.options('one').servers })).rejects.toThrow(
        /authorization/i,
      );
    });

    test('with a user and a password, or a token', async () => {
      const { servers } = server.options('one');
      await expect(connect({ ...plain, tls, servers, user: 'one', pass: 'one' })).rejects.toThrow(
        /authorization/i,
      );
      await expect(connect({ ...plain, tls, servers, token: 'one' })).rejects.toThrow(/authorization/i);
    });

    test('with a key that it has made itself', async () => {
      const file = join(temporaryFolder(), 'own.nkey');
      writeFileSync(file, nkeys.createUser().getSeed());
      await expect(connectTransport({ ...server.options('one'), nkey: file }, 'test')).rejects.toThrow(
        'PEXEN_NATS_CONNECT',
      );
    });

    test('with the public key of another', async () => {
      const own = nkeys.createUser();
      const { nkey } = server.options('one');
      const victim = nkeys.fromSeed(Buffer.from(readFileSync(nkey, 'utf8').trim())).getPublicKey();
      const forged = (nonce?: string) => ({
        nkey: victim,
        sig: Buffer.from(own.sign(Buffer.from(nonce ?? ''))).toString('base64url'),
      });
      const { servers } = server.options('one');
      await expect(connect({ ...plain, tls, servers, authenticator: forged })).rejects.toThrow(
        /authorization/i,
      );
    });

    test('as a node with another name', async () => {
      const options = { ...server.options('mallory'), pool, name: 'one', roots: ['/'] };
      expect(codeOf(await startNode(options).catch((error: unknown) => error))).toBe('PEXEN_NATS_DENIED');
    });

    test('as a node of another pool', async () => {
      const options = { ...server.options('mallory'), pool: 'other', name: 'mallory', roots: ['/'] };
      expect(codeOf(await startNode(options).catch((error: unknown) => error))).toBe('PEXEN_NATS_DENIED');
    });

    test('as a scheduler', async () => {
      const opened = nats({ ...server.options('mallory'), pool, waitMs: 500 }).open(contextWith([]));
      expect(codeOf(await opened.catch((error: unknown) => error))).toBe('PEXEN_NATS_DENIED');
    });

    test('to take locks that runs share, where a scheduler can', async () => {
      const settings = { ...{ pool, resources: ['/lab/**'] }, leaseMs: 500, endingMs: 500 };
      const counts = async (owner: string) => {
        const runLocks = clusterLocks({ ...server.options(owner), ...settings });
        return (await run([task({ name: 'holds', claims: ['/lab/board'] }, () => 1)], { runLocks }).summary)
          .counts;
      };
      expect(codeOf(await counts('mallory').catch((error: unknown) => error))).toBe('PEXEN_NATS_DENIED');
      expect(await counts('scheduler')).toEqual({ returned: 1 });
    });

    test('to see who works for the pool', async () => {
      const seen = findNodes({ ...server.options('mallory'), pool });
      expect(codeOf(await seen.catch((error: unknown) => error))).toBe('PEXEN_NATS_DENIED');
    });

    test('as the server: it has no certificate of the authority, and one without TLS gets nothing', async () => {
      const elsewhere = join(temporaryFolder(), 'security');
      await initSecurity({ folder: elsewhere, servers: 'tls://localhost:4222' });
      const { servers, nkey } = server.options('one');
      const trusting = (ca: string) => connectTransport({ servers, nkey, tls: { ca } }, 'test');
      await expect(trusting(join(elsewhere, 'ca.crt'))).rejects.toThrow('PEXEN_NATS_CONNECT');
      const listener = await PlainServer.start();
      for (const tlsOption of [undefined, server.options('one').tls]) {
        const options = {
          servers: `tls://127.0.0.1:${listener.port}`,
          token: 'secret',
          ...(tlsOption && { tls: tlsOption }),
        };
        await expect(connectTransport(options, 'test')).rejects.toThrow('PEXEN_NATS_CONNECT');
      }
      expect(listener.heard).toBe('');
    });
  });

  describe('cannot, under its own name,', () => {
    /** What it may try with the session of another, once it has learned all about it. */
    const tries: readonly (readonly [string, (lab: Lab) => FromNode])[] = [
      [
        'end the attempt of another',
        (lab) => lab.forged(reported(lab, { is: 'ended', outcome: { kind: 'returned', value: 'forged' } })),
      ],
      [
        'let the attempt of another crash',
        (lab) => lab.forged(reported(lab, { is: 'ended', outcome: { kind: 'crashed', reason: 'forged' } })),
      ],
      ['end all that another runs', (lab) => lab.forged({ is: 'over', reason: 'forged' })],
      ['drain another', (lab) => lab.forged({ is: 'draining' })],
      ['return the attempt of another', (lab) => lab.forged({ is: 'returned', ...lab.attempt })],
      ['release the slot of another', (lab) => lab.forged({ is: 'released', link: lab.attempt.link })],
      ['change what another is', (lab) => lab.forged({ is: 'changed', properties: { arch: 'forged' } })],
      [
        'swallow the next report of another',
        (lab) => lab.forged(reported(lab, { is: 'updates', updates: [] })),
      ],
      ['deny that another has a session', ({ session }) => ({ kind: 'refused', session, reason: 'unknown' })],
      [
        'fence the run from another',
        ({ session }) => ({ kind: 'refused', session, reason: 'fenced', epoch: 99 }),
      ],
      [
        'keep another alive',
        ({ session }) => ({ kind: 'frames', session, heardUpTo: 0, frames: [], stampMs: 1 }),
      ],
      [
        'acknowledge orders to another',
        ({ session }) => ({ kind: 'frames', session, heardUpTo: 1e9, frames: [] }),
      ],
      ['replay what another has sent', ({ lastPacket }) => lastPacket],
    ];

    test.for(tries)('%s', async ([, forge]) => {
      const lab = await Lab.open();
      onTestFinished(() => lab.close());
      mallory.publish(`px1.${pool}.from.mallory.${lab.host}`, encodePacket(forge(lab)));
      await mallory.flush();
      await lab.expectUndisturbed();
      expect(lab.warnings).toEqual([]);
    });

    test('take the place of another by greeting with the id of its agent', async () => {
      const lab = await Lab.open();
      onTestFinished(() => lab.close());
      mallory.publish(
        `px1.${pool}.hello.mallory`,
        encodePacket({ ...helloOf('mallory', lab.victim), slots: 9 }),
      );
      await mallory.flush();
      await lab.expectUndisturbed();
      expect(lab.warnings).toEqual([]);
    });
  });

  describe('is used no more once it', () => {
    const deeds: readonly (readonly [string, (lab: Lab) => readonly [string, Uint8Array | object]])[] = [
      ['greets with the name of another', () => ['hello.mallory', helloOf('one', 'abc')]],
      ['greets with an id that leads elsewhere', () => ['hello.mallory', helloOf('mallory', 'x.>')]],
      [
        'has more slots than any machine',
        () => ['hello.mallory', { ...helloOf('mallory', 'abc'), slots: 1e9 }],
      ],
      ['sends no packet at all', ({ host }) => [`from.mallory.${host}`, Buffer.from('{"kind":"frames"}')]],
      [
        'sends frames that are none',
        ({ host, session }) => [
          `from.mallory.${host}`,
          { kind: 'frames', session, heardUpTo: Number.NaN, frames: {} },
        ],
      ],
    ];
    test.for(deeds)('%s', async ([, deed]) => {
      const lab = await Lab.open();
      onTestFinished(() => lab.close());
      const [subject, packet] = deed(lab);
      mallory.publish(`px1.${pool}.${subject}`, packet instanceof Uint8Array ? packet : serialize(packet));
      await mallory.flush();
      await lab.expectUndisturbed();
      expect(lab.warnings.map(({ code }) => code)).toEqual(['PEXEN_NODE_DISTRUSTED']);
      expect(lab.warnings[0]?.message).toContain('"mallory"');
    });
  });

  test('does not stop others by a flood', async () => {
    const lab = await Lab.open();
    onTestFinished(() => lab.close());
    const subject = `px1.${pool}.from.mallory.${lab.host}`;
    const packet = encodePacket({ kind: 'refused', session: lab.session, reason: 'unknown' });
    for (let n = 1; n <= 100_000 && lab.warnings.length === 0; n++) {
      mallory.publish(subject, packet);
      if (n % 20_000 === 0) await mallory.flush();
    }
    await lab.expectUndisturbed();
  });

  test('has no way back once its key was revoked, and others do not notice', async () => {
    const [stolen, intruder] = [server.keyOf('mallory'), await server.client('mallory')];
    await initSecurity({ folder: server.folder, revoke: ['mallory'] });
    server.reload();
    await intruder.closed();
    await expect(server.client(stolen)).rejects.toThrow(/authorization/i);
    const lab = await Lab.open();
    onTestFinished(() => lab.close());
    await lab.expectUndisturbed();
  });
});

test('there is a server to test with', ({ skip }) => {
  if (typeof found === 'string') skip(found);
  expect(server.port).toMatch(/^\d+$/);
});

/** A run with an attempt on the node "one", and everything that a rogue would have to learn to disturb it. */
class Lab {
  readonly warnings: Problem[];
  readonly #pool: Pool;
  readonly #file: string;
  readonly #running: ReturnType<typeof attemptOf>;
  readonly #wire: Wire;

  private constructor(pool: Pool, warnings: Problem[], wire: Wire) {
    this.#pool = pool;
    this.warnings = warnings;
    this.#wire = wire;
    this.#file = join(mkdtempSync(join(tmpdir(), 'pexen-rogue-')), 'file');
    this.#running = attemptOf(pool, reads, { file: this.#file });
  }

  static async open(): Promise<Lab> {
    const wire = await Wire.tap();
    const warnings: Problem[] = [];
    const opened = nats({ ...server.options('scheduler'), pool, heartbeatMs: 500, leaseMs: 10_000 });
    await opened.open(contextWith(warnings));
    const lab = new Lab(opened, warnings, wire);
    await lab.#running.started;
    await wire.flush();
    return lab;
  }

  /** The id of the scheduler. */
  get host(): string {
    return this.#wire.host;
  }

  get session(): string {
    return this.#wire.session;
  }

  /** The id of the agent of "one". */
  get victim(): string {
    return this.session.split('.')[1] ?? '';
  }

  /** The attempt that runs, as messages name it. */
  get attempt(): { readonly link: number; readonly id: number } {
    return this.#wire.attempt;
  }

  /** The last packet with frames of "one". */
  get lastPacket(): FromNode {
    return this.#wire.lastPacket;
  }

  /** A packet with the frame for which the scheduler waits. */
  forged(report: NodeReport): FromNode {
    const frames = byteCodec
      .encode(report)
      .map(({ piece, size }, n) => ({ number: this.#wire.nextNumber + n, piece, size }));
    return { kind: 'frames', session: this.session, heardUpTo: 0, frames };
  }

  /** The attempt ends only with what its body returns: whatever was sent before it has been heard by then. */
  async expectUndisturbed(): Promise<void> {
    // The body must not see the file while it is empty.
    writeFileSync(`${this.#file}.new`, 'real');
    renameSync(`${this.#file}.new`, this.#file);
    expect(await this.#running.outcome).toMatchObject({ kind: 'returned', value: 'real' });
    expect(this.#wire.isLeft).toBe(false);
  }

  async close(): Promise<void> {
    await this.#pool.close('kill');
    await this.#wire.close();
    rmSync(join(this.#file, '..'), { recursive: true });
  }
}

/** Everything between schedulers and the node "one", read with both their keys. */
class Wire {
  host = '';
  session = '';
  attempt = { link: 0, id: 0 };
  /** The number of the next frame of "one". */
  nextNumber = 1;
  lastPacket: FromNode = { kind: 'refused', session: '', reason: 'unknown' };
  /** The scheduler has left the node. */
  isLeft = false;
  readonly #clients: readonly NatsConnection[];

  private constructor(clients: readonly NatsConnection[]) {
    this.#clients = clients;
  }

  static async tap(): Promise<Wire> {
    const clients = await Promise.all(['one', 'scheduler'].map((owner) => server.client(owner)));
    const wire = new Wire(clients);
    const [asNode, asScheduler] = clients as [NatsConnection, NatsConnection];
    asNode.subscribe(`px1.${pool}.to.one.*`, {
      callback: (_, { data }) => wire.#order(decodePacket(data) as ToNode),
    });
    asScheduler.subscribe(`px1.${pool}.from.one.*`, {
      callback: (_, { data }) => wire.#report(decodePacket(data) as FromNode),
    });
    await wire.flush();
    return wire;
  }

  async flush(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.flush()));
  }

  async close(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()));
  }

  #order(packet: ToNode): void {
    if (packet.kind === 'join') {
      this.host = packet.host;
      this.session = packet.session;
    }
    if (packet.kind === 'leave' && packet.session === this.session) this.isLeft = true;
    if (packet.kind !== 'frames') return;
    const decode = byteCodec.decoder();
    for (const { piece } of packet.frames) {
      const order = decode(piece) as NodeOrder | undefined;
      if (order?.do === 'run') this.attempt = { link: order.link, id: order.attempt.id };
    }
  }

  #report(packet: FromNode): void {
    if (packet.kind !== 'frames' || packet.session !== this.session) return;
    const last = packet.frames.at(-1);
    if (last === undefined) return;
    this.nextNumber = Math.max(this.nextNumber, last.number + 1);
    this.lastPacket = packet;
  }
}

/** Hears everything that schedulers and the node "one" hear, and is asked what came of the rogue. */
class Bystander {
  readonly #clients: readonly NatsConnection[];
  readonly #heard: string[] = [];

  private constructor(clients: readonly NatsConnection[]) {
    this.#clients = clients;
  }

  static async start(): Promise<Bystander> {
    const clients = await Promise.all(['one', 'scheduler'].map((owner) => server.client(owner)));
    const bystander = new Bystander(clients);
    const [asNode, asScheduler] = clients as [NatsConnection, NatsConnection];
    const { subscribe } = new Subjects(pool).permissionsOfNode('one');
    bystander.#listen(asNode, subscribe);
    bystander.#listen(asScheduler, new Subjects(pool).permissionsOfScheduler.subscribe);
    await bystander.#flush();
    return bystander;
  }

  /** What the rogue has sent, by its subjects. */
  async heard(): Promise<readonly string[]> {
    await this.#flush();
    return this.#heard.splice(0);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()));
  }

  #listen(client: NatsConnection, subjects: readonly string[]): void {
    for (const each of subjects)
      client.subscribe(each, {
        callback: (_, { subject, data }) => {
          const { id } = (decodePacket(data) ?? {}) as { readonly id?: unknown };
          if (id === rogueMark) this.#heard.push(subject);
        },
      });
  }

  async #flush(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.flush()));
  }
}

/** By this a packet of the rogue is known. */
const rogueMark = 'mallory';

/** Speaks without TLS, as a server would that someone has put in the way. */
class PlainServer {
  heard = '';
  readonly #server: Server;

  private constructor(listener: Server) {
    this.#server = listener;
    listener.on('connection', (socket) => {
      socket.on('error', () => {});
      socket.on('data', (chunk) => (this.heard += chunk));
      socket.write(
        'INFO {"server_id":"a","version":"2.10.0","proto":1,"max_payload":1048576,"headers":true}\r\n',
      );
    });
  }

  static async start(): Promise<PlainServer> {
    const listener = createServer().listen(0, '127.0.0.1');
    await once(listener, 'listening');
    onTestFinished(() => void listener.close());
    return new PlainServer(listener);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }
}

/** A report about the attempt of another. */
function reported({ attempt: { link, id } }: Lab, report: object): NodeReport {
  return { is: 'reported', link, report: { id, ...report } as RemoteReport };
}

/** Collects what the server refuses to this client. */
async function follow(client: NatsConnection, refused: PermissionViolationError[]): Promise<void> {
  for await (const status of client.status())
    if (status.type === 'error' && status.error instanceof PermissionViolationError)
      refused.push(status.error);
}

async function subscriptionOf(client: NatsConnection, subject: string, queue?: string): Promise<string> {
  let result = 'allowed';
  client.subscribe(subject, {
    ...(queue !== undefined && { queue }),
    callback: (error) => {
      if (error instanceof PermissionViolationError) result = 'refused';
    },
  });
  await client.flush();
  return result;
}

function helloOf(name: string, node: string): Hello {
  return {
    ...{ version: protocolVersion, format: formatVersion, node, name, slots: 1, state: 'free' },
    ...{ properties: {}, bootMark: 'b', stampMs: 0 },
  };
}

function contextWith(warnings: Problem[]): PoolContext {
  return {
    slotsChanged: () => {},
    workerLost: () => {},
    lateError: () => {},
    warn: (warning) => void warnings.push(warning),
  };
}

function codeOf(error: unknown): string | undefined {
  return isPexenError(error) ? error.problems[0]?.code : undefined;
}

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'pexen-rogue-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
