/**
 * Checks the invariants of runs on the observations of one run. Written from the semantics with plain searches: knows nothing about
 * plan, machine or lock table.
 */
import type { Result } from '@pexen/core';
import type { Ending, Need, TaskPlan } from './plan.ts';
import type { Played, Sighting } from './play.ts';

/** Where in the list of sightings a task ran: from its first start to its last end. */
interface Stay {
  readonly from: number;
  readonly to: number;
}

/** All rules that the run broke, as sentences. */
export function violationsOf(played: Played): string[] {
  if (played.faults.length > 0) return [...played.faults];
  const check = new Check(played);
  return [
    ...check.results(),
    ...check.attempts(),
    ...check.requirements(),
    ...check.order(),
    ...check.teardowns(),
    ...check.holds(),
    ...check.slots(),
    ...check.poison(),
    ...check.stop(),
    ...check.skips(),
  ];
}

class Check {
  readonly #played: Played;
  readonly #sightings: readonly Sighting[];
  readonly #tasks: readonly TaskPlan[];
  readonly #results: ReadonlyMap<string, Result>;
  /** By task; absent for tasks that never started. */
  readonly #stays = new Map<string, Stay>();
  readonly #addedAt = new Map<string, number>();
  /** Where the run was interrupted, in the list of sightings. */
  readonly #stopAt: number;

