/**
 * What fails between a run and its nodes, one thing at a time: with a real server, and agents in processes of their own. What else can fail has tests
 * beside this one; docs/proof.md lists all of them.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { PlacedTask, Problem, Result } from '@pexen/core';
import { run } from '@pexen/sched';
import { describe, expect, test } from 'vitest';
import { JumpingClock } from '#jumping-clock';
import { sampled } from '#sample';
import { type NatsOptions, nats } from '../src/index.ts';
import { findServer, type RunningServer, startServer } from '../src/node.ts';
import type { SchedulerOptions } from './chaos/scheduler-program.ts';
import { marks, needs, prepares, prints, returns, waitsFor, watchesClock } from './fixtures/tasks.ts';
import { AgentProcess } from './support/agents.ts';

const found = await findServer().catch((error: unknown) => String(error).split('\n')[0]);
const serverFile = typeof found === 'object' ? found.file : '';
const day = 86_400;
const timing = { heartbeatMs: 200, leaseMs: 2_000, endingMs: 1_000 };

type AgentStart = NonNullable<Parameters<typeof AgentProcess.start>[1]>;

const bootId = '/proc/sys/kernel/random/boot_id';

/** The id of the nth boot. */
function bootOf(boot: number): string {
  return `00000000-0000-4000-8000-00000000000${boot}`;
}

/** Why a case cannot be played here. */
class Skipped extends Error {}

/** Resolves when it is so. A test that never is so ends with its timeout. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await sleep(20);
}

/** The text of a file; '' if there is none. */
function textOf(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}

/** Takes all the space, and all the files, that there are. */
function fill(disk: string): void {
  spawnSync('sh', ['-c', `dd if=/dev/zero of=${disk}/zeros bs=1k`]);
  spawnSync('sh', ['-c', `i=0; while : > ${disk}/file$i; do i=$((i+1)); done`]);
}

