/** Mistakes in what the machine says about a run: false sentences. */
import type { PlantedBug } from './bug.ts';

const explain = 'sched/src/machine/explain.ts';
const dispatcher = 'sched/src/machine/dispatcher.ts';
const attempts = 'sched/src/machine/attempts.ts';

export const explainBugs: readonly PlantedBug[] = [
  {
    needsServices: true,
    what: 'a service that is up is said to be still waited for',
    file: explain,
    find: '    !(graph.isRequirement(condition) && state.tasks.has(feeder, PROVIDED) && state.tasks.isOut(feeder));',
    replace: '    true;',
  },
  {
    what: 'providers that are over are named as if they could still provide',
    file: explain,
    find: '    !state.tasks.isDone(feeder) &&\n',
    replace: '',
  },
  {
    what: 'the chain follows the last blocker named, and not one of them',
    file: explain,
    find: 'const then = others.find((other) => tasks.isOut(other)) ?? others[0];',
    replace: 'const then = others.length > 0 ? Math.max(0, task - 1) : undefined;',
  },
  {
    what: 'the number of blockers that are not named is wrong',
    file: explain,
    find: 'const more = others.length - blockers.length;',
    replace: 'const more = others.length;',
  },
  {
    what: 'what has not started is said to run',
    file: explain,
    find: "  if (tasks.state[task] === DISPATCHED)\n    return { kind: 'dispatched'",
    replace: "  if (tasks.state[task] === PARKED)\n    return { kind: 'dispatched'",
  },
  {
    what: 'a cleanup is said to be the body',
    file: explain,
    find: "part: tasks.has(task, CLEANING_UP) ? ('cleanup' as const) : ('body' as const),",
    replace: "part: 'body' as const,",
  },
  {
    what: 'a task that waits between attempts is said to wait for its first',
    file: explain,
    find: "state: tasks.hasStarted(task) ? 'between-attempts' : 'waiting', ...held };",
    replace: "state: 'waiting', ...held };",
  },
  {
    what: 'what is reserved is said to be held',
    file: explain,
    find: 'if (reservedFor !== undefined) return',
    replace: 'if (reservedFor !== undefined && blockers.length > 0) return',
  },
  {
    what: 'an exclusive task is said to wait for a resource',
    file: explain,
    find: 'const isAlone = (each: number): boolean => plan.metaOf(each).exclusive === true;',
    replace: 'const isAlone = (each: number): boolean => plan.metaOf(each).exclusive === undefined;',
  },
  {
    what: 'a full pool is said to be opening',
    file: explain,
    find: '...(phase === OPENING && { isOpening: true }) };',
    replace: '...(phase !== CLOSED && { isOpening: true }) };',
  },
  {
    what: 'the consumer is blamed for a group that goes first',
    file: explain,
    find: 'const first = pool.hasSlot || pool.phase === CLOSED ? groupBefore(state, task) : undefined;',
    replace: 'const first = pool.hasSlot ? groupBefore(state, task) : undefined;',
  },
  {
    what: 'the consumer is blamed for better tasks that go before a group',
    file: explain,
    find: 'if (better.length > 0) return groupWait(state, pool, undefined, better);',
    replace: 'void better;',
  },
  {
    what: 'salvages are said to make room for a service',
    file: explain,
    find: "[SALVAGE]: 'salvages',",
    replace: "[SALVAGE]: 'rivals',",
  },
  {
    needsServices: true,
    what: 'tasks that could not run beside a service are said to need something',
    file: explain,
    find: "  [CLEAR]: 'rivals',\n",
    replace: '',
  },
  {
    what: 'what is required is named by the function, which may have another name',
    file: explain,
    find: 'if (tasks.length === 0) return describeCapability(capability);',
    replace: 'if (tasks.length >= 0) return describeCapability(capability);',
  },
  {
    what: 'a poisoned resource is said to be held by an abandoned body',
    file: explain,
    find: 'which was left in an unknown state`;',
    replace: 'which an abandoned body still holds`;',
  },
  {
    what: 'a skip is explained by the wrong resource',
    file: dispatcher,
    find: 'else this.#attempts.skip(task, POISON, node, locks.poisonerOf(node));',
    replace: 'else this.#attempts.skip(task, POISON, 0, locks.poisonerOf(node));',
  },
  {
    what: 'a retry is said to hold its resources only since it started',
    file: dispatcher,
    find: 'if (!tasks.has(task, RETAINS_LOCKS)) tasks.took(task, nowMs);',
    replace: 'tasks.took(task, nowMs);',
  },
  {
    what: 'the body after a cleanup is said to be out since the cleanup',
    file: attempts,
    find: '      tasks.dispatchedAgain(task, this.#state.nowMs);\n',
    replace: '',
  },
  {
    needsServices: true,
    what: 'a service that stops is said to be up',
    file: explain,
    find: "return tasks.stop[service] !== 0 ? 'stopping' : ",
    replace: 'return ',
  },
  {
    what: 'tasks of other pools are said to take the slots',
    file: explain,
    find: 'if (state.tasks.isOut(other) && state.poolOf(other) === pool && !state.isService(other))',
    replace: 'if (state.tasks.isOut(other) && pool !== undefined && !state.isService(other))',
  },
];
