/**
 * Checks around attempts: what appears on the machine while attempts run, and is still there when one ends, is a finding of the attempts that may have left
 * it. Knows no kind of thing: checks list what is there.
 */
import {
  type Assignment,
  type Finding,
  messageOf,
  type Pool,
  type PoolOutcome,
  type Problem,
  type Ticket,
} from '@pexen/core';
import { processStartedAtMs } from '@pexen/pool-process';

/** One thing that a check sees. */
export interface Sight {
  /** Identifies it as long as it is there. */
  readonly key: string;
  /** For people, to follow "left behind: ". */
  readonly what: string;
  /** The call paths of the only tasks that it may come from. Default: all that ran when it appeared. */
  readonly tasks?: readonly string[] | undefined;
  /** When it appeared, as of `Date.now()`. Default: since the last look. */
  readonly sinceMs?: number | undefined;
  /** It has happened, so that it never goes away: it needs to be listed once. */
  readonly isEvent?: boolean | undefined;
}

/** An attempt that runs while a check looks. */
export interface CheckedAttempt {
  /** The call path of its task. */
  readonly path: string;
  readonly attempt: number;
  /** Of a program. */
  readonly pid: number | undefined;
  /** The directory of a program, if it is not private to the attempt. */
  readonly cwd: string | undefined;
}

/** A check: lists what must not be left behind. */
export interface Check {
  /** For findings: `left behind (NAME)`. */
  readonly name: string;
  /** The status of its findings. Default `warn`. */
  readonly report?: 'warn' | 'fail' | undefined;
  /** Why it cannot see anything on this machine; asked once. */
  readonly blind?: (() => string | undefined) | undefined;
  /** All its sights say since when they are there: so it need not look when attempts start. */
  readonly isDated?: boolean | undefined;
  /** What is there now. Called when attempts start or end; once for several that do so at the same time. */
  readonly look: (running: readonly CheckedAttempt[]) => Iterable<Sight> | Promise<Iterable<Sight>>;
}

/** How much later an attempt may seem to have started than what it left, ms: clocks of files and processes are coarse. */
const slackMs = 20;

/** An attempt from the moment at which the pool has it: that it has started may become known later than what it has done. */
interface Running {
  readonly path: string;
  readonly attempt: number;
  readonly cwd: string | undefined;
  pid: number | undefined;
  /** It has not started before, as of `Date.now()`. */
  startedAtMs: number;
  hasStarted: boolean;
}

interface Thing {
  readonly sight: Sight;
  /** Until when it has appeared. */
  readonly seenAtMs: number;
  /** The attempts that were in pools when it was seen. */
  readonly suspects: readonly Running[];
}

function isSuspect({ path, startedAtMs }: Running, { sight, seenAtMs }: Omit<Thing, 'suspects'>): boolean {
  const { tasks, sinceMs = seenAtMs } = sight;
  return (
    (tasks === undefined || tasks.includes(path)) && startedAtMs <= Math.min(sinceMs, seenAtMs) + slackMs
  );
}

/** One check, and what it has seen. */
class Watch {
  readonly check: Check;
  #known: Set<string> | undefined;
  readonly #things = new Map<string, Thing>();

  constructor(check: Check) {
    this.check = check;
  }

