/** The present suite as decisions see it, from the descriptions of its tasks. Pure functions. */
import type { TaskInfo } from '@pexen/core';
import type { SuiteTask } from '../resume/decision.ts';
import type { ComparableDigests } from './code-files.ts';

/** What decisions depend on besides the description of a task. */
export interface SuiteFacts {
  selected(path: string): boolean;
  /** Its digests, so that they equal the recorded ones where nothing has changed. */
  digestsOf(info: TaskInfo): ComparableDigests | undefined;
}

/** The tasks of the suite; orders that one task states for others are those of the others. */
export function suiteTasks(infos: readonly TaskInfo[], facts: SuiteFacts): readonly SuiteTask[] {
  const followed = followedBy(infos);
  return infos.map((info) => suiteTask(info, followed, facts));
}

/** By capability: the tasks that are to run before its providers. */
function followedBy(infos: readonly TaskInfo[]): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const { path, before = [] } of infos)
    for (const capability of before)
      found.set(capability, [...(found.get(capability) ?? []), `task:${path}`]);
  return found;
}

function suiteTask(
  info: TaskInfo,
  followed: ReadonlyMap<string, readonly string[]>,
  facts: SuiteFacts,
): SuiteTask {
  const { path, recallable, requires, provides = [], tearsDown, salvages, after = [], group } = info;
  const { uses, claims, rerunnable, retries, scope = 'run', hasCleanup, whyNot } = info;
  const preceding = [`task:${path}`, ...provides].flatMap((capability) => followed.get(capability) ?? []);
  return {
    path,
    recallable,
    ...facts.digestsOf(info),
    ...(requires && { requires }),
    ...(provides.length > 0 && { provides }),
    ...(tearsDown && { tearsDown }),
    ...(salvages && { salvages }),
    ...(after.length + preceding.length > 0 && { after: [...after, ...preceding] }),
    // Amounts are free again when their task is dead: nothing of them can be half changed.
    ...(uses && { uses: uses.filter(({ count }) => count === undefined).map(({ resource }) => resource) }),
    ...(claims && { claims }),
    ...(group !== undefined && { group }),
    rerunnable: rerunnable || info.service === true,
    ...(retries !== undefined && { retries }),
    when: whyNot ?? true,
    selected: facts.selected(path),
    scope,
    ...(info.service && { isService: true }),
    ...(info.perNode && { isPerNode: true }),
    ...(hasCleanup && { hasCleanup }),
  };
}
