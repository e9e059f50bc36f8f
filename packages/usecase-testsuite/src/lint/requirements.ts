/** The rules `implied-requirement` and `missing-provider`: what requirements say that others say already, and what nothing here provides. */
import type { RequirementInfo } from '@pexen/core';
import { counted, namesOf } from './phrases.ts';
import type { LintCollector } from './report.ts';
import type { LintedSuite, LintedTask } from './suite.ts';

/** The name of a capability, for people. */
function plain(name: string): string {
  const [, kind, rest = ''] = /^(key|task|object):(.*)$/s.exec(name) ?? [];
  if (kind === undefined) return `"${name.startsWith('\\') ? name.slice(1) : name}"`;
  return kind === 'object' ? rest : `${kind} "${rest}"`;
}

function words({ form, capabilities, count }: RequirementInfo): string {
  const names = capabilities.map(plain).join(', ');
  if (form === 'one') return names;
  return `${{ 'any-of': 'any of', every: 'every', 'at-least': `at least ${count} of` }[form]} ${names}`;
}

/**
 * Finds requirements that are always met when another one of the same task is, since everything that can meet that one requires it, directly or
 * indirectly. Keys hand over values, and services run as long as they are required: these are not judged.
 */
export function findImplied(suite: LintedSuite, collector: LintCollector): void {
  if (!collector.asks('implied-requirement')) return;
  const implications = new Implications(suite);
  const found = new Map<
    string,
    { readonly text: string; readonly by: string; readonly tasks: LintedTask[] }
  >();
  for (const task of suite.tasks) {
    const { requires = [] } = task.info;
    for (const [at, requirement] of requires.entries()) {
      if (!isJudged(requirement, suite)) continue;
      const other = requires.find(
        (each, other) => other !== at && implications.implies(each, requirement, task),
      );
      const subject = { tasks: [task.path], resource: requirement.capabilities[0] ?? '' };
      if (!collector.judge('implied-requirement', subject, other !== undefined) || other === undefined)
        continue;
      const key = JSON.stringify([requirement, other]);
      const known = found.get(key) ?? { text: words(requirement), by: words(other), tasks: [] };
      found.set(key, known);
      known.tasks.push(task);
    }
  }
  for (const { text, by, tasks } of found.values()) {
    const [first] = tasks;
    const paths = tasks.map(({ path }) => path);
    const location = first?.info.location;
    collector.add({
      ...{ rule: 'implied-requirement', subject: paths.length === 1 ? (paths[0] as string) : text },
      message:
        paths.length === 1
          ? `requires ${text}, and also ${by}, which requires ${text} itself`
          : `${counted(paths.length, 'test')} (${namesOf(paths)}) require it, and also ${by}, which requires it itself`,
      nextStep: `The order is the same without ${text}. Remove it, unless it should stay when ${by} no longer needs it.`,
      tasks: paths,
      ...(location !== undefined && { location }),
    });
  }
}

/** Is the requirement about order alone? */
function isJudged({ form, capabilities }: RequirementInfo, suite: LintedSuite): boolean {
  if (form !== 'one' && form !== 'any-of') return false;
  if (capabilities.some((name) => name.startsWith('key:'))) return false;
  return !capabilities.some((name) =>
    suite.providersOf(name).some(({ info }) => info.service === true || info.perNode === true),
  );
}

/** Which requirements are met whenever others are. */
class Implications {
  readonly #suite: LintedSuite;
  /** By requirement and task: was the requirement met if the task ended well? */
  readonly #known = new Map<string, Map<LintedTask, boolean>>();

  constructor(suite: LintedSuite) {
    this.#suite = suite;
  }

  /** Is `target` met whenever `given` is, by what those who can meet `given` require? What these provide themselves does not count. */
  implies(given: RequirementInfo, target: RequirementInfo, of: LintedTask): boolean {
    const key = target.capabilities.join('\0');
    const known = this.#known.get(key) ?? new Map<LintedTask, boolean>();
    this.#known.set(key, known);
    const targets = new Set(target.capabilities.flatMap((name) => this.#suite.providersOf(name)));
    return this.#holds(given, of, (provider) => {
      if (targets.has(provider)) return false;
      return this.#ensures(provider, targets, known);
    });
  }

