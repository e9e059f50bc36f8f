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
  const unknown = added
    .flatMap(({ spec: { after, salvages, tearsDown } }) => [...after, ...salvages, ...tearsDown])
    .find((name) => name.startsWith('c') && shadow.named(name).length === 0);
  if (unknown !== undefined) return `no task provides ${unknown}`;
  const own = shadow.tasks.find(
    (task) => task.end === undefined && shadow.beforeTeardown(task).includes(task),
  );
  if (own !== undefined) return `${own.spec.name} needs through others what it tears down`;
  const cycle = circleAmong(shadow.tasks, (task) => waitsFor(shadow, task))?.spec.name;
  if (cycle !== undefined) return `there is a cycle through ${cycle}`;
  const torn = shadow.tasks.flatMap(({ spec }) => spec.tearsDown);
  const circle = circleAmong(torn, (name) => builtOn(shadow, name));
  return circle === undefined ? undefined : `${circle} is built on itself, and would have to be torn down`;
}

/**
 * Groups count as one node: all that its tasks wait for outside comes before all of them. What is over waits for nobody.
 */
function waitsFor(shadow: Shadow, task: TaskShadow): readonly TaskShadow[] {
  if (task.end !== undefined) return [];
  return [
    ...shadow.predecessors(task),
    ...task.spec.requires.flatMap((requirement) => shadow.candidates(task, requirement)),
  ];
}

/** What those provide who require this. It has to be torn down before; who is over counts as well, since what it gave is still there. */
function builtOn({ tasks }: Shadow, name: string): readonly string[] {
  return tasks
    .filter(
      ({ spec }) => !spec.tearsDown.includes(name) && spec.requires.some(({ names }) => names.includes(name)),
    )
    .flatMap(({ spec }) => [spec.name, ...spec.provides])
    .filter((given) => given !== name);
}

/** A node from which one comes back to it, if there is one that can be reached. */
function circleAmong<Node>(nodes: readonly Node[], next: (node: Node) => readonly Node[]): Node | undefined {
  const walked = new Set<Node>();
  const walking = new Set<Node>();
  const walk = (node: Node): Node | undefined => {
    if (walking.has(node)) return node;
    if (walked.has(node)) return undefined;
    walking.add(node);
    const found = first(next(node), walk);
    walking.delete(node);
    walked.add(node);
    return found;
  };
  return first(nodes, walk);
}

/** The first answer there is. */
function first<Node>(nodes: readonly Node[], ask: (node: Node) => Node | undefined): Node | undefined {
  for (const node of nodes) {
    const answer = ask(node);
    if (answer !== undefined) return answer;
  }
  return undefined;
}