  /** Looks; what is new may come from those that run. The first look only says what was there before. */
  async look(running: readonly Running[]): Promise<void> {
    const sights = [...(await this.check.look(running))];
    const seenAtMs = Date.now();
    const present = new Set(sights.map(({ key }) => key));
    const known = this.#known;
    for (const [key, { sight }] of this.#things)
      if (sight.isEvent !== true && !present.has(key)) this.#things.delete(key);
    const fresh = known === undefined ? [] : sights.filter(({ key }) => !known.has(key));
    for (const sight of fresh) {
      const suspects = running.filter((each) => isSuspect(each, { sight, seenAtMs }));
      if (suspects.length > 0) this.#things.set(sight.key, { sight, seenAtMs, suspects });
    }
    this.#known = present;
  }

  /** What an attempt that ends may have left. */
  findingsOf(attempt: Running): Finding[] {
    const { report = 'warn' } = this.check;
    const mine = [...this.#things.values()].filter(
      (thing) => thing.suspects.includes(attempt) && isSuspect(attempt, thing),
    );
    return mine.map((thing) => {
      const others = thing.suspects.filter(
        (each) => each !== attempt && each.hasStarted && isSuspect(each, thing),
      );
      const message = `${thing.sight.what}${sharedWith(others)}`;
      return { name: nameOf(this.check), status: report, message };
    });
  }
}

/** Which checks look. */
interface Look {
  of: 'all' | 'undated';
}

/** The name of the check of processes, of which pools know more. */
export const processesName = 'processes';

function nameOf({ name }: Check): string {
  return `left behind (${name})`;
}

function sharedWith(others: readonly Running[]): string {
  if (others.length === 0) return '';
  const names = others.map(({ path }) => path);
  const shown = names.slice(0, mostNames).join(', ');
  const more = names.length > mostNames ? ` and ${names.length - mostNames} more` : '';
  return `; or left by what ran at the same time: ${shown}${more}`;
}

const mostNames = 10;

/** All checks of a suite, around the attempts of all its pools. */
export class Checks {
  readonly #watches: readonly Watch[];
  readonly #warn: (warning: Problem) => void;
  readonly #running = new Set<Running>();
  readonly #blind = new Set<Watch>();
  #hasBegun = false;
  #lookedAtMs = 0;
  #turn: Promise<void> = Promise.resolve();
  /** A look that has not begun. */
  #next: Look | undefined;

  constructor(checks: readonly Check[], warn: (warning: Problem) => void) {
    this.#watches = checks.map((check) => new Watch(check));
    this.#warn = warn;
  }

  /** The pool with the checks around its attempts. */
  around(pool: Pool, name: string): Pool {
    return new CheckedPool(pool, name, this);
  }

  /** What was there before anything ran. Says once which checks cannot see. */
  async begin(): Promise<void> {
    if (!this.#hasBegun) {
      this.#hasBegun = true;
      for (const watch of this.#watches) {
        const why = watch.check.blind?.();
        if (why !== undefined) this.#close(watch, why);
      }
    }
    await this.#look('all');
  }

  /** The attempts of this pool cannot be seen from here. */
  cannotSee(pool: string): void {
    this.#warn(blindProblem('all checks', `the tasks of the pool "${pool}" run on other machines`));
  }

  /** The pool gets an attempt. */
  taken(attempt: Pick<Running, 'path' | 'attempt' | 'cwd'>): Running {
    const running = { ...attempt, pid: undefined, startedAtMs: Date.now(), hasStarted: false };
    this.#running.add(running);
    return running;
  }

