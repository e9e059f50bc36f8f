/** Mistakes in the dependencies between tasks: plan, graph, conditions, order. */
import type { PlantedBug } from './bug.ts';

const conditions = 'sched/src/machine/conditions.ts';
const builder = 'sched/src/plan/graph-builder.ts';
const teardowns = 'sched/src/plan/teardowns.ts';
const graph = 'sched/src/plan/graph.ts';
const identities = 'sched/src/plan/names.ts';
const order = 'sched/src/plan/order.ts';
const ranks = 'sched/src/plan/order.ts';

export const graphBugs: readonly PlantedBug[] = [
  {
    what: 'the first provider meets every requirement of several',
    file: conditions,
    find: 'return hits >= (this.#graph.need[condition] as number);',
    replace: 'return hits >= 1;',
  },
  {
    what: '`every` is met when all are over, however they ended',
    file: conditions,
    find: 'return this.pending[condition] === 0 && this.misses[condition] === 0;',
    replace: 'return this.pending[condition] === 0;',
  },
  {
    what: 'a requirement that has become impossible is not noticed',
    file: conditions,
    find: 'if (this.#makesImpossible(condition, misses)) this.impossible.push(condition);',
    replace: '',
  },
  {
    what: 'one failed provider of two makes a requirement impossible',
    file: conditions,
    find: '(this.hits[condition] as number) + (this.pending[condition] as number) + 1 ===\n      this.#graph.need[condition]',
    replace: '(this.hits[condition] as number) + 1 ===\n      this.#graph.need[condition]',
  },
  {
    what: 'added tasks meet `every` by the first provider that is over',
    file: conditions,
    find: 'for (const stage of [PENDING, MISSED, GIVEN]) if',
    replace: 'for (const stage of [GIVEN, MISSED, PENDING]) if',
  },
  {
    what: 'what is torn down still meets requirements',
    file: conditions,
    find: 'gone: new Set(gone),',
    replace: 'gone: new Set(gone.slice(0, 0)),',
  },
  {
    what: 'a salvage does not see the tasks that ended badly',
    file: conditions,
    find: '        if (this.#tasks.has(task, BAD)) this.misses[condition] = (this.misses[condition] as number) + 1;\n        this.#open(condition);',
    replace: '        this.#open(condition);',
  },
  {
    what: 'tasks that are ready do not wait for what is added before them',
    file: conditions,
    find: 'else if (state === READY || state === PARKED || state',
    replace: 'else if (state === PARKED || state',
  },
  {
    what: 'a task meets its own requirement',
    file: graph,
    find: 'if (task === exceptTask || this.pool[task] === exceptPool) return;',
    replace: 'if (this.pool[task] === exceptPool) return;',
  },
  {
    what: 'a group does not wait for what its tasks wait for outside',
    file: builder,
    find: '    if (!this.graph.followersOf(condition).includes(group)) this.graph.follow(condition, group, -1, pool);\n',
    replace: '',
  },
  {
    what: '`before` does not hold providers that are added later',
    file: builder,
    find: 'if (before !== undefined) this.#holdBehind(before, task, this.graph.subjects[condition] as Capability);',
    replace: '',
  },
  {
    what: 'a teardown does not wait for the users of what its users provide',
    file: teardowns,
    find: 'for (const given of this.#conditionsFedBy(task)) if (given !== except) this.#connect(doneWith, given);',
    replace: '',
  },
  {
    what: 'what tears down several things waits for the users of the first only',
    file: teardowns,
    find: 'for (const condition of capabilities)\n      this.#graph.waits.add(this.#watch(condition, tearer).unneeded, task);',
    replace:
      'for (const condition of capabilities.slice(0, 1)) this.#graph.waits.add(this.#watch(condition, tearer).unneeded, task);',
  },
  {
    what: 'what tears down several things waits for itself',
    file: teardowns,
    find: 'const tearer = capabilities.length > 1 ? task : all;',
    replace: 'const tearer = all;',
  },
  {
    what: 'a teardown does not wait for users that are added later',
    file: teardowns,
    find: 'for (const capability of this.#watchers.get(condition) ?? []) this.#needs(task, capability);',
    replace: 'void condition;\n    void task;',
  },
  {
    what: 'later tasks share a requirement that was met by what is torn down',
    file: conditions,
    find: '    if (this.metBy(condition).some(isGone)) return true;\n',
    replace: '    void isGone;\n',
  },
  {
    what: 'who failed before a teardown fails `every` of later tasks',
    file: conditions,
    find: '    this.misses[condition] = left.filter((feeder) => this.#stageOf(feeder) === MISSED).length;\n',
    replace: '',
  },
  {
    what: 'the identities of tasks are lost when others are refused',
    file: builder,
    find: 'this.#identities?.cut(taskCount);',
    replace: 'this.#identities = undefined;\n    void taskCount;',
  },
  {
    what: 'refused tasks count for what they are made from',
    file: identities,
    find: 'while (this.#count > end)',
    replace: 'while (this.#count > end && end < 0)',
  },
  {
    what: 'refused tasks leave their names behind',
    file: builder,
    find: 'this.names.cut(conditionCount);',
    replace: 'void conditionCount;',
  },
  {
    what: 'refused tasks leave their ranks behind',
    file: ranks,
    find: '      order.rank.set(rank);\n',
    replace: '',
  },
  {
    what: 'the longest path is not counted, only what comes next',
    file: order,
    find: 'Math.max(rank + (weight[node] as number), floor[node] as number)',
    replace: 'Math.max(weight[node] as number, floor[node] as number)',
  },
  {
    what: 'claimed resources do not count as chains',
    file: order,
    find: 'Math.max(rank + (weight[node] as number), floor[node] as number)',
    replace: '(rank + (weight[node] as number) + 0 * (floor[node] as number))',
  },
  {
    what: 'a cycle is not noticed where it is entered for the second time',
    file: order,
    find: 'if (seen === this.#open) this.#isCyclic = true;',
    replace: 'if (seen === this.#open) return 0;',
  },
  {
    what: 'a task that is over counts as waiting',
    file: order,
    find: 'else if (node >= graph.taskCount || !live?.isOver(node)) this.#stack.push(node);',
    replace: 'else this.#stack.push(node);\n    void live;\n    void graph;',
  },
  {
    what: 'a task needs what it requires in order to tear it down',
    file: teardowns,
    find: '    if (tornDownBy(this.#plan.metaOf(task)).includes(subject)) return;\n',
    replace: '    void [tornDownBy, subject];\n',
  },
];
