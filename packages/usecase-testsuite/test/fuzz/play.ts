/** Plays one planned run for real and keeps all observations. Only judges whether it ends and leaves nothing behind. */
import { getEventListeners } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isPexenError, type Pool, type Result } from '@pexen/core';
import { processes } from '@pexen/pool-process';
import { threads } from '@pexen/pool-thread';
import { inline, type Run, run, type Summary } from '@pexen/sched';
import { scripted, write, written } from './bodies.ts';
import type { Interruption, RunPlan, TaskPlan } from './plan.ts';

/** One line of the witness: what a body did, or what the run reported. */
export interface Sighting {
  readonly what: 'added' | 'started' | 'enter' | 'leave' | 'attempt-ended' | 'stop';
  /** The task; for `stop` how the run was interrupted. */
  readonly task: string;
  readonly attempt: number;
  readonly part: string;
}

/** All observations of a run. */
export interface Played {
  readonly plan: RunPlan;
  /** All tasks that were added. */
  readonly tasks: readonly TaskPlan[];
  readonly sightings: readonly Sighting[];
  readonly results: readonly Result[];
  readonly summary: Summary | undefined;
  /** Faults found while it ran: it hung, it was refused, it left something behind. */
  readonly faults: readonly string[];
}

/** Longer than anything in a plan takes, also on a busy machine. */
const timeoutMs = 60_000;

export async function play(plan: RunPlan): Promise<Played> {
  const folder = mkdtempSync(join(tmpdir(), 'pexen-fuzz-'));
  const before = process.env.TMPDIR;
  const temporary = join(folder, 'tmp');
  mkdirSync(temporary);
  process.env.TMPDIR = temporary;
  try {
    const player = new Player(plan, plan.pool === 'inline' ? undefined : join(folder, 'witness'));
    return await player.play(temporary);
  } finally {
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
    rmSync(folder, { recursive: true, force: true });
  }
}