  /** Did one of the targets end well whenever the task did? */
  #ensures(task: LintedTask, targets: ReadonlySet<LintedTask>, known: Map<LintedTask, boolean>): boolean {
    const open: { readonly task: LintedTask; isEntered: boolean }[] = [{ task, isEntered: false }];
    // A stack of its own, because chains may be long. What is still open counts as not ensured; valid suites have no cycles.
    while (open.length > 0) {
      const top = open.at(-1) as (typeof open)[number];
      if (known.has(top.task)) {
        open.pop();
        continue;
      }
      const { requires = [] } = top.task.info;
      if (!top.isEntered) {
        top.isEntered = true;
        for (const requirement of requires)
          for (const name of requirement.capabilities)
            for (const provider of this.#suite.providersOf(name))
              if (provider !== top.task && !known.has(provider) && !targets.has(provider))
                open.push({ task: provider, isEntered: false });
        if (open.at(-1) !== top) continue;
      }
      open.pop();
      const isMet = (provider: LintedTask): boolean => targets.has(provider) || known.get(provider) === true;
      known.set(
        top.task,
        requires.some((requirement) => this.#holds(requirement, top.task, isMet)),
      );
    }
    return known.get(task) === true;
  }

  /** Is what `ensures` says of tasks certain once the requirement is met? */
  #holds(
    { form, capabilities }: RequirementInfo,
    of: LintedTask,
    ensures: (provider: LintedTask) => boolean,
  ): boolean {
    const providers = capabilities
      .flatMap((name) => this.#suite.providersOf(name))
      .filter((each) => each !== of);
    if (providers.length === 0) return false;
    return form === 'every' ? providers.some(ensures) : providers.every(ensures);
  }
}

/** Finds capabilities that tasks require and that nothing provides here, since no provider applies on this machine. */
export function findMissing(suite: LintedSuite, collector: LintCollector): void {
  if (!collector.asks('missing-provider')) return;
  const { dead, reasons } = deadTasks(suite);
  for (const [capability, why] of reasons) {
    const skipped = [...dead].filter(([, root]) => root === capability).map(([task]) => task);
    const paths = skipped.map(({ path }) => path);
    if (!collector.judge('missing-provider', { tasks: paths, resource: capability }, true)) continue;
    const location = skipped[0]?.info.location;
    collector.add({
      ...{ rule: 'missing-provider', subject: plain(capability) },
      message: `nothing provides it here, and so ${counted(paths.length, 'test')} will be skipped: ${namesOf(paths)}`,
      details: why,
      nextStep: 'If they should run on this machine, provide what is missing.',
      tasks: paths,
      ...(location !== undefined && { location }),
    });
  }
}

/** The tasks that are skipped though they apply themselves, each with the capability that is missing in the end, and why these are missing. */
export function deadTasks(suite: LintedSuite): {
  readonly dead: ReadonlyMap<LintedTask, string>;
  readonly reasons: ReadonlyMap<string, readonly string[]>;
} {
  const dead = new Map<LintedTask, string>();
  const reasons = new Map<string, readonly string[]>();
  const isOut = (task: LintedTask): boolean => task.info.whyNot !== undefined || dead.has(task);
  for (let before = -1; before < dead.size; ) {
    before = dead.size;
    for (const task of suite.tasks) {
      if (dead.has(task) || !isSkippedForOthers(task, suite)) continue;
      const missing = (task.info.requires ?? []).flatMap((each) => unmetIn(each, task, suite, isOut))[0];
      if (missing === undefined) continue;
      const providers = suite.providersOf(missing);
      const [behind] = providers.filter((each) => dead.has(each));
      dead.set(task, (behind && dead.get(behind)) ?? missing);
      if (behind === undefined)
        reasons.set(
          missing,
          providers.length === 0
            ? [task.info.whyNot ?? 'no task provides it']
            : providers.map(({ path, info }) => `${path} does not apply: ${info.whyNot}`),
        );
    }
  }
  return { dead, reasons };
}

/** A task whose own condition is false does not count. That of a task without what it requires is given by the catalogue. */
function isSkippedForOthers({ info }: LintedTask, suite: LintedSuite): boolean {
  if (info.whyNot === undefined) return true;
  return (info.requires ?? []).some(({ capabilities }) =>
    capabilities.every((name) => suite.providersOf(name).length === 0),
  );
}

/** The capability that is to blame if the requirement cannot be met; nothing if it can. */
function unmetIn(
  { form, capabilities, count = 1 }: RequirementInfo,
  of: LintedTask,
  suite: LintedSuite,
  isOut: (task: LintedTask) => boolean,
): readonly string[] {
  const providersOf = (name: string): readonly LintedTask[] =>
    suite.providersOf(name).filter((each) => each !== of);
  const isGone = (name: string): boolean => providersOf(name).every(isOut);
  if (form === 'every')
    return capabilities.filter((name) => providersOf(name).length === 0 || providersOf(name).some(isOut));
  const left = new Set(capabilities.flatMap(providersOf).filter((each) => !isOut(each))).size;
  return left < (form === 'at-least' ? count : 1) ? capabilities.filter(isGone) : [];
}
