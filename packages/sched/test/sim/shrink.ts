/** Makes a failing scenario smaller, as long as it fails in the same way. */
import type { PoolSpec, RequirementSpec, Scenario, TaskSpec } from './scenario.ts';
import { play } from './simulate.ts';

/** The smallest scenario found that breaks the same rule. */
export function shrink(scenario: Scenario): Scenario {
  const kind = kindOf(play(scenario).violation);
  if (kind === undefined) return scenario;
  let best = scenario;
  for (let wasShrunk = true; wasShrunk; ) {
    wasShrunk = false;
    for (const smaller of smallerThan(best)) {
      if (kindOf(play(smaller).violation) !== kind) continue;
      best = smaller;
      wasShrunk = true;
      break;
    }
  }
  return best;
}

/** The message without its numbers. */
function kindOf(violation: string | undefined): string | undefined {
  return violation?.replace(/c?\d+(-\d+)?/g, '#').replace(/t#|g#|\/[\w/]*/g, '*');
}

function* smallerThan(scenario: Scenario): Generator<Scenario> {
  const { tasks, additions, pools, faults, endings } = scenario;
  for (const half of [tasks.slice(tasks.length >> 1), tasks.slice(0, tasks.length >> 1)])
    if (half.length > 1) yield without(scenario, new Set(half.map(({ name }) => name)));
  if (additions.length > 0) yield { ...scenario, additions: [] };
  for (const addition of additions)
    yield { ...scenario, additions: additions.filter((other) => other !== addition) };
  for (const [at, addition] of additions.entries())
    for (const afterResults of [1, addition.afterResults - 1])
      if (afterResults >= 1 && afterResults < addition.afterResults)
        yield { ...scenario, additions: additions.with(at, { ...addition, afterResults }) };
  for (const { name } of tasks) yield without(scenario, new Set([name]));
  for (const { name } of additions.flatMap((addition) => addition.tasks))
    yield without(scenario, new Set([name]));
  for (const ending of endings) yield { ...scenario, endings: endings.filter((other) => other !== ending) };
  const { cutAfter = 0, ...uncut } = scenario;
  if (cutAfter > 0) yield uncut;
  for (const earlier of [1, cutAfter >> 1, cutAfter - 1])
    if (earlier > 0 && earlier < cutAfter) yield { ...scenario, cutAfter: earlier };
  if (scenario.pulls > 1) yield { ...scenario, pulls: 1 };
  if (scenario.pausesMs.length > 1) yield { ...scenario, pausesMs: [0] };
  for (const fault of Object.keys(faults) as (keyof typeof faults)[])
    if (faults[fault] > 0) yield { ...scenario, faults: { ...faults, [fault]: 0 } };
  for (const [index, pool] of pools.entries())
    for (const plainer of plainerPools(pool)) yield { ...scenario, pools: pools.with(index, plainer) };
  for (const [index, task] of tasks.entries())
    for (const plainer of plainerTasks(task)) yield { ...scenario, tasks: tasks.with(index, plainer) };
  for (const [at, addition] of additions.entries())
    for (const [index, task] of addition.tasks.entries())
      for (const plainer of plainerTasks(task)) {
        const changed = { ...addition, tasks: addition.tasks.with(index, plainer) };
        yield { ...scenario, additions: additions.with(at, changed) };
      }
}

/** Without these tasks, and without all references to them. */
function without(scenario: Scenario, names: ReadonlySet<string>): Scenario {
  const left = (all: readonly TaskSpec[]) =>
    all.filter(({ name }) => !names.has(name)).map((task) => forget(task, names));
  return {
    ...scenario,
    tasks: left(scenario.tasks),
    additions: scenario.additions.map((addition) => ({ ...addition, tasks: left(addition.tasks) })),
  };
}

function forget(task: TaskSpec, names: ReadonlySet<string>): TaskSpec {
  const left = (all: readonly string[]) => all.filter((name) => !names.has(name));
  return {
    ...task,
    requires: task.requires
      .map((requirement) => ({ ...requirement, names: left(requirement.names) }))
      .filter((requirement) => requirement.names.length > 0),
    ...{ after: left(task.after), before: left(task.before), salvages: left(task.salvages) },
  };
}

function* plainerPools(pool: PoolSpec): Generator<PoolSpec> {
  if (pool.changes.length > 0) yield { ...pool, changes: [] };
  if (pool.spare > 0) yield { ...pool, spare: 0 };
  if (pool.fails) yield { ...pool, fails: false };
  if (pool.opensInMs > 0) yield { ...pool, opensInMs: 0 };
  if (pool.slots > 1) yield { ...pool, slots: pool.slots - 1 };
  const { nodes = [] } = pool;
  for (const [at, node] of nodes.entries()) {
    if (nodes.length > 1) yield { ...pool, nodes: nodes.toSpliced(at, 1) };
    if (node.joinsAtMs > 0) yield { ...pool, nodes: nodes.with(at, { ...node, joinsAtMs: 0 }) };
    if (node.slots > 1) yield { ...pool, nodes: nodes.with(at, { ...node, slots: node.slots - 1 }) };
    for (const change of node.changes.keys())
      yield { ...pool, nodes: nodes.with(at, { ...node, changes: node.changes.toSpliced(change, 1) }) };
  }
}

const lists = [
  'requires',
  'provides',
  'after',
  'before',
  'salvages',
  'tearsDown',
  'uses',
  'claims',
  'amounts',
] as const;
const optional = ['timeout', 'idleTimeout', 'cleanup', 'weight', 'pool', 'group', 'on'] as const;
const numbers = ['grace', 'retries', 'delay', 'priority'] as const;

function* plainerTasks(task: TaskSpec): Generator<TaskSpec> {
  for (const list of lists)
    for (let index = 0; index < task[list].length; index++)
      yield { ...task, [list]: (task[list] as readonly unknown[]).toSpliced(index, 1) };
  for (const [index, requirement] of task.requires.entries())
    for (const plainer of plainerRequirements(requirement))
      yield { ...task, requires: task.requires.with(index, plainer) };
  for (const name of optional)
    if (task[name] !== undefined) {
      const { [name]: _gone, ...rest } = task;
      yield rest;
    }
  for (const name of numbers) if (task[name] !== 0) yield { ...task, [name]: 0 };
  if (task.exclusive) yield { ...task, exclusive: false };
  if (task.rerunnable && task.service === undefined) yield { ...task, rerunnable: false };
  if (task.service !== undefined && task.service.restarts > 0)
    yield { ...task, service: { ...task.service, restarts: 0 } };
  if (task.service !== undefined) {
    const { service: _, ...rest } = task;
    yield {
      ...rest,
      script: task.script.map(({ readyMs: __, ...script }) => ({ ...script, ends: 'returned' })),
    };
  }
  for (const [index, script] of task.script.entries()) {
    if (task.script.length > 1) yield { ...task, script: task.script.toSpliced(index, 1) };
    if (script.readyMs !== undefined && script.ends !== 'hangs')
      yield { ...task, script: task.script.with(index, { ...script, ends: 'hangs' }) };
    if (script.readyMs !== undefined && script.readyMs > 0)
      yield { ...task, script: task.script.with(index, { ...script, readyMs: script.readyMs >> 1 }) };
    if (script.ends !== 'returned' && script.readyMs === undefined)
      yield { ...task, script: task.script.with(index, { ...script, ends: 'returned' }) };
    if (script.returnedUnstarted > 0)
      yield {
        ...task,
        script: task.script.with(index, { ...script, returnedUnstarted: script.returnedUnstarted - 1 }),
      };
    if (!['returns', 'stops'].includes(script.whenStopped))
      yield { ...task, script: task.script.with(index, { ...script, whenStopped: 'stops' }) };
    if (script.durationMs > 1)
      yield { ...task, script: task.script.with(index, { ...script, durationMs: script.durationMs >> 1 }) };
    if (script.durationMs === 1)
      yield { ...task, script: task.script.with(index, { ...script, durationMs: 0 }) };
  }
}

function* plainerRequirements(requirement: RequirementSpec): Generator<RequirementSpec> {
  for (let index = 0; requirement.names.length > 1 && index < requirement.names.length; index++)
    yield { ...requirement, names: requirement.names.toSpliced(index, 1) };
}