  started(running: Running, pid: number | undefined): void {
    running.hasStarted = true;
    running.pid = pid;
    const startedAtMs = pid === undefined ? undefined : processStartedAtMs(pid);
    running.startedAtMs = Math.max(running.startedAtMs, startedAtMs ?? 0);
    if (Date.now() - this.#lookedAtMs > slackMs) void this.#look('undated');
  }

  /** The attempt has never started. */
  returned(running: Running): void {
    this.#running.delete(running);
  }

  /** What the attempt may have left. */
  async ended(attempt: Running, outcome: PoolOutcome): Promise<Finding[]> {
    await this.#look('all');
    this.#running.delete(attempt);
    const seen = this.#watches.filter((watch) => !this.#blind.has(watch));
    return [...seen.flatMap((watch) => watch.findingsOf(attempt)), ...this.#endedByPool(outcome)];
  }

  /** Processes that the pool has found and ended are a warning of the program itself. */
  #endedByPool(outcome: PoolOutcome): Finding[] {
    const check = this.#watches.find((watch) => watch.check.name === processesName)?.check;
    const { leaked = 0 } =
      (outcome.kind === 'returned' && (outcome.value as { leaked?: number } | undefined)) || {};
    if (check?.report !== 'fail' || leaked === 0) return [];
    return [
      { name: nameOf(check), status: 'fail', message: `${leaked} of its processes, which were killed` },
    ];
  }

  /** One look after the other, so that each knows what the one before has seen. One that has not begun is that of all who ask for it. */
  #look(of: Look['of']): Promise<void> {
    this.#lookedAtMs = Date.now();
    if (this.#next !== undefined) {
      if (of === 'all') this.#next.of = of;
      return this.#turn;
    }
    const look: Look = { of };
    this.#next = look;
    this.#turn = this.#turn.then(reportsOfOthers).then(() => {
      this.#next = undefined;
      return this.#lookNow(look);
    });
    return this.#turn;
  }

  async #lookNow({ of }: Look): Promise<void> {
    const running = [...this.#running];
    for (const watch of this.#watches) {
      if (this.#blind.has(watch) || (of === 'undated' && watch.check.isDated === true)) continue;
      try {
        await watch.look(running);
      } catch (error) {
        this.#close(watch, messageOf(error));
      }
    }
  }

  #close(watch: Watch, why: string): void {
    this.#blind.add(watch);
    this.#warn(blindProblem(watch.check.name, why));
  }
}

/** That others have started may have been reported, and not been read yet. */
function reportsOfOthers(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function blindProblem(name: string, why: string): Problem {
  const hint = 'Run the tests where it can, or take it out of checks.';
  return { code: 'PEXEN_CHECK_BLIND', message: `checks: "${name}" cannot see anything: ${why}`, hint };
}

/** Passes everything on; looks when an attempt has started and when it has ended. */
class CheckedPool implements Pool {
  readonly manifest: Pool['manifest'];
  readonly open: Pool['open'];
  readonly close: Pool['close'];
  readonly reclaim?: NonNullable<Pool['reclaim']>;
  readonly #pool: Pool;
  readonly #checks: Checks;

  constructor(pool: Pool, name: string, checks: Checks) {
    this.#pool = pool;
    this.#checks = checks;
    this.manifest = pool.manifest;
    this.open = async (context) => {
      if (this.#isElsewhere) checks.cannotSee(name);
      else await checks.begin();
      await pool.open(context);
    };
    this.close = (how) => pool.close(how);
    if (pool.reclaim !== undefined) this.reclaim = () => pool.reclaim?.();
  }

  run(assignment: Assignment, ticket: Ticket): PoolOutcome | Promise<PoolOutcome> {
    if (this.#isElsewhere || assignment.service === true || assignment.part === 'cleanup')
      return this.#pool.run(assignment, ticket);
    return this.#checked(assignment, ticket);
  }

  get #isElsewhere(): boolean {
    return this.manifest.nodes !== undefined;
  }

  async #checked(assignment: Assignment, ticket: Ticket): Promise<PoolOutcome> {
    const { path, attempt, address } = assignment;
    const program = address?.kind === 'executable' ? address : undefined;
    const cwd = program?.workspace === undefined ? program?.cwd : undefined;
    const running = this.#checks.taken({ path, attempt, cwd });
    const own: Ticket = {
      get signal() {
        return ticket.signal;
      },
      started: (worker) => {
        ticket.started(worker);
        this.#checks.started(running, program === undefined ? undefined : pidIn(worker));
      },
      report: (update) => ticket.report(update),
    };
    const outcome = await this.#pool.run(assignment, own);
    if (!running.hasStarted) this.#checks.returned(running);
    else
      for (const finding of await this.#checks.ended(running, outcome))
        ticket.report({ kind: 'finding', finding });
    return outcome;
  }
}

/** Pools name the process of a program like this. */
function pidIn(worker: string): number | undefined {
  const [, pid] = /\(pid (\d+)\)/.exec(worker) ?? [];
  return pid === undefined ? undefined : Number(pid);
}
