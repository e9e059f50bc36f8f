/**
 * A right pool in this very thread, to be made wrong. With `clone` it behaves as if its workers were elsewhere: values are
 * cloned or made JSON, modules loaded again, and a body that exits or throws out of a timer "crashes" (see install).
 */
import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import {
  type Assignment,
  OwnContext,
  outcomeOfError,
  PexenError,
  type Pool,
  type PoolContext,
  type PoolManifest,
  type PoolOutcome,
  poolAbandoned,
  problem,
  type Ticket,
} from '@pexen/core';
import { type BodyAddress, decodeOutcome, decodeThrown, encodeAssignment } from '@pexen/pool-kit';
import { runAssignment, watchErrors } from '@pexen/pool-kit/worker';

export interface Job {
  readonly assignment: Assignment;
  readonly ticket: Ticket;
  readonly settle: (outcome: PoolOutcome) => void;
}

const takesNone = problem(
  'PEXEN_FUNCTION',
  'it is a function, and this pool takes none',
  undefined,
  'a task',
);
const exited = 'the body of an in-process pool called process.exit';

/** Running programs, and how to end them. */
const ends = new WeakMap<Job, () => void>();

/** Makes exits of bodies crashes of their attempts, and errors that surface beside them theirs. For this process alone, and for good. */
export function install(): void {
  process.exit = () => {
    throw new Error(exited);
  };
  watchErrors();
}

export class InProcess implements Pool {
  manifest: PoolManifest;
  /** Values cross as JSON. */
  json: boolean;
  slots = 2;
  context: PoolContext | undefined;
  readonly queue: Job[] = [];
  readonly running = new Set<Job>();
  /** They were given up, and still run. */
  readonly abandoned = new Map<Job, PromiseWithResolvers<void>>();
  #whenIdle: (() => void) | undefined;

  constructor(transport: 'reference' | 'clone' | 'serialize', executables = false, functions = true) {
    this.json = transport === 'serialize';
    const closures = transport === 'reference' && functions;
    this.manifest = { name: 'in-process', kills: false, transport, closures, executables, functions };
  }

  async open(context: PoolContext): Promise<void> {
    if (this.context !== undefined) throw new Error('open already');
    if (this.isTaken()) throw poolAbandoned();
    this.context = context;
    context.slotsChanged(this.slots);
  }

  isTaken(): boolean {
    return this.abandoned.size > 0;
  }

  run(assignment: Assignment, ticket: Ticket): PoolOutcome | Promise<PoolOutcome> {
    if (this.context === undefined) return { kind: 'not-started', reason: 'not open' };
    return new Promise((settle) => this.accept({ assignment, ticket, settle }));
  }

  reclaim(): void {
    for (const job of this.queue.splice(0)) job.settle({ kind: 'not-started', reason: 'returned' });
  }

  /** Returns attempts that wait when it is closed. */
  giveBackAll(): void {
    this.reclaim();
  }

  async close(how: 'drain' | 'kill'): Promise<void> {
    this.context = undefined;
    this.giveBackAll();
    if (how === 'kill') {
      await new Promise(setImmediate); // What listens to its signal ends by now.
      for (const job of this.running) {
        if (this.isProgram(job)) ends.get(job)?.();
        else this.abandon(job);
      }
    }
    while (this.running.size > 0) {
      await new Promise<void>((resolve) => {
        this.#whenIdle = resolve;
      });
    }
  }

  accept(job: Job): void {
    this.queue.push(job);
    job.ticket.signal.addEventListener('abort', () => this.giveBack(job));
    this.fill();
  }

  giveBack(job: Job): void {
    const at = this.queue.indexOf(job);
    if (at < 0) return;
    this.queue.splice(at, 1);
    job.settle({ kind: 'not-started', reason: 'stopped' });
  }

  fill(): void {
    while (this.running.size < this.slots) {
      const job = this.queue.shift();
      if (job === undefined) return;
      this.running.add(job);
      this.begin(job).then((outcome) => this.ended(job, outcome));
      const { signal } = job.ticket;
      if (signal.aborted) this.giveUpLater(job);
      else signal.addEventListener('abort', () => this.giveUpLater(job));
    }
  }

  isProgram({ assignment }: Job): boolean {
    return assignment.address?.kind === 'executable' && this.manifest.executables;
  }

