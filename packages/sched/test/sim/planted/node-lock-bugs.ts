/** Mistakes with what there is once on each node. */
import type { PlantedBug } from './bug.ts';

const locks = 'sched/src/machine/node-locks.ts';
const state = 'sched/src/machine/state.ts';
const dispatcher = 'sched/src/machine/dispatcher.ts';
const fairness = 'lock/src/fairness-queue.ts';
const resources = 'sched/src/plan/node-resources.ts';
const explain = 'sched/src/machine/explain.ts';

export const nodeLockBugs: readonly PlantedBug[] = [
  {
    what: 'all nodes share what there is on each',
    file: resources,
    find: 'const known = this.#places.get(key) ?? new OnNode(node);',
    replace: 'const known = this.#places.get(pool) ?? new OnNode(node);\n    this.#places.set(pool, known);',
  },
  {
    what: 'who is bypassed on nodes is never starved',
    file: locks,
    find: 'return passed.bypasses >= bypasses || passed.latecomers >= latecomers;',
    replace: 'return passed.latecomers >= latecomers;',
  },
  {
    what: 'a retry runs on another node than the one of which it holds something',
    file: state,
    find: '(pin === undefined || node === pin) &&',
    replace: '(pin === undefined || node === pin || this.#pins.size === 0) &&',
  },
  {
    what: 'poison of one node counts on none',
    file: state,
    find: '(mayTakePoisoned || this.locks.poisonedNode(request) === NONE)',
    replace: '(mayTakePoisoned || request >= 0)',
  },
  {
    what: 'tasks wait forever for what is poisoned on all nodes',
    file: locks,
    find: 'if (!this.#areAny || !this.#state.hasPoisoned) return;',
    replace: 'if (this.#areAny || !this.#state.hasPoisoned) return;',
  },
  {
    what: 'units are not compared with those of the node',
    file: resources,
    find: 'if (there < count) return',
    replace: 'if (there < 0) return',
  },
  {
    what: 'what a task holds on a node that has left stays held',
    file: locks,
    find: 'if (isGone && this.#state.poolOf(task).id === pool && !this.#state.tasks.isOut(task)) this.#free(task);',
    replace: 'if (isGone && this.#state.poolOf(task).id < 0) this.#free(task);',
  },
  {
    what: 'what is left half changed on a node that has left is not poisoned',
    file: state,
    find: 'if (!isClean) this.poison(local, task);',
    replace: '',
  },
  {
    what: 'a starved task waits for its node although another one is free',
    file: locks,
    find: 'this.#bindElsewhere(task, node, open);',
    replace: 'continue;',
  },
  {
    what: 'a holder that is bound to another node keeps its old reservation',
    file: fairness,
    find: 'this.#conflicts.reserved.count(before, -1);\n      this.#conflicts.reserved.count(request, 1);',
    replace: '',
  },
  {
    what: 'a task that retains something waits behind reservations',
    file: state,
    find: 'this.#isFreeOn(node, pool, asked, !isRetaining);',
    replace: 'this.#isFreeOn(node, pool, asked, isRetaining || !isRetaining);',
  },
  {
    what: 'a task takes what it needs elsewhere, and nothing of its node',
    file: dispatcher,
    find: 'if (node !== undefined && !isRetaining) this.#state.bind(task, node);',
    replace: '',
  },
  {
    what: 'of the nodes on which it is held, one is named',
    file: explain,
    find: 'const names = nodes.slice(0, mostNamed).map(({ name }) => name);',
    replace: 'const names = nodes.slice(0, 1).map(({ name }) => name);',
  },
];
