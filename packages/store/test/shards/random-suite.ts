/** Random suites as data, for properties of partitions. Tasks require only tasks and capabilities of earlier ones, so there is no cycle. */
import type { RequirementInfo, TaskInfo } from '@pexen/core';
import type { Random } from '../resume/random.ts';

export type Given = Partial<TaskInfo> & { readonly path: string };

/** A task with nothing in it. */
export function infoOf({ path, ...given }: Given): TaskInfo {
  return {
    ...{ id: 0, path, callPath: path.split('/'), nameKind: 'explicit', recallable: true, rerunnable: true },
    ...given,
  };
}

const resources = ['/srv/db', '/srv/db/users', '/srv', 'cpu', '/tmp/a'];

/** What a random suite may have. */
export interface Features {
  /** Requirements, and with them setups that several shards run. */
  readonly dependencies: boolean;
  /** What binds tasks to one shard. */
  readonly bonds: boolean;
}

export function randomSuite(
  random: Random,
  count: number,
  features: Features = { dependencies: true, bonds: true },
): TaskInfo[] {
  const tasks: TaskInfo[] = [];
  for (let id = 0; id < count; id++) tasks.push(randomTask(random, id, tasks, features));
  return tasks;
}

function randomTask(
  random: Random,
  id: number,
  before: readonly TaskInfo[],
  { dependencies, bonds }: Features,
): TaskInfo {
  const isSibling = bonds && random.chance(0.08);
  const path = isSibling ? `s/ping-${id + 2}` : `${random.oneOf(['a', 'b', 'c'])}/t${id}`;
  const claims = random.someOf(resources, 0.1);
  return infoOf({
    ...{ id, path, recallable: !isSibling },
    rerunnable: !bonds || !random.chance(0.06),
    ...(random.chance(0.8) && { weightMs: weightOf(random) }),
    ...(dependencies && random.chance(0.3) && { requires: requirementsOf(random, before) }),
    ...(dependencies && random.chance(0.1) && { service: true as const }),
    ...(dependencies && random.chance(0.2) && { provides: [`cap${random.below(2)}-${id >> 3}`] }),
    ...(bonds && { uses: random.someOf(resources, 0.08).map((resource) => ({ resource })) }),
    ...(claims.length > 0 && { claims }),
    ...(bonds && random.chance(0.05) && { exclusive: true as const }),
    ...(bonds && before.length > 0 && random.chance(0.05) && { salvages: namesOf(random, before) }),
    ...(bonds && before.length > 0 && random.chance(0.06) && { tearsDown: namesOf(random, before) }),
  });
}

/** Durations of tests: most are short, a few are long. */
function weightOf(random: Random): number {
  return Math.round(20 * Math.exp(4 * random.next() * random.next() + 2 * random.next()));
}

function requirementsOf(random: Random, before: readonly TaskInfo[]): RequirementInfo[] {
  if (before.length === 0) return [];
  const form = random.oneOf(['one', 'any-of', 'every'] as const);
  return [
    { form, capabilities: form === 'one' ? namesOf(random, before).slice(0, 1) : namesOf(random, before) },
  ];
}

/** Capabilities of one or two earlier tasks. */
function namesOf(random: Random, before: readonly TaskInfo[]): string[] {
  return Array.from({ length: 1 + random.below(2) }, () => {
    const { path, provides = [] } = random.oneOf(before);
    return provides[0] ?? `task:${path}`;
  });
}
