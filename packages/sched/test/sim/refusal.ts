/** Would tasks have to be refused? Worked out naively, for comparison with what the plan says. */

import type { TaskSpec } from './scenario.ts';
import type { Shadow, TaskShadow } from './shadow.ts';

/** Why the tasks must not be added to those that are there, or undefined if they may. `shadow` is a copy that has them already. */
export function whyRefused(shadow: Shadow, specs: readonly TaskSpec[]): string | undefined {
  const names = new Set(specs.map(({ name }) => name));
  const added = shadow.tasks.filter(({ spec }) => names.has(spec.name));
  for (const task of added)
    for (const requirement of task.spec.requires) {
      const { form, count } = requirement;
      const candidates = new Set(requirement.names.flatMap((name) => shadow.named(name)));
      candidates.delete(task);
      const need = form === 'at-least' ? count : 1;
      if (candidates.size < need) return `${task.spec.name} requires what nobody provides`;
      if (
        form === 'every' &&
        requirement.names.some((name) => !shadow.named(name).some((other) => other !== task))
      )
        return `${task.spec.name} requires every one of what nobody provides`;
      const gone = requirement.names.find((name) => shadow.isGone(name, task));
      if (gone !== undefined) return `${task.spec.name} requires ${gone}, which is torn down`;
    }
  const own = shadow.tasks.find((task) => shadow.beforeTeardown(task.spec).includes(task));
  if (own !== undefined) return `${own.spec.name} needs through others what it tears down`;
  const cycle = cycleThrough(shadow);
  return cycle === undefined ? undefined : `there is a cycle through ${cycle}`;
}

/** Groups count as one node: all that its tasks wait for outside comes before all of them. */
function cycleThrough(shadow: Shadow): string | undefined {
  const walked = new Set<TaskShadow>();
  const walking = new Set<TaskShadow>();
  const walk = (task: TaskShadow): string | undefined => {
    if (walked.has(task)) return undefined;
    if (walking.has(task)) return task.spec.name;
    walking.add(task);
    const before = [
      ...shadow.predecessors(task),
      ...task.spec.requires.flatMap((requirement) => shadow.candidates(task, requirement)),
    ];
    for (const other of before) {
      const cycle = walk(other);
      if (cycle !== undefined) return cycle;
    }
    walking.delete(task);
    walked.add(task);
    return undefined;
  };
  for (const task of shadow.tasks) {
    const cycle = walk(task);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}
