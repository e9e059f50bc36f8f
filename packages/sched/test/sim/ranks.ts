/** The ranks of tasks, computed naively, for comparison with the plan. */
import type { Shadow, TaskShadow } from './shadow.ts';

/** The first task whose rank is wrong, in words. Only for tasks that were all added at once. */
export function wrongRank(shadow: Shadow, rankOf: (task: number) => number): string | undefined {
  const successors = new Map<TaskShadow, TaskShadow[]>();
  for (const task of shadow.tasks) {
    const before = new Set([
      ...shadow.predecessors(task),
      ...task.spec.requires.flatMap((requirement) => shadow.candidates(task, requirement)),
    ]);
    for (const other of before) successors.set(other, [...(successors.get(other) ?? []), task]);
  }
  const ranks = new Map<TaskShadow, number>();
  const rank = (task: TaskShadow): number => {
    const known = ranks.get(task);
    if (known !== undefined) return known;
    const after = Math.max(0, ...(successors.get(task) ?? []).map(rank));
    const found = Math.max(
      weightOf(task) + after,
      ...task.spec.claims.map((claim) => claimed(shadow, claim)),
    );
    ranks.set(task, found);
    return found;
  };
  for (const task of shadow.tasks)
    if (Math.abs(rank(task) - rankOf(task.index)) > 1e-6)
      return `the rank of ${task.spec.name} is ${rankOf(task.index)}, but should be ${rank(task)}`;
  return undefined;
}

/** All tasks that claim it run one after the other. */
function claimed(shadow: Shadow, resource: string): number {
  return shadow.tasks
    .filter(({ spec }) => spec.claims.includes(resource))
    .reduce((sum, task) => sum + weightOf(task), 0);
}

function weightOf({ spec: { weight } }: TaskShadow): number {
  return weight ?? 1;
}
