/** What must be true of a run that was killed and resumed: from the ledger, the reports and the plan alone. */
import { type Cases, caseName } from './junit.ts';
import type { BodyRun } from './ledger.ts';
import { type CrashPlan, type CrashTask, conflict, needsOf, pathOf } from './plan.ts';

/** A run that was killed and resumed, and the same one without a kill. */
export interface PlayedRun {
  readonly plan: CrashPlan;
  readonly ledger: readonly BodyRun[];
  readonly cases: Cases;
  /** Undefined where a kill met the command after the run had ended. */
  readonly exitCode: number | undefined;
  readonly uncut: { readonly cases: Cases; readonly exitCode: number | undefined };
  /** What each session printed. */
  readonly printed: readonly string[];
  /** Processes of the run that are left at its end. */
  readonly left: readonly string[];
}

/** The rules that were broken; empty where all is in order. */
export function violationsOf(played: PlayedRun): string[] {
  const facts = new Facts(played);
  return [
    ...facts.lost(),
    ...facts.startedTwice(),
    ...facts.forgotten(),
    ...facts.overlaps(),
    ...facts.early(),
    ...facts.unserved(),
    ...facts.teardowns(),
    ...facts.differences(),
    ...played.left.map((process) => `left: ${process}`),
  ];
}

/** The tasks that may not start twice, and count as crashed since a kill may have met them. */
export function crashedOnce({ plan, cases }: Pick<PlayedRun, 'plan' | 'cases'>): CrashTask[] {
  return plan.tasks.filter(
    (task) =>
      !task.isRerunnable && (cases.get(caseName(pathOf(task))) ?? '').includes('may have started in session'),
  );
}

class Facts {
  readonly #played: PlayedRun;
  readonly #byName: ReadonlyMap<string, CrashTask>;
  readonly #byPath: ReadonlyMap<string, CrashTask>;

  constructor(played: PlayedRun) {
    this.#played = played;
    this.#byName = new Map(played.plan.tasks.map((task) => [task.name, task]));
    this.#byPath = new Map(played.plan.tasks.map((task) => [pathOf(task), task]));
  }

  /** Every task has a result. */
  lost(): string[] {
    const { cases, plan } = this.#played;
    return plan.tasks.filter((task) => !cases.has(caseName(pathOf(task)))).map(({ name }) => `lost: ${name}`);
  }

  /** A task that may not start twice starts each attempt once; the others start an attempt again only if it was interrupted. */
  startedTwice(): string[] {
    const attempts = Map.groupBy(this.#played.ledger, ({ path, attempt }) => `${path}#${attempt}`);
    return [...attempts].flatMap(([attempt, runs]) => {
      const task = this.#byPath.get(runs[0]?.path ?? '');
      if (task === undefined) return [`unknown: ${attempt}`];
      if (!task.isRerunnable && runs.length > 1) return [`twice: ${attempt} starts ${runs.length} times`];
      const sessions = new Set(runs.map(({ session }) => session));
      return sessions.size < runs.length ? [`twice: ${attempt} in one session`] : [];
    });
  }

  /**
   * A task whose result was printed is not started by a later session, unless it was torn down since, or ended with its session: a service, or what
   * was built on one, for a task that starts. Teardowns may follow what is provided again.
   */
  forgotten(): string[] {
    const { ledger, plan } = this.#played;
    return plan.tasks.flatMap((task) => {
      const session = this.#sessionOfResult(task.name);
      const again = ledger.find((run) => run.path === pathOf(task) && run.session > session);
      if (session === 0 || again === undefined || task.tearsDown !== undefined) return [];
      const teardowns = plan.tasks.filter(({ tearsDown }) => tearsDown === task.name);
      const isTornDown = teardowns.some(({ name }) =>
        this.#runsOf(name).some(({ from }) => from < again.from),
      );
      if (isTornDown || this.#isNeededAgain(task, again)) return [];
      return [`forgotten: ${task.name} has a result in session ${session}, and starts again`];
    });
  }

  /** It was built on a service, or is one, and a task that needs it had no result when the session began. */
  #isNeededAgain(task: CrashTask, { session }: BodyRun): boolean {
    const isBuiltOnService = [...needsOf(task, this.#played.plan.tasks)].some((name) =>
      this.#isService(name),
    );
    if (task.kind !== 'service' && !isBuiltOnService) return false;
    return this.#dependentsOf(task.name).some((name) => {
      const resultIn = this.#sessionOfResult(name);
      return resultIn === 0 || resultIn >= session;
    });
  }

