/**
 * What a resume should do, as algebra over sets of paths: from the state of a record outwards, with each set computed as a whole. It shares no
 * code with the table, and neither its order nor its words.
 */
import type { RequirementInfo, TaskDigests } from '@pexen/core';
import type { Decision, RerunClass, ResumeAction, SuiteTask } from '../../src/resume/decision.ts';
import type { Execution, TaskRecord } from '../../src/resume/task-record.ts';
import type { World } from './world.ts';

/** The effects of a decision: everything but row and words. */
export type Effects = Omit<Decision, 'row' | 'reason' | 'path'>;

type Paths = ReadonlySet<string>;

interface Sets {
  readonly needed: Paths;
  readonly running: Paths;
}

export function oracle(world: World): ReadonlyMap<string, Effects> {
  return new Oracle(world).effects();
}

class Oracle {
  readonly #world: World;
  readonly #tasks: ReadonlyMap<string, SuiteTask>;
  readonly #renewed: Paths;
  readonly #outdated: Paths;
  readonly #onService: Paths;
  readonly #live: Paths;
  readonly #reachable: Paths;

  constructor(world: World) {
    this.#world = world;
    this.#tasks = new Map(world.suite.tasks.map((task) => [task.path, task]));
    const paths = [...this.#tasks.keys()];
    this.#onService = closure(
      paths,
      (path, so) => this.#task(path).isService === true || this.#metBy(path).some((each) => so.has(each)),
    );
    this.#renewed = closure(
      paths,
      (path, so) => this.#mayRerunBySelection(path, so) && this.#isOutOfDate(path, so),
    );
    this.#outdated = closure(
      paths,
      (path, so) =>
        !this.#renewed.has(path) &&
        (this.#isOutOfDate(path, this.#renewed) || this.#metBy(path).some((each) => so.has(each))),
    );
    this.#live = new Set(paths.filter((path) => this.#isLive(path)));
    const candidates = paths.filter((path) => this.#live.has(path) || this.#couldStart(path));
    this.#reachable = closure(
      candidates,
      (path, so) => this.#live.has(path) || (this.#isSatisfiable(path, so) && !this.#isIdle(path, so)),
    );
  }

  effects(): ReadonlyMap<string, Effects> {
    const sets = this.#leastSets();
    const paths = new Set([...this.#tasks.keys(), ...this.#world.records.tasks.keys()]);
    return new Map([...paths].map((path) => [path, this.#effectsOf(path, sets)]));
  }

  #leastSets(): Sets {
    let sets: Sets = { needed: new Set(), running: new Set() };
    for (;;) {
      const running = new Set(
        [...this.#tasks.keys()].filter(
          (path) =>
            (this.#task(path).isService !== true || sets.needed.has(path)) &&
            this.#willStart(path, this.#action(path, sets)) &&
            this.#isSatisfiable(path, this.#reachable) &&
            !this.#isIdle(path, sets.running),
        ),
      );
      const needed = new Set(
        [...running].flatMap((path) =>
          this.#requirements(path).flatMap(({ providers, need }) => {
            const alive = providers.filter((each) => this.#live.has(each));
            return alive.length >= need ? [] : providers.filter((each) => !this.#live.has(each));
          }),
        ),
      );
      if (running.size === sets.running.size && needed.size === sets.needed.size) return sets;
      sets = { needed, running };
    }
  }

  #action(path: string, { needed, running }: Sets): ResumeAction {
    const task = this.#tasks.get(path);
    const record = this.#record(path);
    if (task === undefined) return this.#actionOfAbsent(path);
    const { health } = this.#world.records;
    const isOnce = this.#isOnce(path);
    const isWanted = this.#isSelected(path, this.#renewed) || needed.has(path);
    const fresh: ResumeAction = !isWanted ? 'leave' : task.when === true ? 'run' : 'skip';
    if (health === 'damaged') return !isOnce ? fresh : this.#hasResult(path) ? 'keep' : 'crash';
    switch (record?.state) {
      case undefined:
      case 'none':
        return health === 'unrecorded' && isOnce ? 'crash' : fresh;
      case 'skipped':
        if (health === 'unrecorded' && isOnce) return 'crash';
        if (record?.skip?.isStopped) return fresh;
        return isWanted ? 'decide' : 'keep';
      case 'up': {
        if (!needed.has(path) || task.when !== true) return 'end';
        return isOnce ? 'crash' : 'run';
      }
      case 'rebooting':
        if (record?.mark === this.#world.suite.boot) return 'reboot';
        return this.#actionOfOpen(path, fresh);
      case 'intended':
      case 'started':
        return this.#actionOfOpen(path, fresh);
      case 'between': {
        const next = this.#actionOfOpen(path, fresh, false);
        return next === 'run' && !this.#startsOver(path) ? 'retry' : next;
      }
      case 'cleaning':
        if (this.#isRerun()) return this.#actionOfOpen(path, fresh);
        return fresh === 'run' && this.#startsOver(path) ? 'run' : 'finish';
      case 'cancelled':
        return isOnce ? 'keep' : this.#actionOfOpen(path, fresh);
      case 'ended':
        return this.#actionOfEnded(path, needed, running);
    }
  }

  #actionOfAbsent(path: string): ResumeAction {
    const record = this.#record(path);
    if (record?.state !== 'ended') return 'list';
    return record.origin === 'start' ? 'drop' : 'keep';
  }

  /** Where there is an attempt, `when` decides before the selection does. */
  #actionOfOpen(path: string, fresh: ResumeAction, isOpen = true): ResumeAction {
    if ((isOpen && this.#isOnce(path)) || this.#diedTooOften(path)) return 'crash';
    return this.#task(path).when === true ? fresh : 'skip';
  }

  #actionOfEnded(path: string, needed: Paths, running: Paths): ResumeAction {
    if (this.#renewed.has(path)) return 'run';
    if (this.#outdated.has(path)) return 'keep';
    const task = this.#task(path);
    const mayRun = !this.#isOnce(path) && task.when === true;
    const tornDown = this.#providersOf(task.tearsDown ?? [], path);
    if (tornDown.some((each) => running.has(each) || this.#standsSince(each, path)))
      return mayRun ? 'again' : 'keep';
    if (this.#providersOf(task.salvages ?? [], path).some((each) => running.has(each)))
      return mayRun ? 'decide' : 'keep';
    if (this.#isRerun() && this.#isSelected(path, this.#renewed) && task.when === true) return 'run';
    const isWantedAgain = needed.has(path) && this.#isOver(path) && this.#record(path)?.gave === true;
    return isWantedAgain && mayRun ? 'again' : 'keep';
  }

  /** The provider was started, and the teardown has not started since. */
  #standsSince(provider: string, teardown: string): boolean {
    const record = this.#record(provider);
    if (record === undefined || record.tornDownBy.includes(teardown)) return false;
    return record.attempt + record.executions.length > 0;
  }

  #effectsOf(path: string, sets: Sets): Effects {
    const action = this.#action(path, sets);
    const isStale = action === 'keep' && this.#tasks.has(path) && this.#isMarked(path);
    return {
      action,
      isStale,
      isOver:
        action === 'keep' && this.#tasks.has(path) && this.#record(path)?.gave === true && this.#isOver(path),
      isOutstanding: this.#isOutstanding(path, action, isStale),
      cleansUp: this.#cleansUp(path, action),
      poisons: this.#poisons(path, action),
      ...this.#start(path, action),
    };
  }

  /** A cancelled task is outstanding without a mark, unless the journal is damaged: then it may have been anything. */
  #isMarked(path: string): boolean {
    if (this.#world.records.health !== 'damaged' && this.#record(path)?.state !== 'ended') return false;
    return this.#outdated.has(path) || this.#renewed.has(path);
  }

  #isOutstanding(path: string, action: ResumeAction, isStale: boolean): boolean {
    const record = this.#record(path);
    if (action === 'leave') return true;
    if (action === 'list') return record?.origin !== 'start';
    if (action === 'crash') return !this.#hasAttempts(path);
    return action === 'keep' && (isStale || record?.state === 'cancelled' || this.#isBad(path));
  }

  #cleansUp(path: string, action: ResumeAction): boolean {
    const record = this.#record(path);
    if (!this.#tasks.has(path) || this.#world.records.health === 'damaged') return false;
    if (action === 'skip') return this.#isUnfinished(path);
    if (action === 'crash') return this.#isUnfinished(path) || this.#isOpen(path);
    return action === 'run' && (this.#isUnfinished(path) || record?.state === 'cleaning');
  }

  #poisons(path: string, action: ResumeAction): readonly string[] {
    const task = this.#tasks.get(path);
    const record = this.#record(path);
    if (record === undefined || task?.isService === true) return [];
    const before = [...record.uses, ...record.claims];
    const now = [...(task?.uses ?? []), ...(task?.claims ?? [])];
    const isDirty =
      !['none', 'skipped', 'ended'].includes(record.state) &&
      (record.state !== 'cancelled' || !record.locksOk);
    const isWhole = this.#world.records.health !== 'damaged';
    const everything = new Set([...before, ...now]);
    if (task === undefined) {
      if (record.state === 'ended') return record.locksOk ? [] : [...everything];
      return isDirty ? [...everything] : [];
    }
    const leavesDirt = isWhole && this.#isUnfinished(path) && isDirty;
    if (leavesDirt && (action === 'leave' || (action === 'skip' && task.hasCleanup !== true)))
      return [...everything];
    return this.#isUnfinished(path) && isDirty
      ? [...new Set(before)].filter((resource) => !now.includes(resource))
      : [];
  }

  #start(path: string, action: ResumeAction): { execution?: Execution; attempt?: number } {
    if (!['run', 'retry', 'again', 'decide', 'crash', 'finish'].includes(action)) return {};
    const record = this.#record(path);
    const isExtra = action === 'again';
    if (record === undefined || this.#isRerun())
      return { execution: { generation: 1, revision: 1, isExtra }, attempt: 1 };
    const { execution, attempt } = record;
    if (isExtra) return { execution: { ...execution, isExtra }, attempt: 1 };
    const isFresh = record.state === 'none' || record.state === 'skipped';
    const replaces =
      (action === 'run' || action === 'decide') &&
      !isFresh &&
      (record.state === 'ended' || this.#isOutOfDate(path, this.#renewed));
    if (replaces)
      return {
        execution: { generation: execution.generation + 1, revision: execution.revision + 1, isExtra: false },
        attempt: 1,
      };
    const hasEnded = record.state === 'up' && record.attemptsEnded >= attempt;
    const isNext = action === 'retry' || (action === 'run' && hasEnded);
    return { execution, attempt: isNext ? attempt + 1 : attempt === 0 ? 1 : attempt };
  }

  #willStart(path: string, action: ResumeAction): boolean {
    return (
      ['run', 'retry', 'again', 'decide'].includes(action) || (action === 'crash' && this.#hasAttempts(path))
    );
  }

  #hasAttempts(path: string): boolean {
    const made = Math.max(1, this.#record(path)?.attempt ?? 0);
    return made - 1 < (this.#tasks.get(path)?.retries ?? 0);
  }

  #isLive(path: string): boolean {
    const none: Sets = { needed: new Set([path]), running: new Set() };
    return this.#action(path, none) === 'keep' && this.#record(path)?.gave === true && !this.#isOver(path);
  }

  #couldStart(path: string): boolean {
    const task = this.#task(path);
    const needed = new Set([path]);
    const everything = new Set([...this.#tasks.keys(), path]);
    const hasRole = (task.tearsDown ?? []).length + (task.salvages ?? []).length > 0;
    const quiet = this.#action(path, { needed, running: new Set() });
    const busy = hasRole ? this.#action(path, { needed, running: everything }) : quiet;
    return this.#willStart(path, quiet) || this.#willStart(path, busy);
  }

  #requirements(path: string): { providers: readonly string[]; need: number }[] {
    return (this.#task(path).requires ?? []).map((requirement) => {
      const providers = this.#providersOf(requirement.capabilities, path);
      return { providers, need: needOf(requirement, providers.length) };
    });
  }

  #isSatisfiable(path: string, among: Paths): boolean {
    return this.#requirements(path).every(
      ({ providers, need }) => providers.filter((each) => among.has(each)).length >= need,
    );
  }

  /** A salvage without an attempt, in a whole journal, where all that it lists has ended well or does not start either. */
  #isIdle(path: string, among: Paths): boolean {
    const { salvages = [] } = this.#task(path);
    const isUntouched = (each: string) =>
      ['none', 'skipped'].includes(this.#record(each)?.state ?? 'none') && !among.has(each);
    const hasEndedWell = (each: string) => {
      const { state, executions = [] } = this.#record(each) ?? {};
      const areWell = executions.every(
        ({ outcome }) => outcome === 'returned' || outcome === 'skipped-itself' || outcome === undefined,
      );
      return state === 'ended' && areWell && !among.has(each);
    };
    return (
      salvages.length > 0 &&
      this.#world.records.health === 'whole' &&
      ['none', 'skipped'].includes(this.#record(path)?.state ?? 'none') &&
      this.#providersOf(salvages, path).every((each) => isUntouched(each) || hasEndedWell(each))
    );
  }

  #providersOf(capabilities: readonly string[], except: string): readonly string[] {
    return [...this.#tasks.values()]
      .filter(({ path, provides = [] }) =>
        [...provides, `task:${path}`].some((each) => capabilities.includes(each)),
      )
      .map(({ path }) => path)
      .filter((path) => path !== except);
  }

  #metBy(path: string): readonly string[] {
    return (this.#record(path)?.metBy ?? []).map((met) => met.path);
  }

  #isOutOfDate(path: string, renewed: Paths): boolean {
    return this.#ownChange(path) || this.#providerChange(path, renewed);
  }

  #providerChange(path: string, renewed: Paths): boolean {
    return (this.#record(path)?.metBy ?? []).some((met) => {
      const provider = this.#record(met.path);
      if (!this.#tasks.has(met.path)) {
        if (provider === undefined || provider.origin === 'start') return true;
      } else if (renewed.has(met.path)) return true;
      return (provider?.execution.revision ?? 1) > met.revision;
    });
  }

  #ownChange(path: string): boolean {
    const record = this.#record(path);
    const task = this.#task(path);
    if (record === undefined || record.state === 'none' || record.state === 'skipped') return false;
    const before = record.basis.digests;
    const isOther = differ(before, task.digests);
    const last = record.executions.at(-1)?.outcome;
    const endedBadly =
      record.state === 'ended' && last !== 'returned' && last !== 'skipped-itself' && last !== undefined;
    const isLimited =
      endedBadly &&
      before !== undefined &&
      task.digests !== undefined &&
      (before.limits !== task.digests.limits || before.limits === 'unknown');
    const list = this.#siblingsOf(path);
    const isMoved =
      JSON.stringify(list.map((each) => each.path)) !==
        JSON.stringify(record.basis.siblings.map((each) => each.path)) ||
      list.some((each, index) => differ(record.basis.siblings[index]?.digests, each.digests));
    return record.isStale || isOther || isLimited || isMoved;
  }

  #siblingsOf(path: string): readonly SuiteTask[] {
    const stem = (text: string) => text.replace(/-[0-9]+$/, '');
    const list = this.#world.suite.tasks.filter((task) => stem(task.path) === stem(path));
    return list.some(({ recallable }) => recallable === false) ? list : [];
  }

  #mayRerunBySelection(path: string, renewed: Paths): boolean {
    return !this.#isOnce(path) && this.#isSelected(path, renewed) && this.#task(path).when === true;
  }

  #isSelected(path: string, renewed: Paths): boolean {
    const { selected } = this.#task(path);
    const { mode } = this.#world;
    if (mode.kind !== 'rerun' || this.#record(path) === undefined) return selected;
    const { classes } = mode;
    return (
      selected &&
      ((classes.includes('failed') && this.#isBad(path)) ||
        (classes.includes('changed') && this.#isOutOfDate(path, renewed)) ||
        classes.some((each) => each === this.#plainClass(path)))
    );
  }

  #plainClass(path: string): RerunClass | undefined {
    const record = this.#record(path) as TaskRecord;
    if (record.state === 'skipped' && !record.skip?.isStopped)
      return this.#isBad(path) ? undefined : 'skipped';
    if (record.state !== 'ended') return 'not-run';
    const verdict = record.executions.at(-1)?.verdict;
    return verdict === 'flaky' ? 'flaky' : verdict === 'skip' ? 'skipped' : undefined;
  }

  #isBad(path: string): boolean {
    const record = this.#record(path);
    if (record?.state === 'skipped') {
      const cause = this.#record(record.skip?.cause ?? '');
      return cause !== undefined && cause.state !== 'skipped' && this.#isBad(cause.path);
    }
    return record?.executions.at(-1)?.verdict === 'fail';
  }

  #hasResult(path: string): boolean {
    const state = this.#record(path)?.state;
    return state === 'ended' || (state === 'cancelled' && this.#isOnce(path));
  }

  #isOpen(path: string): boolean {
    const record = this.#record(path);
    if (record?.state === 'rebooting') return record.mark !== this.#world.suite.boot;
    return record?.state === 'intended' || record?.state === 'started';
  }

  #isUnfinished(path: string): boolean {
    const state = this.#record(path)?.state;
    return (
      this.#isOpen(path) ||
      state === 'between' ||
      (state === 'cleaning' && this.#isRerun()) ||
      (state === 'cancelled' && !this.#isOnce(path))
    );
  }

  #startsOver(path: string): boolean {
    return !this.#isOnce(path) && (this.#isRerun() || this.#isOutOfDate(path, this.#renewed));
  }

  #diedTooOften(path: string): boolean {
    const { suite } = this.#world;
    const record = this.#record(path) as TaskRecord;
    const isBoot = record.runningMark !== undefined && record.runningMark !== suite.boot;
    return record.interruptions >= (suite.maxInterruptions ?? 10) || record.boots + Number(isBoot) >= 3;
  }

  #isOver(path: string): boolean {
    const record = this.#record(path);
    if (record === undefined) return false;
    const { scope } = this.#task(path);
    const isOther = record.mark === undefined || record.mark !== this.#world.suite.boot;
    return (
      scope === 'process' ||
      this.#onService.has(path) ||
      record.isValueLost ||
      record.tornDownBy.length > 0 ||
      (scope === 'boot' && isOther)
    );
  }

  #isOnce(path: string): boolean {
    return this.#tasks.get(path)?.rerunnable === false && !this.#isRerun();
  }

  #isRerun(): boolean {
    return this.#world.mode.kind === 'rerun';
  }

  #record(path: string): TaskRecord | undefined {
    return this.#world.records.tasks.get(path);
  }

  #task(path: string): SuiteTask {
    return this.#tasks.get(path) as SuiteTask;
  }
}

/** The least set that holds a path whenever the condition holds for it and the set. */
function closure(paths: readonly string[], holds: (path: string, so: Paths) => boolean): Paths {
  let so: Paths = new Set();
  for (;;) {
    const next = new Set(paths.filter((path) => so.has(path) || holds(path, so)));
    if (next.size === so.size) return so;
    so = next;
  }
}

function needOf({ form, count }: RequirementInfo, all: number): number {
  if (form === 'every') return all;
  return form === 'at-least' ? (count ?? 1) : 1;
}

function differ(one: TaskDigests | undefined, other: TaskDigests | undefined): boolean {
  if (one === undefined || other === undefined) return one !== other;
  return (['meaning', 'code', 'data'] as const).some(
    (name) => one[name] !== other[name] || one[name] === 'unknown',
  );
}
