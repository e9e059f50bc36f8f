/** Mistakes with how urgent tasks are that only some nodes can run. */
import type { PlantedBug } from './bug.ts';

const bottlenecks = 'sched/src/plan/bottlenecks.ts';
const order = 'sched/src/plan/order.ts';
const machine = 'sched/src/machine/machine.ts';

export const nodeRankBugs: readonly PlantedBug[] = [
  {
    what: 'the queues of ready tasks keep their order when ranks change',
    file: machine,
    find: 'for (const partition of partitions) partition.queue.rebuild();',
    replace: '',
  },
  {
    what: 'ranks do not know of nodes that join',
    file: machine,
    find: 'this.#poolsToRank.add(row);',
    replace: 'if (row.remaining === 0) this.#poolsToRank.add(row);',
  },
  {
    what: 'executions of set-ups are not as urgent as what waits for the set-up',
    file: order,
    find: 'if (first === 0) for (const [task, other] of this.#alike)',
    replace: 'if (first < 0) for (const [task, other] of this.#alike)',
  },
  {
    what: 'nodes count as busy with tasks that are over',
    file: order,
    find: 'live?.isOver(task) === true || this.#alike.has(task)',
    replace: 'this.#alike.has(task)',
  },
  {
    what: 'tasks that ask the same nodes in different words do not count together',
    file: bottlenecks,
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is code
    find: 'const key = `${needs} ${usable}`;',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is code
    replace: 'const key = `${constraint} ${needs}`;',
  },
  {
    what: 'a node runs as many tasks at once as it has slots, though each claims its device',
    file: 'sched/src/plan/node-resources.ts',
    find: 'claims.length > 0 ? 1 : Number.POSITIVE_INFINITY',
    replace: 'Number.POSITIVE_INFINITY',
  },
];
