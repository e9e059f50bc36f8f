/** Several real runs that share a lock over a real server, each behind a proxy of its own; what their tasks have written down is judged. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { findServer, type RunningServer, startServer } from '../../src/node.ts';
import { FaultyProxy } from '../chaos/proxy.ts';
import type { MemberArgs } from './member.ts';

/** One line of a run or of one of its tasks. Times are of one clock, in ns. */
export interface Line {
  readonly at: bigint;
  readonly what: string;
  readonly name: string;
  readonly detail: string;
}

/** A run. */
export interface Member {
  readonly name: string;
  readonly child: ChildProcess;
  readonly proxy: FaultyProxy;
  readonly ended: Promise<void>;
}

/** As long as a busy machine may take for anything. */
const longestMs = 90_000;

export class LockRig {
  readonly #folder = mkdtempSync(join(tmpdir(), 'pexen-cluster-'));
  readonly #store = join(this.#folder, 'store');
  readonly #ledger = join(this.#folder, 'ledger');
  readonly #members: Member[] = [];
  readonly #program: string;
  #server: RunningServer;

  private constructor(program: string, server: RunningServer) {
    this.#program = program;
    this.#server = server;
  }

  /** Rejects where there is no server. */
  static async start(): Promise<LockRig> {
    const { file } = await findServer();
    const first = await startServer(file);
    const port = Number(new URL(first.url).port);
    await first.stop();
    const rig = new LockRig(file, first);
    await rig.#startServer(port);
    return rig;
  }

  get port(): number {
    return Number(new URL(this.#server.url).port);
  }

  async #startServer(port: number): Promise<void> {
    mkdirSync(this.#store, { recursive: true });
    this.#server = await startServer(this.#program, { port, store: this.#store });
  }

  /** Starts a run with so many tasks. */
  async member(name: string, count: number, ms: number): Promise<Member> {
    const proxy = await FaultyProxy.before(this.port);
    const args: MemberArgs = { name, count, ms, ledger: this.#ledger, url: proxy.url };
    const program = fileURLToPath(new URL('member.ts', import.meta.url));
    const child = spawn(process.execPath, ['--conditions=@pexen/source', program, JSON.stringify(args)], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    const member = { name, child, proxy, ended };
    this.#members.push(member);
    return member;
  }

  /** The server ends, and comes back after a while. */
  async restartServer(afterMs: number, isWiped: boolean): Promise<void> {
    const { port } = this;
    await this.#server.stop();
    if (isWiped) rmSync(this.#store, { recursive: true, force: true });
    await pause(afterMs);
    await this.#startServer(port);
  }

  /** Resolves when the ledger shows it. */
  async until(isSo: (lines: readonly Line[]) => boolean): Promise<void> {
    for (const startMs = performance.now(); !isSo(this.lines()); await pause(5))
      if (performance.now() - startMs > longestMs) throw new Error(`it never comes: ${this.#tail()}`);
  }

  /** The run that holds the lock, as soon as one does. */
  async holder(): Promise<Member> {
    let found: Member | undefined;
    await this.until((lines) => {
      const last = lines.findLast(({ what }) => ['in', 'beat', 'out'].includes(what));
      found =
        last?.what === 'beat' ? this.#members.find(({ name }) => last.name.startsWith(name)) : undefined;
      return found !== undefined;
    });
    return found as Member;
  }

  /** The processes that guard a run. */
  guardsOf({ child }: Member): number[] {
    return readdirSync('/proc')
      .map(Number)
      .filter((pid) => Number.isInteger(pid) && this.#isGuard(pid, child.pid ?? 0));
  }

  #isGuard(pid: number, parent: number): boolean {
    try {
      const isGuard = readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('lock-guard');
      return isGuard && readFileSync(`/proc/${pid}/status`, 'utf8').includes(`PPid:\t${parent}\n`);
    } catch {
      return false;
    }
  }

  lines(): Line[] {
    let text = '';
    try {
      text = readFileSync(this.#ledger, 'utf8');
    } catch {
      return []; // no task has got so far
    }
    const lines = text.split('\n').slice(0, -1);
    const read = lines.map((line) => {
      const [at = '0', what = '', name = '', detail = ''] = line.split(' ');
      return { at: BigInt(at), what, name, detail };
    });
    return read.sort((a, b) => (a.at < b.at ? -1 : 1));
  }

  /** What is wrong: a task that ran while another one did, by any sign of life of either. */
  overlaps(): string[] {
    const problems = new Set<string>();
    let last: Line | undefined;
    const over = new Set<string>();
    for (const line of this.lines()) {
      if (!['in', 'beat', 'out'].includes(line.what)) continue;
      const attempt = `${line.name} in process ${line.detail}`;
      if (line.what === 'in') over.delete(attempt);
      if (over.has(attempt)) problems.add(`${attempt} goes on after another one has started`);
      if (line.what === 'in' && last !== undefined) over.add(`${last.name} in process ${last.detail}`);
      last = line;
    }
    return [...problems];
  }

  /** Those of the runs that have not ended all of their tasks. Waits for their end. */
  async unfinished(...members: readonly Member[]): Promise<string[]> {
    const all = Promise.all(members.map(({ ended }) => ended)).then(() => true);
    if (!(await Promise.race([all, pause(longestMs, false, { ref: false })])))
      return [`they do not end: ${this.#tail()}`];
    const done = this.lines().flatMap(({ what, name }) => (what === 'done' ? [name] : []));
    return members.flatMap(({ name }) => (done.includes(name) ? [] : [name]));
  }

  #tail(): string {
    return this.lines()
      .filter(({ what }) => what !== 'beat')
      .slice(-8)
      .map(({ what, name, detail }) => `${what} ${name} ${detail}`)
      .join(', ');
  }

  async stop(): Promise<void> {
    for (const { child, proxy } of this.#members) {
      child.kill('SIGCONT');
      child.kill('SIGKILL');
      proxy.close();
    }
    await this.#server.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