/** A server, and what was started for it; all of it ends with the test. */
class Lab {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'pexen-failures-'));
  readonly warnings: string[] = [];
  readonly #ends: (() => unknown)[] = [];
  #server: RunningServer | undefined;

  static async open(): Promise<Lab> {
    const lab = new Lab();
    await lab.startServer();
    return lab;
  }

  async startServer(port = 0): Promise<void> {
    this.#server = await startServer(serverFile, { port });
  }

  get servers(): string {
    return this.#server?.url ?? '';
  }

  get pool(): NatsOptions {
    return { servers: this.servers, pool: 'lab', ...timing };
  }

  async killServer(): Promise<number> {
    process.kill(this.#server?.pid ?? 0, 'SIGKILL');
    await this.#server?.ended;
    return Number(new URL(this.servers).port);
  }

  /** `boot`: it sees the machine in another boot. */
  async agent(
    name: string,
    { boot, ...start }: AgentStart & { readonly boot?: number } = {},
  ): Promise<AgentProcess> {
    const { servers } = this;
    const env = { XDG_CACHE_HOME: this.file(`cache-${name}`), LAB_NODE: name, ...start.env };
    const inBoot = boot === undefined ? {} : { command: this.#inBoot(boot) };
    const nodes = [{ servers, pool: 'lab', name, slots: 1, roots: ['/'] }];
    const agent = await AgentProcess.start(nodes, { ...start, ...inBoot, env });
    this.#ends.push(() => agent.stop());
    return agent;
  }

  /** In a mount namespace the file with the id of the boot is another one. */
  #inBoot(boot: number): readonly string[] {
    const file = this.file(`boot-${boot}`);
    writeFileSync(file, bootOf(boot));
    const command = ['unshare', '-m', 'sh', '-c', `mount --bind '${file}' ${bootId} && exec "$@"`, 'sh'];
    const [unshare = '', ...args] = command;
    if (spawnSync(unshare, [...args, 'true']).status !== 0)
      throw new Skipped('a process cannot be shown another id of the boot here');
    return command;
  }

  /** Two nodes that are prepared, with usual leases, and a test on one of them that needs that and goes on. */
  async preparedNodes() {
    const agents: Record<string, AgentProcess> = {};
    for (const name of ['one', 'two']) agents[name] = await this.agent(name, { boot: 1 });
    const file = this.file('ledger');
    const ledger = (): readonly string[] => textOf(file).split('\n').filter(Boolean);
    const [a, b] = [prepares.with({ file }), needs.with({ file })];
    const running = this.run({ a, b }, () => {}, { servers: this.servers, pool: 'lab', nodes: 2 });
    await until(() => ledger().some((line) => line.startsWith('needs')) && ledger().length === 3);
    const [, node = ''] =
      ledger()
        .find((line) => line.startsWith('needs'))
        ?.split(' ') ?? [];
    return { ledger, running, agents, first: node, other: node === 'one' ? 'two' : 'one' };
  }

  /**
   * Two nodes on which a recorded run has set up what its first test needs, which goes on; then the scheduler was killed, and the node that does not have the test has booted.
   * `isServed`: what is set up is built on a service of each node.
   */
  async recordedNodes(isServed: boolean) {
    const agents: Record<string, AgentProcess> = {};
    for (const name of ['one', 'two']) agents[name] = await this.agent(name, { boot: 1 });
    const file = this.file('ledger');
    const ledger = (): readonly string[] => textOf(file).split('\n').filter(Boolean);
    const session = (isResume: boolean) => {
      const { servers } = this;
      const given = JSON.stringify({ state: this.file('state'), servers, file, isResume, isServed });
      const scheduler = fileURLToPath(new URL('./support/setup-scheduler.ts', import.meta.url));
      const argv = ['--conditions=@pexen/source', scheduler, given];
      const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'] });
      const going = { child, output: '', ended: once(child, 'exit') };
      child.stdout.setEncoding('utf8').on('data', (text: string) => (going.output += text));
      return going;
    };
    const former = session(false);
    const setUp = isServed ? 'fills' : 'prepares';
    const isSetUp = (name: string): boolean =>
      former.output.includes(`result set-up/${setUp}@${name} returned`);
    const use = (): string | undefined => ledger().find((line) => line.startsWith('needs'));
    await until(() => isSetUp('one') && isSetUp('two') && use() !== undefined);
    former.child.kill('SIGKILL');
    const used = use()?.split(' ')[1] ?? '';
    const booted = used === 'one' ? 'two' : 'one';
    await agents[booted]?.stop();
    await this.agent(booted, { boot: 2 });
    return { former, ledger, used, booted, resume: () => session(true) };
  }

  file(name: string): string {
    return join(this.folder, name);
  }

  async has(name: string): Promise<string> {
    await expect
      .poll(() => existsSync(this.file(name)) && readFileSync(this.file(name), 'utf8'))
      .toBeTruthy();
    return readFileSync(this.file(name), 'utf8');
  }

  write(name: string): void {
    writeFileSync(this.file(name), name);
  }

  /** `consume` is called with each result before the next one is asked for. */
  async run(
    tasks: Readonly<Record<string, PlacedTask['task']>>,
    consume: (result: Result) => unknown = () => {},
    pool: NatsOptions = this.pool,
  ): Promise<Readonly<Record<string, Result>>> {
    const placed = Object.entries(tasks).map(([name, task]): PlacedTask => ({ under: [name], task }));
    const results: Record<string, Result> = {};
    const onWarning = ({ message }: Problem) => void this.warnings.push(message);
    for await (const result of run(placed, { pool: () => nats(pool), onWarning })) {
      results[result.path.split('/')[0] ?? ''] = result;
      await consume(result);
    }
    return results;
  }

  /** A folder on a disk of its own. */
  smallDisk(): string {
    const disk = mkdtempSync(join(this.folder, 'disk-'));
    const { status } = spawnSync('mount', [
      '-t',
      'tmpfs',
      '-o',
      'size=512k,nr_inodes=200,mode=1777',
      'pexen',
      disk,
    ]);
    if (status !== 0) throw new Skipped('a small disk needs Linux and root');
    this.#ends.push(() => spawnSync('umount', ['--lazy', disk]));
    return disk;
  }

  clock(): JumpingClock {
    const clock = JumpingClock.in(this.folder);
    if (clock === undefined) throw new Skipped('a clock that jumps needs Linux and a C compiler');
    return clock;
  }

  async close(): Promise<void> {
    for (const end of this.#ends.reverse()) await end();
    await this.#server?.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** What fails, and what follows. */
const cases: Readonly<Record<string, (lab: Lab) => Promise<void>>> = {
  'the time of day of a node jumps by a day, there and back: nothing': async (lab) => {
    const clock = lab.clock();
    await lab.agent('one', { env: { ...clock.variables } });
    const [seen, go] = [lab.file('seen'), lab.file('go')];
    const running = lab.run({ a: watchesClock.with({ file: seen, until: go }), b: returns });
    await lab.has('seen');
    for (const offset of [day, -day]) {
      clock.set(offset);
      const leastMs = offset === day ? day : 2 * day;
      await until(() => Number(textOf(seen)) > leastMs * 999);
    }
    // Longer than the lease after the last jump.
    await sleep(timing.leaseMs + timing.endingMs);
    lab.write('go');
    const { a, b } = await running;
    expect([a?.status, b?.status]).toEqual(['returned', 'returned']);
    expect(a?.attempts[0]?.durationMs).toBeLessThan(60_000);
  },

  'the time of day of the scheduler jumps by a day, there and back: nothing': async (lab) => {
    const clock = lab.clock();
    await lab.agent('one');
    const tasks = ['t0', 't1', 't2'].map((name) => {
      return { name, lock: '/l', file: lab.file('marks'), ms: 1_000, isOnce: true };
    });
    const options: SchedulerOptions = {
      ...{
        runId: '01900000-0000-7000-8000-000000000001',
        state: lab.file('state'),
        results: lab.file('results'),
      },
      ...{ isResume: false, tasks, pool: lab.pool },
    };
    const scheduler = fileURLToPath(new URL('./chaos/scheduler-program.ts', import.meta.url));
    const args = ['--conditions=@pexen/source', scheduler, JSON.stringify(options)];
    const child = spawn(process.execPath, args, {
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, ...clock.variables },
    });
    const ended = once(child, 'exit');
    for (const [name, offset] of [
      ['t0', day],
      ['t1', -day],
    ] as const) {
      await until(() => textOf(lab.file('marks')).includes(` start ${name}`));
      clock.set(offset);
    }
    expect(await ended).toEqual([0, null]);
    const lines = readFileSync(lab.file('results'), 'utf8').split('\n');
    expect(lines.filter((line) => line.startsWith('result')).map((line) => line.split(' ').at(-1))).toEqual([
      ...['returned', 'returned', 'returned'],
    ]);
  },

  'the server is killed while a test ends, and the next one knows nothing: its result arrives': async (
    lab,
  ) => {
    await lab.agent('one');
    const running = lab.run({ a: waitsFor.with({ file: lab.file('go') }), b: returns });
    await lab.has('go.started');
    const port = await lab.killServer();
    lab.write('go');
    await lab.has('go.ended');
    await lab.startServer(port);
    const { a, b } = await running;
    expect([a?.status, b?.status]).toEqual(['returned', 'returned']);
    expect(a?.attempts.length).toBe(1);
  },

  'the consumer of the results waits for longer than the lease: nothing is lost, and nothing starts beyond the spare places':
    async (lab) => {
      await lab.agent('one');
      const counts: number[] = [];
      const tasks = Object.fromEntries(
        Array.from({ length: 6 }, (_, n) => [`t${n}`, marks.with({ file: lab.file(`t${n}`) })]),
      );
      let isFirst = true;
      const results = await lab.run(tasks, async () => {
        if (!isFirst) return;
        isFirst = false;
        await sleep(2 * (timing.leaseMs + timing.endingMs));
        counts.push(
          Array.from({ length: 6 }, (_, n) => existsSync(lab.file(`t${n}`))).filter(Boolean).length,
        );
      });
      expect(Object.values(results).map(({ status }) => status)).toEqual(Array(6).fill('returned'));
      expect(counts[0]).toBeLessThan(6);
    },

  'a worker process of a node is killed: its test has crashed at once, and the next one runs': async (
    lab,
  ) => {
    await lab.agent('one');
    const running = lab.run({ a: waitsFor.with({ file: lab.file('go') }), b: returns });
    process.kill(Number(await lab.has('go.started')), 'SIGKILL');
    const { a, b } = await running;
    expect([a?.status, b?.status]).toEqual(['crashed', 'returned']);
    expect(JSON.stringify(a?.attempts)).toContain('SIGKILL');
  },

  'a node speaks another version of the protocol: it is named, and the others are used': async (lab) => {
    const other = fileURLToPath(new URL('./fixtures/other-version.mjs', import.meta.url));
    await lab.agent('other', { flags: ['--import', other] });
    await lab.agent('one');
    const results = await lab.run({ a: returns, b: returns, c: returns });
    const workers = Object.values(results).map(({ attempts }) => attempts[0]?.worker);
    expect(workers).toEqual(['one/0', 'one/0', 'one/0']);
    expect(lab.warnings).toEqual([
      expect.stringContaining('the node "other" is not used: it speaks protocol'),
    ]);
  },

  'a machine boots in the middle: what ran there is lost at once, and only there it is set up again': async (
    lab,
  ) => {
    const { ledger, running, first, other, agents } = await lab.preparedNodes();
    await agents[first]?.stop();
    const bootedMs = performance.now();
    await lab.agent(first, { boot: 2 });
    await until(() => ledger().includes(`prepares ${first} ${bootOf(2)}`));
    await until(() => ledger().filter((line) => line.startsWith('needs')).length === 2);
    // Leases of the usual length would last for 43 seconds.
    expect(performance.now() - bootedMs).toBeLessThan(30_000);
    lab.write('ledger.go');
    const { b } = await running;
    expect(b?.attempts.map(({ outcome }) => outcome.kind)).toEqual(['lost', 'returned']);
    const prepared = ledger().filter((line) => line.startsWith('prepares'));
    const boots = [`${first} ${bootOf(1)}`, `${other} ${bootOf(1)}`, `${first} ${bootOf(2)}`];
    expect(prepared.toSorted()).toEqual(boots.map((each) => `prepares ${each}`).toSorted());
  },

  'an agent is killed, and started again in the same boot: lost at once, and nothing is set up again': async (
    lab,
  ) => {
    const { ledger, running, first, agents } = await lab.preparedNodes();
    await agents[first]?.stop();
    const startedMs = performance.now();
    await lab.agent(first, { boot: 1 });
    await until(() => ledger().filter((line) => line.startsWith('needs')).length === 2);
    expect(performance.now() - startedMs).toBeLessThan(30_000);
    lab.write('ledger.go');
    const { b } = await running;
    expect(b?.attempts.map(({ outcome }) => outcome.kind)).toEqual(['lost', 'returned']);
    expect(ledger().filter((line) => line.startsWith('prepares')).length).toBe(2);
  },

  'the scheduler is killed, and the run resumed: only a node that has booted meanwhile is set up again':
    async (lab) => {
      const { former, ledger, booted, used, resume } = await lab.recordedNodes(false);
      const later = resume();
      await until(() => ledger().includes(`prepares ${booted} ${bootOf(2)}`));
      lab.write('ledger.go');
      expect(await later.ended).toEqual([0, null]);
      const prepared = ledger().filter((line) => line.startsWith('prepares'));
      const boots = [`one ${bootOf(1)}`, `two ${bootOf(1)}`, `${booted} ${bootOf(2)}`];
      expect(prepared.toSorted(), later.output).toEqual(boots.map((each) => `prepares ${each}`).toSorted());
      expect(former.output).toContain(`result set-up/prepares@${used} returned`);
      expect(later.output).toContain(`recalled set-up/prepares@${used} returned`);
    },

  'the scheduler is killed, and the run resumed: the service of each node starts there once more, and so does what is built on it':
    async (lab) => {
      const { ledger, booted, used, resume } = await lab.recordedNodes(true);
      const before = ledger().length;
      const later = resume();
      const since = (): readonly string[] => ledger().slice(before);
      const of = (what: string) =>
        since()
          .filter((line) => line.startsWith(what))
          .toSorted();
      await until(() => ['serves', 'fills'].every((what) => of(what).length === 2));
      lab.write('ledger.go');
      expect(await later.ended).toEqual([0, null]);
      const places = [`${used} ${bootOf(1)}`, `${booted} ${bootOf(2)}`];
      expect(of('serves'), later.output).toEqual(places.map((each) => `serves ${each}`).toSorted());
      expect(of('fills'), later.output).toEqual(places.map((each) => `fills ${each}`).toSorted());
      expect(of('needs').length, later.output).toBe(2);
      expect(ledger().join('\n')).not.toContain('twice');
    },

  'the disk of a node is full: what runs there ends well, and the rest runs elsewhere': async (lab) => {
    const disk = lab.smallDisk();
    await lab.agent('full', { env: { TMPDIR: disk } });
    const running = lab.run({ a: waitsFor.with({ file: lab.file('go') }), b: prints, c: returns });
    await lab.has('go.started');
    await lab.agent('one');
    fill(disk);
    lab.write('go');
    const { a, b, c } = await running;
    expect([a?.status, b?.status, c?.status]).toEqual(['returned', 'returned', 'returned']);
    expect([a, b, c].map((result) => result?.attempts.length)).toEqual([1, 1, 1]);
    const refusal = lab.run({ a: prints, b: prints, c: prints, d: returns });
    expect(Object.values(await refusal).map(({ status }) => status)).toEqual(Array(4).fill('returned'));
    expect(lab.warnings.length).toBeGreaterThan(0);
    for (const warning of lab.warnings)
      expect(warning).toMatch(/the node "full" is not used any more.*no space left/);
  },

  'the disks of all nodes are full: the run ends with that error': async (lab) => {
    const disk = lab.smallDisk();
    await lab.agent('full', { env: { TMPDIR: disk } });
    fill(disk);
    await expect(lab.run({ a: prints, b: returns })).rejects.toThrow(/PEXEN_NODE_UNFIT.*no space left/);
  },
};

describe.skipIf(serverFile === '')('where this fails', () => {
  test.concurrent.for(sampled(Object.entries(cases)))('%s', async ([, play], { skip, onTestFinished }) => {
    const lab = await Lab.open();
    onTestFinished(() => lab.close());
    await play(lab).catch((error: unknown) => {
      if (!(error instanceof Skipped)) throw error;
      skip(error.message);
    });
  });
});

test('there is a server to test with', ({ skip }) => {
  if (serverFile === '') skip(String(found));
  expect(serverFile).toMatch(/nats-server/);
});
