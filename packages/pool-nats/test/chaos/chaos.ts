/**
 * One real run on real agents, whose connections, processes and server fail as the seed says; and what the marks of the bodies say about it: none may start
 * twice, and no two of one lock may run at the same time.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from '@pexen/sched';
import { nats } from '../../src/index.ts';
import { type RunningServer, startServer } from '../../src/node.ts';
import { type Marking, marking } from '../fixtures/marks.ts';
import { Random } from '../sim/random.ts';
import { AgentProcess } from '../support/agents.ts';
import { FaultyProxy } from './proxy.ts';
import type { SchedulerOptions } from './scheduler-program.ts';

const timing = { heartbeatMs: 250, leaseMs: 2_000, endingMs: 2_000 };
const agentCount = 3;
/** Of so many tasks one is long. */
const perLong = 21;
/** How many tasks each run has. */
export const taskCount: number = 24 * perLong;
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** What became of it. */
export interface Report {
  readonly violations: readonly string[];
  /** What was done, in order. */
  readonly actions: readonly string[];
  readonly results: Readonly<Record<string, number>>;
  readonly seconds: number;
}

/** How many tasks a run has whose scheduler is killed. */
const resumedCount = 30;

/** The scheduler is killed or stopped so often at most. */
const mostCuts = 4;