  constructor(played: Played) {
    this.#played = played;
    this.#sightings = played.sightings;
    this.#tasks = played.tasks;
    this.#results = new Map(played.results.map((result) => [result.path, result]));
    const stopAt = this.#sightings.findIndex(({ what }) => what === 'stop');
    this.#stopAt = stopAt < 0 ? Infinity : stopAt;
    for (const [at, { what, task }] of this.#sightings.entries()) {
      if (what === 'added') this.#addedAt.set(task, at);
      if (what === 'enter') this.#stays.set(task, { from: this.#stays.get(task)?.from ?? at, to: Infinity });
    }
    for (const [task, { from }] of this.#stays) this.#stays.set(task, { from, to: this.#lastEnd(task) });
  }

  /** Every task has one result, the summary counts them, and each agrees with what the body did. */
  results(): string[] {
    const { results, summary } = this.#played;
    const counts = new Map<string, number>();
    for (const { path } of results) counts.set(path, (counts.get(path) ?? 0) + 1);
    const names = new Set(this.#tasks.map(({ name }) => name));
    const counted = Object.values(summary?.counts ?? {}).reduce((sum, count) => sum + count, 0);
    return [
      ...[...names].filter((name) => !counts.has(name)).map((name) => `${name} has no result`),
      ...[...counts].filter(([, count]) => count > 1).map(([name, count]) => `${name} has ${count} results`),
      ...[...counts.keys()].filter((name) => !names.has(name)).map((name) => `${name} was never added`),
      ...(counted === results.length ? [] : [`the summary counts ${counted} results of ${results.length}`]),
      ...this.#tasks.flatMap((task) => this.#resultErrors(task)),
    ];
  }

  #resultErrors({ name }: TaskPlan): string[] {
    const result = this.#results.get(name);
    if (result === undefined) return [];
    const { status, attempts, reason = [] } = result;
    const last = attempts.at(-1)?.outcome.kind;
    const errors: string[] = [];
    const bodies = this.#seen(name, 'enter', 'body').map(({ attempt }) => attempt);
    if (status === 'skipped') {
      if (attempts.length > 0 || bodies.length > 0) errors.push(`${name} is skipped and started`);
      if (reason.length === 0) errors.push(`${name} is skipped without a reason`);
      const unknown = reason.filter(({ task }) => !this.#addedAt.has(task));
      if (unknown.length > 0) errors.push(`${name} blames ${unknown.map(({ task }) => task)}`);
      return errors;
    }
    if (status !== last) errors.push(`${name} is ${status}, and its last attempt ${last}`);
    if (attempts.some(({ attempt }, index) => attempt !== index + 1))
      errors.push(`${name} numbers its attempts badly`);
    if (!this.#areStarts(bodies)) errors.push(`${name} started as attempts ${bodies}`);
    if (bodies.length > attempts.length)
      errors.push(`${name} started ${bodies.length} times, reported ${attempts.length}`);
    if (status === 'returned' && result.value !== `${name}#${attempts.length}`)
      errors.push(`${name} returned ${String(result.value)} at attempt ${attempts.length}`);
    if (result.flaky !== (status === 'returned' && attempts.length > 1))
      errors.push(`${name} is flaky: ${result.flaky}`);
    return errors;
  }

  /** In threads and processes an attempt may be ended before its body starts; it is never made twice. */
  #areStarts(bodies: readonly number[]): boolean {
    if (this.#played.plan.pool === 'inline') return bodies.every((attempt, index) => attempt === index + 1);
    return bodies.every((attempt, index) => index === 0 || attempt > (bodies[index - 1] ?? 0));
  }

  /** Every attempt ended as its script says, and there were neither too many nor too few. */
  attempts(): string[] {
    return this.#tasks.flatMap((task) => {
      const { attempts = [] } = this.#results.get(task.name) ?? {};
      const wrong = attempts
        .map(({ outcome }, index) => ({
          kind: outcome.kind,
          error: outcome.error,
          ending: endingOf(task, index + 1),
          attempt: index + 1,
        }))
        .filter(({ kind, ending }) => !this.#mayEnd(task, ending, kind))
        .map(
          ({ kind, error, ending, attempt }) =>
            `${task.name}#${attempt} ${ending.how} and is ${kind} ${error ?? ''}`,
        );
      return [...wrong, ...this.#retryErrors(task)];
    });
  }

  #mayEnd(task: TaskPlan, { how }: Ending, kind: string): boolean {
    const isStopped = this.#stopAt < Infinity;
    if (kind === 'cancelled') return isStopped;
    if (kind === 'timed-out') return task.timeout !== undefined;
    if (kind === 'crashed')
      return how === 'exits' || (isStopped && this.#played.plan.interruption?.how === 'kill');
    switch (how) {
      case 'returns':
      case 'late':
        return kind === 'returned';
      case 'throws':
        return kind === 'threw';
      case 'skips':
        return kind === 'skipped-itself';
      case 'waits':
      case 'ignores':
      case 'exits':
        return false;
      default:
        return kind === 'failed';
    }
  }

  #retryErrors(task: TaskPlan): string[] {
    const { name, retries, cleanup, amount } = task;
    const { attempts = [] } = this.#results.get(name) ?? {};
    const kinds = attempts.map(({ outcome }) => outcome.kind);
    const again = (kind: string | undefined): boolean =>
      ['failed', 'threw', 'timed-out', 'crashed'].includes(kind ?? '');
    if (kinds.length > 1 + retries) return [`${name} has ${kinds.length} attempts and ${retries} retries`];
    if (!kinds.slice(0, -1).every(again)) return [`${name} is tried again after ${kinds.join(', ')}`];
    // Units are released between attempts; an abandoned body may keep them forever.
    const waitsInVain =
      amount > 0 && this.#tasks.some((other) => other.amount > 0 && this.#isAbandoned(other.name));
    const isCutShort = this.#stopAt < Infinity || this.#isAbandoned(name) || waitsInVain;
    const mayStop = isCutShort || cleanup !== undefined || kinds.length === 0;
    const tooFew = again(kinds.at(-1)) && kinds.length < 1 + retries && !mayStop;
    return tooFew ? [`${name} is not tried again after ${kinds.join(', ')}, with ${retries} retries`] : [];
  }

  /** Each task that started had what it requires. */
  requirements(): string[] {
    return this.#started().flatMap(({ name, requires }) => {
      const { from } = this.#stay(name);
      return requires
        .filter((need) => !this.#isMet(need, name, from))
        .map(({ form, names }) => `${name} started before ${form} ${names} was provided`);
    });
  }

  #isMet({ form, names, count }: Need, name: string, at: number): boolean {
    const providers = this.#providersOf(names).filter(
      (each) => each !== name && this.#wasAddedBefore(each, at),
    );
    const met = providers.filter((provider) => this.#hasProvided(provider) && this.#stay(provider).to < at);
    if (form === 'every') return met.length === providers.length;
    return met.length >= (form === 'at-least' ? count : 1);
  }