  /** The session that printed the result of the task; 0 if none did. */
  #sessionOfResult(name: string): number {
    const task = this.#byName.get(name);
    return (
      1 + this.#played.printed.findIndex((text) => task !== undefined && resultsIn(text).has(pathOf(task)))
    );
  }

  #isService(name: string): boolean {
    return this.#byName.get(name)?.kind === 'service';
  }

  /** No two bodies that conflict ran at the same time, in whatever sessions. */
  overlaps(): string[] {
    const { ledger: runs } = this.#played;
    return runs.flatMap((one, index) =>
      runs
        .slice(index + 1)
        .filter((other) => other.from < one.to && this.#conflict(one, other))
        .map((other) => `overlap: ${nameOf(one)} and ${nameOf(other)}`),
    );
  }

  #conflict(one: BodyRun, other: BodyRun): boolean {
    const [first, second] = [this.#byPath.get(one.path), this.#byPath.get(other.path)];
    if (first === undefined || second === undefined) return false;
    return first === second || conflict(first, second, this.#played.plan.tasks);
  }

  /** What a body requires had ended well before it started. */
  early(): string[] {
    return this.#played.ledger.flatMap((run) =>
      (this.#byPath.get(run.path)?.requires ?? [])
        .filter((name) => !this.#isService(name))
        .filter((name) => !this.#runsOf(name).some(({ end, to }) => end === 'end' && to < run.from))
        .map((name) => `early: ${nameOf(run)} starts without ${name}`),
    );
  }

  /** A service that a body requires was ready in its session before the body started, and did not end before the body did. */
  unserved(): string[] {
    return this.#played.ledger.flatMap((run) =>
      (this.#byPath.get(run.path)?.requires ?? [])
        .filter((name) => this.#isService(name))
        .filter((name) => !this.#runsOf(name).some((service) => isServed(run, service)))
        .map((name) => `unserved: ${nameOf(run)} runs without ${name}`),
    );
  }

  /** A teardown ends after the last start of what it tears down, and of what requires that. */
  teardowns(): string[] {
    return this.#played.plan.tasks.flatMap((task) => {
      const { tearsDown } = task;
      if (tearsDown === undefined) return [];
      const users = [tearsDown, ...this.#dependentsOf(tearsDown)];
      const last = Math.max(-1, ...users.flatMap((name) => this.#runsOf(name).map(({ from }) => from)));
      if (last < 0 || this.#isExcused(task)) return [];
      return this.#runsOf(task.name).some(({ end, to }) => end !== undefined && to > last)
        ? []
        : [`teardown: ${task.name} does not end after the last user of ${tearsDown}`];
    });
  }

  /** Its report is that of the run without a kill, but for tasks that may not start twice and were met, and what depends on them. */
  differences(): string[] {
    const { plan, cases, uncut, exitCode } = this.#played;
    const crashed = crashedOnce(this.#played);
    const differing = plan.tasks.filter((task) => {
      const name = caseName(pathOf(task));
      const reported = (of: Cases): string | undefined =>
        this.#withoutBlame(task, of, this.#withoutLost(task, of.get(name)));
      return !this.#isExcused(task) && reported(cases) !== reported(uncut.cases);
    });
    const found = differing.map((task) => {
      const name = caseName(pathOf(task));
      return `report: ${task.name}: ${cases.get(name)} instead of ${uncut.cases.get(name)}`;
    });
    if (
      crashed.length + this.#goneForGood().length === 0 &&
      exitCode !== undefined &&
      exitCode !== uncut.exitCode
    )
      found.push(`exit code ${exitCode} instead of ${uncut.exitCode}`);
    return found;
  }

  /** What a service has printed is in its result only if it ended in its session. */
  #withoutLost({ name, kind }: CrashTask, text: string | undefined): string | undefined {
    const wasKilled = this.#runsOf(name).some(({ ready, end }) => ready !== undefined && end === undefined);
    if (kind !== 'service' || !wasKilled) return text;
    return text?.replace(/listening\n+(?:\[\[ATTACHMENT\|[^\]]*\]\]\n*)?/g, '');
  }

  /**
   * Of several requirements that are not met a skip names the one that failed first, and a kill changes which that is. What it names must have failed in the
   * same report; the report of that has the rest of the chain.
   */
  #withoutBlame({ requires }: CrashTask, of: Cases, text: string | undefined): string | undefined {
    const [, blamed = ''] = /<skipped message="requires &quot;(?:done-)?([^&]+)&quot;/.exec(text ?? '') ?? [];
    const provider = requires.includes(blamed) ? of.get(caseName(this.#pathOf(blamed))) : undefined;
    const hasFailed = provider !== undefined && /<(?:failure|error|skipped)\b/.test(provider);
    return hasFailed ? 'skipped for what it requires' : text;
  }

  /** May its result be another one? */
  #isExcused(task: CrashTask): boolean {
    const crashed = crashedOnce(this.#played);
    const affected = new Set([
      ...crashed.flatMap(({ name }) => [name, ...this.#dependentsOf(name), ...this.#usersAfter(name)]),
      ...this.#goneForGood().flatMap(({ name }) =>
        this.#dependentsOf(name).flatMap((each) => [each, ...this.#usersAfterKill(each)]),
      ),
    ]);
    if (affected.has(task.name) || (task.tearsDown !== undefined && affected.has(task.tearsDown)))
      return true;
    // A service that only such tasks need may never start.
    return task.kind === 'service' && this.#dependentsOf(task.name).every((name) => affected.has(name));
  }

  /**
   * What is built on a service ends with its session: where it may not start twice, tasks that need it later are skipped. Only those for which
   * this has happened: by the report, what a task requires has returned, or its service is over, and the task is skipped all the same.
   */
  #goneForGood(): CrashTask[] {
    const { plan, cases } = this.#played;
    return plan.tasks.filter((task) => {
      const services = [...needsOf(task, plan.tasks)].filter((name) => this.#isService(name));
      if (task.isRerunnable || services.length === 0) return false;
      const dependents = this.#dependentsOf(task.name);
      const reasons = [
        ...[task.name, ...dependents].map((name) => `; ${this.#pathOf(name)} returned`),
        ...services.map((name) => `; ${this.#pathOf(name)} is over`),
      ];
      return dependents.some((name) => {
        const text = cases.get(caseName(this.#pathOf(name))) ?? '';
        return text.includes('<skipped') && reasons.some((reason) => text.includes(reason));
      });
    });
  }

  /** What the task may have half changed when it was killed stays poisoned if the task cannot start again. */
  #usersAfterKill(name: string): string[] {
    const last = this.#runsOf(name).at(-1);
    return last !== undefined && last.end === undefined ? this.#usersAfter(name) : [];
  }

  /** What a crash leaves in an unknown state is poisoned, so that its users are skipped. */
  #usersAfter(name: string): string[] {
    const task = this.#byName.get(name);
    if (task === undefined) return [];
    const users = this.#played.plan.tasks.filter(
      (other) =>
        other !== task && conflict({ ...task, isInGroup: other.isInGroup }, other, this.#played.plan.tasks),
    );
    return users.flatMap((user) => [user.name, ...this.#dependentsOf(user.name)]);
  }

  /** Everything that requires the task, also through others. */
  #dependentsOf(name: string): string[] {
    const direct = this.#played.plan.tasks.filter(({ requires }) => requires.includes(name));
    return direct.flatMap((task) => [task.name, ...this.#dependentsOf(task.name)]);
  }

  #pathOf(name: string): string {
    const task = this.#byName.get(name);
    return task === undefined ? '' : pathOf(task);
  }

  #runsOf(name: string): BodyRun[] {
    const path = this.#pathOf(name);
    return this.#played.ledger.filter((run) => run.path === path);
  }
}

function isServed(run: BodyRun, { session, ready, end, to }: BodyRun): boolean {
  return session === run.session && (ready ?? Infinity) < run.from && (end === undefined || to > run.to);
}

function nameOf({ path, attempt, session }: BodyRun): string {
  return `${path}#${attempt} of session ${session}`;
}

/** The call paths of the tasks whose results were printed. */
function resultsIn(text: string): Set<string> {
  const lines = text.matchAll(/^ +(?:PASS|FAIL|FLAKY|ERROR|CRASHED|TIMEOUT) \[[^\]]*\] +(\S+)/gm);
  return new Set([...lines].map(([, path = '']) => path));
}