class Player {
  readonly #plan: RunPlan;
  readonly #log: string | undefined;
  readonly #results: Result[] = [];
  readonly #faults: string[] = [];
  readonly #tasks: TaskPlan[] = [];
  readonly #stopper = new AbortController();
  #run: Run | undefined;
  #summary: Summary | undefined;
  #starts = 0;
  #isInterrupted = false;
  #mustBreak = false;
  readonly #ways: Readonly<Record<Interruption['how'], () => void>> = {
    abort: () => this.#run?.abort('fuzz'),
    drain: () => this.#run?.drain('fuzz'),
    kill: () => this.#run?.kill('fuzz'),
    signal: () => this.#stopper.abort(new Error('fuzz')),
    break: () => {
      this.#mustBreak = true;
    },
  };

  constructor(plan: RunPlan, log: string | undefined) {
    this.#plan = plan;
    this.#log = log;
  }

  async play(temporary: string): Promise<Played> {
    written.length = 0;
    const open = openResources();
    const limit = new AbortController();
    const late = sleep(timeoutMs, 'late' as const, { signal: limit.signal, ref: true }).catch(
      () => 'ended' as const,
    );
    const ended = this.#live().catch((error: unknown) => this.#fault('the run rejected', error));
    if ((await Promise.race([ended, late])) === 'late') this.#faults.push(`hang: ${this.#whatIsMissing()}`);
    limit.abort();
    await late;
    if (this.#faults.length === 0) await this.#lookForRemains(open, temporary);
    return {
      ...{ plan: this.#plan, tasks: this.#tasks, sightings: this.#sightings(), results: this.#results },
      ...{ summary: this.#summary, faults: this.#faults },
    };
  }

  async #live(): Promise<void> {
    const { plan } = this;
    const execution = this.#started();
    if (execution === undefined) return;
    const timer =
      plan.interruption?.when === 'ms'
        ? setTimeout(() => this.#interrupt(), plan.interruption.count)
        : undefined;
    if (!plan.isDriven) await this.#consume(execution);
    this.#summary = await execution.summary;
    clearTimeout(timer);
    this.#results.push(...this.#summary.rest);
  }

  get plan(): RunPlan {
    return this.#plan;
  }

  #started(): Run | undefined {
    const { plan } = this;
    try {
      this.#added(plan.tasks);
      const execution = run(scripted({ log: this.#log, tasks: plan.tasks }), {
        pool: this.#pool(plan.workers),
        groups: { group: { pool: () => this.#pool(plan.group.workers), ...plan.group } },
        capacities: { units: plan.units },
        signal: this.#stopper.signal,
        ...(plan.spare !== undefined && { spare: plan.spare }),
      });
      execution.events.on('event', (event) => {
        if (event.type === 'attempt-ended')
          write(this.#log, 'attempt-ended', event.path, event.attempt.attempt, '-');
        if (event.type !== 'task-started') return;
        write(this.#log, 'started', event.path, event.attempt, '-');
        this.#count('starts', ++this.#starts);
      });
      this.#run = execution;
      return execution;
    } catch (error) {
      this.#fault('refused', error);
      return undefined;
    }
  }

  #added(tasks: readonly TaskPlan[]): void {
    this.#tasks.push(...tasks);
    for (const { name } of tasks) write(this.#log, 'added', name, 0, '-');
  }

  /** The only valid reason to refuse an addition is that a present task tears down, or has torn down, what it requires. */
  #isWithdrawn(error: unknown): boolean {
    const gone = this.#tasks.filter(({ tearsDown }) => tearsDown !== undefined);
    return (
      isPexenError(error) &&
      error.problems.every(
        ({ code, message }) =>
          code === 'PEXEN_WITHDRAWN' && gone.some(({ tearsDown }) => message.includes(`"${tearsDown}"`)),
      )
    );
  }

  #pool(workers: number): Pool {
    switch (this.plan.pool) {
      case 'inline':
        return inline({ concurrency: workers });
      case 'threads':
        return threads({ workers });
      case 'processes':
        return processes({ workers });
      default:
        return this.plan.pool satisfies never;
    }
  }

  async #consume(execution: Run): Promise<void> {
    const { pauseMs } = this.plan;
    for await (const result of execution) {
      this.#results.push(result);
      this.#addAfter(execution, this.#results.length);
      this.#count('results', this.#results.length);
      if (this.#mustBreak) break;
      if (pauseMs > 0) await sleep(pauseMs);
    }
  }

  #addAfter(execution: Run, results: number): void {
    for (const { afterResults, tasks } of this.plan.additions) {
      if (afterResults !== results) continue;
      try {
        execution.add(scripted({ log: this.#log, tasks }));
      } catch (error) {
        if (!this.#isWithdrawn(error)) this.#fault('an addition was refused', error);
        continue;
      }
      this.#added(tasks);
    }
  }

  #count(what: 'results' | 'starts', count: number): void {
    const { interruption } = this.plan;
    if (interruption?.when === what && interruption.count === count) this.#interrupt();
  }

  #interrupt(): void {
    const { interruption } = this.plan;
    if (interruption === undefined || this.#isInterrupted) return;
    this.#isInterrupted = true;
    write(this.#log, 'stop', interruption.how, 0, '-');
    this.#ways[interruption.how]();
  }

  #sightings(): Sighting[] {
    const lines =
      this.#log === undefined ? written : readFileSync(this.#log, 'utf8').split('\n').filter(Boolean);
    return lines.map((line) => {
      const [what, task = '', attempt, part = ''] = line.split(' ');
      return { what: what as Sighting['what'], task, attempt: Number(attempt), part };
    });
  }

  #fault(what: string, error: unknown): void {
    const text = isPexenError(error)
      ? error.problems.map(({ code, task, message }) => `${code} ${task}: ${message}`).join('; ')
      : error instanceof Error
        ? error.stack
        : String(error);
    this.#faults.push(`${what}: ${text}`);
  }

  #whatIsMissing(): string {
    const known = new Set(this.#results.map(({ path }) => path));
    const missing = this.#tasks.filter(({ name }) => !known.has(name)).map(({ name }) => name);
    const why = missing.map((name) => this.#run?.why(name));
    return `no end after ${timeoutMs} ms; without a result: ${why.join(' ') || 'none'}`;
  }

  /** Waits a moment for handles that close by themselves after the end of a run. */
  async #lookForRemains(open: ReadonlyMap<string, number>, temporary: string): Promise<void> {
    for (let tries = 0; ; tries++) {
      const remains = [
        ...moreThan(open),
        ...childProcesses(),
        ...this.#listeners(),
        ...readdirSync(temporary),
      ];
      if (remains.length === 0) return;
      if (tries === 400) {
        this.#faults.push(`left behind: ${remains.join(', ')}`);
        return;
      }
      await sleep(tries < 20 ? 1 : 10);
    }
  }

  #listeners(): string[] {
    return getEventListeners(this.#stopper.signal, 'abort').map(() => 'a listener at the signal');
  }
}

/** Timers, ports, pipes and the like that keep the process alive, by kind. */
function openResources(): Map<string, number> {
  const kinds = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo()) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  return kinds;
}

function moreThan(before: ReadonlyMap<string, number>): string[] {
  return [...openResources()]
    .filter(([kind, count]) => count > (before.get(kind) ?? 0))
    .map(([kind]) => kind);
}

/** On Linux; unknown on other systems. */
function childProcesses(): string[] {
  try {
    const threadIds = readdirSync('/proc/self/task');
    return threadIds.flatMap((id) =>
      readFileSync(`/proc/self/task/${id}/children`, 'utf8')
        .trim()
        .split(' ')
        .filter(Boolean)
        .map((pid) => `process ${pid}`),
    );
  } catch {
    return [];
  }
}