/** The same for a recorded run whose scheduler is killed, or stopped for a while and then killed, and resumed. */
export async function chaosWithResumes(seed: number, program: string): Promise<Report> {
  const folder = mkdtempSync(join(tmpdir(), 'pexen-chaos-'));
  const world = await World.start(seed, program);
  const startMs = performance.now();
  try {
    const { random } = world;
    const file = join(folder, 'marks');
    const results = join(folder, 'results');
    const tasks = Array.from({ length: resumedCount }, (_, n): Marking => {
      const isOnce = random.chance(0.5);
      const name = `${isOnce ? 'once' : 't'}${n}`;
      return { name, lock: `/lock/${random.int(0, 9)}`, file, ms: random.int(20, 900), isOnce };
    });
    writeFileSync(file, '');
    world.marks = file;
    const options = (isResume: boolean): SchedulerOptions => ({
      ...{
        runId: `01900000-0000-7000-8000-${String(seed).padStart(12, '0')}`,
        state: folder,
        results,
        isResume,
        tasks,
      },
      pool: { servers: world.schedulerUrl, pool: `chaos${seed}`, nodes: agentCount, ...timing },
    });
    const trouble = random.chance(0.5) ? world.trouble() : Promise.resolve();
    const cuts = random.int(1, mostCuts + 1);
    for (let cut = 0; ; cut++) {
      const scheduler = new SchedulerProcess(options(cut > 0));
      const isOver = cut < cuts ? await scheduler.endsWithin(random.int(2_500, 6_000)) : false;
      if (isOver || cut >= cuts) {
        await scheduler.ended;
        break;
      }
      await world.cutScheduler(scheduler);
    }
    world.isOver = true;
    await trouble;
    const text = readFileSync(results, 'utf8');
    const counts: Record<string, number> = {};
    for (const line of text.split('\n')) {
      const [what = ''] = line.split(' ');
      if (what !== '') counts[what] = (counts[what] ?? 0) + 1;
    }
    return {
      violations: [...violationsOf(readFileSync(file, 'utf8'), /^once/), ...resultsMissing(text, tasks)],
      actions: world.actions,
      results: counts,
      seconds: (performance.now() - startMs) / 1000,
    };
  } finally {
    await world.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The last session gives each result once. */
function resultsMissing(text: string, tasks: readonly Marking[]): string[] {
  const last = text.slice(text.lastIndexOf('session\n')).split('\n');
  return tasks.flatMap(({ name }) => {
    const given = last.filter(
      (line) => / (\S+) /.exec(line)?.[1]?.endsWith(name) === true && /^re/.test(line),
    );
    return given.length === 1 ? [] : [`${name} has ${given.length} results in the last session`];
  });
}

export async function chaos(seed: number, program: string): Promise<Report> {
  const folder = mkdtempSync(join(tmpdir(), 'pexen-chaos-'));
  const world = await World.start(seed, program);
  const startMs = performance.now();
  try {
    const file = join(folder, 'marks');
    const { random } = world;
    const tasks = Array.from({ length: taskCount }, (_, n): Marking => {
      const long = n - (n % perLong);
      // Many short ones follow each long one, without waiting for locks: they are sent ahead.
      if (n > long) return { name: `t${n}`, lock: `/own/${n}`, file, ms: 0, after: `t${long}` };
      return { name: `t${n}`, lock: `/lock/${random.int(0, 5)}`, file, ms: random.int(20, 500) };
    });
    world.marks = file;
    const pool = () =>
      nats({ servers: world.schedulerUrl, pool: `chaos${seed}`, nodes: agentCount, ...timing });
    const results = run(
      tasks.flatMap((each) => marking(each)),
      { pool, spare: 24 },
    );
    const trouble = world.trouble();
    const counts: Record<string, number> = {};
    const seen = new Set<string>();
    const violations: string[] = [];
    for await (const { path, status } of results) {
      if (seen.has(String(path))) violations.push(`${String(path)} has two results`);
      seen.add(String(path));
      counts[status] = (counts[status] ?? 0) + 1;
    }
    world.isOver = true;
    await trouble;
    if (seen.size !== tasks.length) violations.push(`${seen.size} results of ${tasks.length} tasks`);
    violations.push(...violationsOf(readFileSync(file, 'utf8')));
    return {
      violations,
      actions: world.actions,
      results: counts,
      seconds: (performance.now() - startMs) / 1000,
    };
  } finally {
    await world.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What the marks say. `once`: attempts whose names match start once; the others may be interrupted, and start again. */
export function violationsOf(text: string, once = /./): string[] {
  const violations: string[] = [];
  const marks = text
    .trim()
    .split('\n')
    .map((line) => {
      const [at = '', what = '', who = '', lock = ''] = line.split(' ');
      return { at: BigInt(at), what, who, lock, attempt: who.split('@')[0] ?? '' };
    })
    .sort((a, b) => (a.at < b.at ? -1 : 1));
  const started = new Set<string>();
  const latest = new Map<string, string>();
  for (const { what, who, lock, attempt } of marks) {
    if (what === 'start') {
      if (started.has(attempt) && once.test(attempt)) violations.push(`${attempt} started twice`);
      started.add(attempt);
      latest.set(lock, who);
    } else if (latest.get(lock) !== who) violations.push(`${who} ran while ${latest.get(lock)} held ${lock}`);
  }
  return [...new Set(violations)];
}

/** A session of the run, in a process of its own. */
class SchedulerProcess {
  readonly #child: ChildProcess;
  readonly ended: Promise<unknown>;

  constructor(options: SchedulerOptions) {
    const program = fileURLToPath(new URL('./scheduler-program.ts', import.meta.url));
    const args = ['--conditions=@pexen/source', program, JSON.stringify(options)];
    this.#child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
    this.ended = once(this.#child, 'exit');
  }

  /** True if it ends by itself within this time. */
  async endsWithin(ms: number): Promise<boolean> {
    return await Promise.race([this.ended.then(() => true), pause(ms).then(() => false)]);
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }
}

class World {
  readonly random: Random;
  readonly actions: string[] = [];
  isOver = false;
  /** The file with the marks of the bodies. */
  marks = '';
  readonly #seed: number;
  readonly #program: string;
  readonly #proxies: FaultyProxy[] = [];
  readonly #agents: AgentProcess[] = [];
  #server: RunningServer;
  readonly #port: number;

  private constructor(seed: number, program: string, server: RunningServer) {
    this.random = new Random(seed);
    this.#seed = seed;
    this.#program = program;
    this.#server = server;
    this.#port = Number(new URL(server.url).port);
  }

  static async start(seed: number, program: string): Promise<World> {
    const world = new World(seed, program, await startServer(program));
    for (let n = 0; n <= agentCount; n++) world.#proxies.push(await FaultyProxy.before(world.#port));
    for (let n = 0; n < agentCount; n++) world.#agents.push(await world.#startAgent(n));
    return world;
  }

  /** The last proxy is that of the scheduler. */
  get schedulerUrl(): string {
    return this.#proxies[agentCount]?.url ?? '';
  }

  /** Lets things go wrong for some seconds, and then puts everything right. */
  async trouble(): Promise<void> {
    const { random } = this;
    const count = random.int(1, 6);
    for (let n = 0; n < count && !this.isOver; n++) {
      await pause(random.int(200, 1_500));
      if (!this.isOver) await this.#act();
    }
    for (const proxy of this.#proxies) proxy.restore();
  }

  /** Kills the scheduler, or stops it for so long that its nodes give it up, and lets the next one wait for a while. */
  async cutScheduler(scheduler: SchedulerProcess): Promise<void> {
    const { random } = this;
    const stoppedMs = random.chance(0.3) ? random.int(200, 5_000) : 0;
    const waitMs = random.chance(0.5) ? 0 : random.int(0, 5_000);
    this.actions.push(`stop scheduler ${stoppedMs} ms, kill it, wait ${waitMs} ms`);
    if (stoppedMs > 0) {
      scheduler.signal('SIGSTOP');
      await pause(stoppedMs);
      if (random.chance(0.5)) {
        scheduler.signal('SIGCONT');
        await pause(300);
      }
    }
    scheduler.signal('SIGKILL');
    await scheduler.ended;
    await pause(waitMs);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#agents.map((agent) => agent.stop()));
    for (const proxy of this.#proxies) proxy.close();
    await this.#server.stop();
  }

  async #act(): Promise<void> {
    const { random } = this;
    const at = random.int(0, agentCount);
    const forMs = random.int(200, 5_000);
    const proxy = this.#proxies[random.int(0, agentCount + 1)] as FaultyProxy;
    const agent = this.#agents[at] as AgentProcess;
    const kind = random.int(0, 7);
    this.actions.push(
      `${['kill', 'stop', 'cut', 'half cut', 'slow', 'kill worker', 'restart server'][kind]} ${forMs} ms`,
    );
    switch (kind) {
      case 0:
        await agent.stop();
        await pause(Math.min(forMs, 1_000));
        this.#agents[at] = await this.#startAgent(at);
        break;
      case 1:
        agent.signal('SIGSTOP');
        await pause(forMs);
        agent.signal('SIGCONT');
        break;
      case 2:
      case 3:
        proxy.cut({ out: true, back: kind === 2 });
        await pause(forMs);
        proxy.restore();
        break;
      case 4:
        proxy.slow(random.int(50, 400));
        await pause(forMs);
        proxy.restore();
        break;
      case 5:
        this.#killWorker();
        break;
      default:
        process.kill(this.#server.pid, 'SIGKILL');
        await this.#server.ended;
        this.#server = await startServer(this.#program, { port: this.#port });
    }
  }

  /** Kills the worker process that has started a body last. */
  #killWorker(): void {
    const pid = Number(/.* start \S+@(\d+) /s.exec(textOf(this.marks))?.[1]);
    const isWorker = textOf(`/proc/${pid}/cmdline`).includes('pool-process');
    if (isWorker) process.kill(pid, 'SIGKILL');
  }

  #startAgent(n: number): Promise<AgentProcess> {
    const servers = this.#proxies[n]?.url ?? '';
    return AgentProcess.start([
      { servers, pool: `chaos${this.#seed}`, name: `n${n}`, slots: 2, roots: ['/'] },
    ]);
  }
}

/** The text of a file; '' if there is none. */
function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
