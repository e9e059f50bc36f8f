/** Mistakes with the nodes of pools. */
import type { PlantedBug } from './bug.ts';

const nodes = 'sched/src/machine/nodes.ts';
const state = 'sched/src/machine/state.ts';
const dispatcher = 'sched/src/machine/dispatcher.ts';
const attempts = 'sched/src/machine/attempts.ts';

export const nodeBugs: readonly PlantedBug[] = [
  {
    what: 'a task runs on a node that it does not ask for',
    file: nodes,
    find: 'if (!this.#hasPlace(node) || !admits(node)) continue;',
    replace: 'if (!this.#hasPlace(node)) continue;',
  },
  {
    what: 'a task waits for a slot of a node that it does not ask for',
    file: nodes,
    find: 'for (const node of this.#all.values()) if (node.hasSlot && admits(node)) return true;',
    replace: 'for (const node of this.#all.values()) if (node.hasSlot) return true;',
  },
  {
    what: 'a node that has left gets further attempts',
    file: nodes,
    find: 'return node && Object.assign(node, { slots: 0, hasLeft: true });',
    replace:
      'if (node) this.#all.set(name, node);\n    return node && Object.assign(node, { hasLeft: true });',
  },
  {
    what: 'after a boot a node is the one that it was before',
    file: nodes,
    find: 'if (this.#all.get(name)?.bootMark !== bootMark) this.leave(name);',
    replace: '',
  },
  {
    what: 'an attempt waits on one node while another has a slot',
    file: nodes,
    find: 'if (node.hasSlot !== other.hasSlot) return node.hasSlot;',
    replace: '',
  },
  {
    what: 'a node forgets what it fulfils when an older fact arrives',
    file: nodes,
    find: '[...answers, ...node.answers.slice(answers.length)]',
    replace: 'answers',
  },
  {
    what: 'a node gets one attempt too many',
    file: nodes,
    find: 'slots > 0 && dispatched < slots + this.#spare;',
    replace: 'slots > 0 && dispatched <= slots + this.#spare;',
  },
  {
    what: 'spare places of nodes count for nodes that take nothing',
    file: nodes,
    find: 'if (slots > 0) free += Math.max',
    replace: 'free += Math.max',
  },
  {
    what: 'the slot of a node does not come back',
    file: state,
    find: 'if (pool.nodes !== undefined) (this.#nodeOf.get(task) as NodeRow).dispatched--;',
    replace: '',
  },
  {
    what: 'a spare place of a node is filled past a better task for other nodes',
    file: dispatcher,
    find: '(partition.hasSlot || this.#tried.every(({ pool }) => pool !== partition.pool))',
    replace: 'partition.hasPlace',
  },
  {
    what: 'a cleanup starts on a node that is gone',
    file: attempts,
    find: 'if (cleans && !this.#isNodeGone(task)) this.#cleanUp(task);',
    replace: 'if (cleans) this.#cleanUp(task);',
  },
  {
    what: 'a service runs on a node that it does not ask for',
    file: nodes,
    find: 'if (node.slots > 0 && admits(node) && (best',
    replace: 'if (node.slots > 0 && (best',
  },
  {
    what: 'tasks that ask for different things wait as one',
    file: state,
    find: 'if (known !== undefined) return known;\n    const alike',
    replace:
      'if (this.partitions.length > this.pools.length) return this.partitions.at(-1) as Partition;\n    const alike',
  },
];