  /** Its grace begins. What can be ended is ended by others. */
  giveUpLater(job: Job): void {
    if (!this.running.has(job) || this.isProgram(job)) return;
    this.#graces.set(
      job,
      setTimeout(() => this.abandon(job), job.assignment.graceMs),
    );
  }
  readonly #graces = new Map<Job, NodeJS.Timeout>();

  abandon(job: Job): void {
    const settled = Promise.withResolvers<void>();
    this.abandoned.set(job, settled);
    this.end(
      job,
      job.ticket.signal.aborted
        ? { kind: 'stopped', how: 'abandoned', settled: settled.promise }
        : { kind: 'crashed', reason: 'the pool was closed' },
    );
  }

  ended(job: Job, outcome: PoolOutcome): void {
    const settled = this.abandoned.get(job);
    if (!this.abandoned.delete(job)) this.end(job, outcome);
    settled?.resolve();
  }

  end(job: Job, outcome: PoolOutcome): void {
    this.running.delete(job);
    clearTimeout(this.#graces.get(job));
    this.#graces.delete(job);
    if (outcome.kind === 'crashed') this.crashed();
    job.settle(outcome);
    this.fill();
    if (this.running.size === 0) this.#whenIdle?.();
  }

  late(tasks: readonly string[], error: unknown): void {
    this.context?.lateError('in-process worker', tasks, error);
  }

  crashed(): void {
    this.context?.workerLost('in-process worker', 'it crashed');
  }

  async begin(job: Job): Promise<PoolOutcome> {
    job.ticket.started('in-process worker');
    if (this.isProgram(job)) return await runProgram(job);
    if (this.manifest.functions === false) return { kind: 'threw', error: new PexenError([takesNone]) };
    return this.manifest.transport !== 'reference' ? await this.apart(job) : await here(job);
  }

  /** As a worker elsewhere would. */
  async apart(job: Job): Promise<PoolOutcome> {
    const { assignment, ticket } = job;
    const { json } = this;
    const cross = <T>(value: T): T => (json ? JSON.parse(JSON.stringify(value)) : structuredClone(value));
    const envelope = cross(encodeAssignment(assignment, this.manifest.name, { json }));
    const address = envelope.address && this.elsewhere(envelope.address);
    const running = runAssignment(
      { ...envelope, ...(address && { address }) },
      {
        signal: ticket.signal,
        started: () => {},
        report: (update) => ticket.report(JSON.parse(JSON.stringify(update))),
        channelRules: { json },
        late: ({ tasks, error }) => this.late(tasks, decodeThrown(error, 'in-process worker')),
      },
    );
    const outcome = cross(await running);
    const decoded = decodeOutcome(outcome, 'in-process worker');
    const isExit = decoded.kind === 'threw' && String(decoded.error).includes(exited);
    return isExit ? { kind: 'crashed', reason: 'it exited' } : decoded;
  }

  /** The same module, to be loaded again. */
  elsewhere(address: BodyAddress): BodyAddress {
    return { ...address, url: `${address.url}?elsewhere` };
  }
}

async function here({ assignment, ticket }: Job): Promise<PoolOutcome> {
  const { definition, part } = assignment;
  if (assignment.address?.kind === 'executable') return { kind: 'threw', error: new Error('no programs') };
  const context = new OwnContext(definition.meta, assignment, ticket);
  const body = part === 'cleanup' ? definition.meta.cleanup : definition.body;
  try {
    const value: unknown = await (body as (context: OwnContext) => unknown)(context);
    return { kind: 'returned', value, provided: context.provided };
  } catch (error) {
    return outcomeOfError(error, ticket.signal);
  }
}

type Program = Extract<Assignment['address'], { kind: 'executable' }>;

/** The program in a workspace of its own, if it wants one. */
function settledIn(workspace: string, program: Program): Program {
  if (program.workspace === undefined) return program;
  if (program.workspace === 'private') mkdirSync(workspace);
  else cpSync(program.cwd, workspace, { recursive: true });
  if (program.workspace === 'private') return { ...program, cwd: workspace };
  const copied = (path: string): string => path.replace(`${program.cwd}/`, `${workspace}/`);
  return { ...program, cwd: workspace, file: copied(program.file), argv: program.argv.map(copied) };
}

async function runProgram(job: Job): Promise<PoolOutcome> {
  const { assignment, ticket } = job;
  const address = assignment.address as Program;
  const folder = mkdtempSync(join(tmpdir(), 'pexen-in-process-'));
  const { file, argv, cwd, env } = settledIn(join(folder, 'work'), address);
  const reportFile = join(folder, 'report');
  const child = spawn(file, argv, {
    cwd,
    env: { ...process.env, PEXEN_REPORT: reportFile, ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
  const texts = { stdout: '', stderr: '', report: '' };
  for (const [name, stream] of [
    ['stdout', child.stdio[1]],
    ['stderr', child.stdio[2]],
    ['report', child.stdio[3]],
  ] as const) {
    (stream as Readable).setEncoding('utf8').on('data', (text: string) => {
      texts[name] += text;
      if (name !== 'report') ticket.report({ kind: 'output', stream: name, text });
    });
  }
  let timer: NodeJS.Timeout | undefined;
  let isKilled = false;
  let isClosed = false;
  ends.set(job, () => {
    isClosed = true;
    child.kill('SIGKILL');
  });
  ticket.signal.addEventListener('abort', () => {
    if (!child.kill('SIGTERM')) return; // It has ended.
    timer = setTimeout(() => {
      isKilled = true;
      child.kill('SIGKILL');
    }, assignment.graceMs);
  });
  return await new Promise((resolve) => {
    child.on('error', (error) => {
      rmSync(folder, { recursive: true, force: true });
      resolve({ kind: 'threw', error: new Error(`no such program: ${error.message}`) });
    });
    child.on('close', (exitCode, signal) => {
      clearTimeout(timer);
      const captured = (head: string) => ({ head, tail: '', totalBytes: Buffer.byteLength(head) });
      const [stdout, stderr] = [captured(texts.stdout), captured(texts.stderr)];
      const report = texts.report + (existsSync(reportFile) ? readFileSync(reportFile, 'utf8') : '');
      rmSync(folder, { recursive: true, force: true });
      const value = { exitCode, signal, stdout, stderr, report, leaked: 0 };
      if (isClosed) resolve({ kind: 'crashed', reason: 'closed' });
      resolve(isKilled ? { kind: 'stopped', how: 'killed' } : { kind: 'returned', value });
    });
  });
}
