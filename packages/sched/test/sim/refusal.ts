/** Must tasks be refused? Computed naively, for comparison with the plan. */

import type { TaskSpec } from './scenario.ts';
import { isService, type Shadow, type TaskShadow } from './shadow.ts';

/** Why the tasks must not be added to the present ones; undefined if they may. `shadow` is a copy that has them already. */
export function whyRefused(shadow: Shadow, specs: readonly TaskSpec[]): string | undefined {
  const names = new Set(specs.map(({ name }) => name));
  const added = shadow.tasks.filter(({ spec }) => names.has(spec.name));
  for (const task of added)
    for (const requirement of task.spec.requires) {
      const { form, count } = requirement;
      const candidates = new Set(requirement.names.flatMap((name) => shadow.named(name)));
      candidates.delete(task);
      const need = form === 'at-least' ? count : 1;
      if (candidates.size < need) return `${task.spec.name} requires what no task provides`;
      if (
        form === 'every' &&
        requirement.names.some((name) => !shadow.named(name).some((other) => other !== task))
      )
        return `${task.spec.name} requires every one of several that no task provides`;
      const gone = requirement.names.find((name) => shadow.isGone(name, task));
      if (gone !== undefined) return `${task.spec.name} requires ${gone}, which is torn down`;
    }
  const unknown = added
    .flatMap(({ spec: { after, salvages, tearsDown } }) => [...after, ...salvages, ...tearsDown])
    .find((name) => name.startsWith('c') && shadow.named(name).length === 0);
  if (unknown !== undefined) return `no task provides ${unknown}`;
  const wrongService = whyServicesRefused(shadow, added);
  if (wrongService !== undefined) return wrongService;
  const own = shadow.tasks.find(
    (task) => task.end === undefined && shadow.beforeTeardown(task).includes(task),
  );
  if (own !== undefined) return `${own.spec.name} needs through others what it tears down`;
  const cycle = circleAmong(shadow.tasks, (task) => waitsFor(shadow, task))?.spec.name;
  if (cycle !== undefined) return `there is a cycle through ${cycle}`;
  const served = shadow.tasks.filter(isService).flatMap(({ spec }) => [spec.name, ...spec.provides]);
  const torn = [...shadow.tasks.flatMap(({ spec }) => spec.tearsDown), ...served];
  const circle = circleAmong(torn, (name) => builtOn(shadow, name));
  return circle === undefined ? undefined : `${circle} is built on itself, and would have to be torn down`;
}

/** Services that can never be up together, or beside a task that needs them; tasks that come after the end of a service that ends after them. */
function whyServicesRefused(shadow: Shadow, added: readonly TaskShadow[]): string | undefined {
  const itself = added.find((task) => isService(task) && shadow.servedBy(task).includes(task));
  if (itself !== undefined) return `${itself.spec.name} requires what it provides itself`;
  const hasNewService = added.some(isService);
  for (const task of hasNewService ? shadow.tasks : added) {
    if (task.end !== undefined) continue;
    const services = shadow.servicesFor(task);
    for (const one of services)
      for (const other of [task, ...services])
        if (one !== other && shadow.excludeEachOther(one, other))
          return `${task.spec.name} needs ${one.spec.name}, which conflicts with ${other.spec.name}`;
    if (services.length > 0 && shadow.takeTooMuch([task, ...services]))
      return `${task.spec.name} and its services take too much`;
  }
  for (const task of shadow.tasks) {
    if (task.end !== undefined) continue;
    const { group } = task.spec;
    const isBefore = (other: TaskShadow) =>
      other === task || (group !== undefined && other.spec.group === group);
    const late = [...shadow.ordersOf(task), ...shadow.beforeTeardown(task)].find(
      (other) => isService(other) && shadow.servedBy(other).some(isBefore),
    );
    if (late !== undefined) return `${task.spec.name} comes after ${late.spec.name}, which serves it`;
    if (group !== undefined && shadow.isGroupTied(group))
      return `the group ${group} is tied to its own services`;
  }
  return undefined;
}

/** A group counts as one node: all that its tasks wait for outside precedes all of them. A task that is over does not wait. */
function waitsFor(shadow: Shadow, task: TaskShadow): readonly TaskShadow[] {
  if (task.end !== undefined) return [];
  return shadow.allBefore(task);
}

/**
 * What the tasks provide that require this. It has to be torn down before. A task that is over counts as well, since what it provided is
 * still there.
 */
function builtOn({ tasks }: Shadow, name: string): readonly string[] {
  return tasks
    .filter(
      ({ spec }) => !spec.tearsDown.includes(name) && spec.requires.some(({ names }) => names.includes(name)),
    )
    .flatMap(({ spec }) => [spec.name, ...spec.provides])
    .filter((given) => given !== name);
}

/** A reachable node that can be reached from itself, if there is one. */
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

/** The first defined result. */
function first<Node>(nodes: readonly Node[], ask: (node: Node) => Node | undefined): Node | undefined {
  for (const node of nodes) {
    const answer = ask(node);
    if (answer !== undefined) return answer;
  }
  return undefined;
}