  #hasProvided(name: string): boolean {
    const result = this.#results.get(name);
    if (result?.status === 'returned') return true;
    return result?.status === 'failed' && result.attempts.at(-1)?.outcome.depsOk === true;
  }

  /** `after`, `before` and `salvages`: the tasks that a task waits for have ended when it starts. */
  order(): string[] {
    return this.#started().flatMap(({ name, after, salvages }) => {
      const { from } = this.#stay(name);
      const wrong = [...after, ...salvages]
        .filter((other) => other !== name && this.#wasAddedBefore(other, from))
        .filter((other) => this.#isUnderWayAfter(other, from))
        .map((other) => `${name} started before ${other} was over`);
      const hasCause = salvages.length === 0 || salvages.some((other) => this.#endedBadly(other));
      return hasCause ? wrong : [...wrong, `${name} salvages ${salvages}, which did not end badly`];
    });
  }

  #endedBadly(name: string): boolean {
    const status = this.#results.get(name)?.status ?? 'skipped';
    return !['returned', 'skipped', 'skipped-itself', 'cancelled'].includes(status);
  }

  #isUnderWayAfter(name: string, at: number): boolean {
    const stay = this.#stays.get(name);
    return stay !== undefined && stay.to > at;
  }

  /** A teardown runs after all tasks that need what it tears down; it runs if a provider ever started, unless the run was killed. */
  teardowns(): string[] {
    return this.#tasks.flatMap(({ name, tearsDown }) => {
      if (tearsDown === undefined) return [];
      const providers = this.#providersOf([tearsDown]);
      const hasStarted = providers.some((provider) => this.#wasTried(provider));
      const stay = this.#stays.get(name);
      if (stay === undefined) {
        const isKilled = this.#played.plan.interruption?.how === 'kill' && this.#stopAt < Infinity;
        return hasStarted && !isKilled && !this.#wasTried(name) && !this.#isKeptOut(name)
          ? [`${name} did not run, though ${tearsDown} was started`]
          : [];
      }
      if (!hasStarted) return [`${name} ran, though nothing provided ${tearsDown}`];
      const needed = new Set([...providers, ...this.#usersOf(tearsDown)]);
      return this.#awaitedOf(needed)
        .filter((other) => other !== name && this.#isUnderWayAfter(other, stay.from))
        .map((other) => `${name} tore ${tearsDown} down while ${other} needed it`);
    });
  }

  /** True if an abandoned body holds what it claims. Units are below the root, too. */
  #isKeptOut(name: string): boolean {
    const claimer = this.#planOf(name);
    const clashes = (holder: TaskPlan): boolean =>
      clashOf(holder, claimer) !== undefined || (holder.amount > 0 && claimer.claims.includes('/'));
    return this.#started().some((holder) => this.#isAbandoned(holder.name) && clashes(holder));
  }

  /** Tasks that were present from the start, or were added while the teardown was still waiting for earlier ones. */
  #awaitedOf(needed: ReadonlySet<string>): string[] {
    const { tasks, additions } = this.#played.plan;
    const batches = [tasks, ...additions.map((addition) => addition.tasks)]
      .map((batch) => batch.map(({ name }) => name))
      .map((names) => ({ names, addedAt: this.#addedAt.get(names[0] ?? '') ?? Infinity }))
      .sort((one, other) => one.addedAt - other.addedAt);
    const awaited: string[] = [];
    for (const [index, { names, addedAt }] of batches.entries())
      if (index === 0 || awaited.some((other) => this.#isUnderWayAfter(other, addedAt)))
        awaited.push(...names.filter((name) => needed.has(name)));
    return awaited;
  }

  /** True if an attempt started, with or without its body. */
  #wasTried(name: string): boolean {
    return (this.#results.get(name)?.attempts.length ?? 0) > 0;
  }

  /** All tasks that require it, directly or through others. */
  #usersOf(capability: string): string[] {
    const users = new Set<string>();
    const needed = [capability];
    for (let next = needed.pop(); next !== undefined; next = needed.pop()) {
      for (const { name, requires, provides } of this.#tasks) {
        if (users.has(name) || !requires.some(({ names }) => names.includes(next as string))) continue;
        users.add(name);
        needed.push(...provides);
      }
    }
    return [...users];
  }

  /** No two tasks held conflicting resources at the same time; units never exceeded the capacity; exclusive tasks ran alone. */
  holds(): string[] {
    const errors: string[] = [];
    const started = this.#started();
    for (const [index, one] of started.entries())
      for (const other of started.slice(index + 1))
        if (this.#overlap(one.name, other.name)) {
          const clash = clashOf(one, other);
          if (clash !== undefined) errors.push(`${one.name} and ${other.name} at one time, ${clash}`);
        }
    return [...errors, ...this.#groupErrors(started), ...this.#unitErrors()];
  }

  #overlap(one: string, other: string): boolean {
    const [a, b] = [this.#stay(one), this.#stay(other)];
    return a.from < this.#holdsUntil(other) && b.from < this.#holdsUntil(one);
  }

  /** An abandoned body holds its resources until it has really ended. */
  #holdsUntil(name: string): number {
    if (!this.#isAbandoned(name)) return this.#stay(name).to;
    const leave = this.#sightings.findLastIndex(({ what, task }) => task === name && what === 'leave');
    const enter = this.#sightings.findLastIndex(({ what, task }) => task === name && what === 'enter');
    return leave > enter ? leave : Infinity;
  }

  #isAbandoned(name: string): boolean {
    const result = this.#results.get(name);
    return result !== undefined && 'abandoned' in result;
  }

  #groupErrors(started: readonly TaskPlan[]): string[] {
    if (!this.#played.plan.group.exclusive) return [];
    const stays = started.filter(({ isInGroup }) => isInGroup).map(({ name }) => this.#stay(name));
    const from = Math.min(...stays.map((stay) => stay.from));
    const to = Math.max(...stays.map((stay) => stay.to));
    return started
      .filter(({ name, isInGroup }) => !isInGroup && this.#stay(name).from < to && from < this.#stay(name).to)
      .map(({ name }) => `${name} ran while the group was open`);
  }

  #unitErrors(): string[] {
    const { units } = this.#played.plan;
    return this.#overRunning((running) => {
      const taken = running.reduce((sum, name) => sum + this.#planOf(name).amount, 0);
      return taken > units ? `${running} took ${taken} units of ${units}` : undefined;
    });
  }

  /** No pool ran more bodies than it has slots. An abandoned body no longer has a slot. */
  slots(): string[] {
    const { workers, group } = this.#played.plan;
    return this.#overRunning((running) => {
      const counted = running.filter((name) => !this.#isAbandoned(name) && !this.#endsUnseen(name));
      const inGroup = counted.filter((name) => this.#planOf(name).isInGroup).length;
      const others = counted.length - inGroup;
      return inGroup > group.workers || others > workers ? `${running} ran at one time` : undefined;
    });
  }

  /** Ended by force in a thread or process: its pool may start the next one before the run reports the end. */
  #endsUnseen(name: string): boolean {
    const isForced = this.#planOf(name).endings.some(({ how }) => how === 'ignores');
    return isForced && this.#played.plan.pool !== 'inline';
  }

  /** Checks the running bodies at each start. */
  #overRunning(look: (running: readonly string[]) => string | undefined): string[] {
    const running = new Set<string>();
    const errors: string[] = [];
    for (const { what, task } of this.#sightings) {
      if (what === 'leave' || what === 'attempt-ended') running.delete(task);
      if (what !== 'enter') continue;
      running.add(task);
      const error = look([...running]);
      if (error !== undefined) errors.push(error);
    }
    return errors;
  }

  /** No task takes resources that another one left in an unknown state. Tasks with cleanups, and runs in which poison is cleared, are left out. */
  poison(): string[] {
    const breakers = this.#started().filter((task) => task.cleanup === undefined && this.#leavesPoison(task));
    const healers = this.#tasks.filter(
      ({ tearsDown, salvages }) => tearsDown !== undefined || salvages.length > 0,
    );
    if (healers.length > 0) return [];
    return breakers.flatMap((broken) =>
      this.#started()
        .filter(({ name }) => this.#stay(name).from > this.#stay(broken.name).to)
        .filter(
          (later) => clashOf({ ...broken, exclusive: false }, { ...later, exclusive: false }) !== undefined,
        )
        .map(({ name }) => `${name} took what ${broken.name} left in an unknown state`),
    );
  }

  #leavesPoison({ name }: TaskPlan): boolean {
    return this.#results.get(name)?.attempts.at(-1)?.outcome.locksOk === false;
  }

  /**
   * After an interruption only teardowns and cleanups start, after a kill nothing. Attempts that a pool of threads or processes already
   * had may just have started: at most as many as it has places.
   */
  stop(): string[] {
    const { plan } = this.#played;
    if (this.#stopAt === Infinity) return [];
    const reported = new Set(
      this.#sightings
        .slice(0, this.#stopAt)
        .filter(({ what }) => what === 'started')
        .map(({ task, attempt }) => `${task}#${attempt}`),
    );
    const late = this.#sightings
      .slice(this.#stopAt)
      .filter(({ what, task, attempt }) => what === 'enter' && !reported.has(`${task}#${attempt}`))
      .filter(({ task, part }) => {
        if (plan.interruption?.how === 'kill') return true;
        return part === 'body' && this.#planOf(task).tearsDown === undefined;
      })
      .map(
        ({ task, attempt, part }) => `${task}#${attempt} (${part}) started after ${plan.interruption?.how}`,
      );
    const underWay = plan.pool === 'inline' ? 0 : plan.workers + plan.group.workers + (plan.spare ?? 1) * 2;
    return late.length > underWay ? late : [];
  }

  /** If nothing failed and nothing was interrupted, every task ran. */
  skips(): string[] {
    const isSpecial = ({ tearsDown, salvages }: TaskPlan): boolean =>
      tearsDown !== undefined || salvages.length > 0;
    const wentWrong = this.#played.results.some(
      ({ status }) => status !== 'returned' && status !== 'skipped',
    );
    if (this.#stopAt < Infinity || wentWrong || this.#tasks.some(isSpecial)) return [];
    return this.#played.results
      .filter(({ status }) => status === 'skipped')
      .map(
        ({ path, reason = [] }) =>
          `${path} was skipped for no reason: ${reason.map(({ why }) => why).join('; ')}`,
      );
  }

  #started(): TaskPlan[] {
    return this.#tasks.filter(({ name }) => this.#stays.has(name));
  }

  #seen(task: string, what: Sighting['what'], part: string): Sighting[] {
    return this.#sightings.filter((each) => each.task === task && each.what === what && each.part === part);
  }

  #lastEnd(task: string): number {
    if (this.#isAbandoned(task))
      return this.#sightings.findLastIndex(({ what, task: of }) => of === task && what === 'attempt-ended');
    const ends = this.#sightings.map(({ what, task: of }, at) =>
      of === task && (what === 'leave' || what === 'attempt-ended') ? at : -1,
    );
    const lastLeave = this.#sightings.findLastIndex(({ what, task: of }) => of === task && what === 'leave');
    const lastEnter = this.#sightings.findLastIndex(({ what, task: of }) => of === task && what === 'enter');
    return lastLeave > lastEnter ? lastLeave : Math.max(...ends) > lastEnter ? Math.max(...ends) : Infinity;
  }

  #stay(name: string): Stay {
    return this.#stays.get(name) ?? { from: Infinity, to: -Infinity };
  }

  #planOf(name: string): TaskPlan {
    const found = this.#tasks.find((task) => task.name === name);
    if (found === undefined) throw new Error(`no task ${name}`);
    return found;
  }

  #providersOf(names: readonly string[]): string[] {
    return this.#tasks
      .filter(({ provides }) => provides.some((name) => names.includes(name)))
      .map(({ name }) => name);
  }

  #wasAddedBefore(name: string, at: number): boolean {
    return (this.#addedAt.get(name) ?? Infinity) < at;
  }
}

function endingOf({ endings }: TaskPlan, attempt: number): Ending {
  return endings[Math.min(attempt, endings.length) - 1] ?? endings[0];
}

/** Why two tasks must not run at one time; undefined if they may. */
function clashOf(one: TaskPlan, other: TaskPlan): string | undefined {
  if (one.exclusive || other.exclusive) return 'one of them exclusive';
  for (const [claimer, holder] of [
    [one, other],
    [other, one],
  ] as const)
    for (const claim of claimer.claims)
      for (const held of [...holder.claims, ...holder.uses])
        if (isWithin(claim, held) || isWithin(held, claim))
          return `${claimer.name} claims ${claim}, ${holder.name} holds ${held}`;
  return undefined;
}

function isWithin(inner: string, outer: string): boolean {
  const [a, b] = [inner, outer].map((name) => name.split('/').filter(Boolean));
  return (b ?? []).every((part, index) => a?.[index] === part);
}
