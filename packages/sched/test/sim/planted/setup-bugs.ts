/** Mistakes with tasks that set up nodes. */
import type { PlantedBug } from './bug.ts';

const setups = 'sched/src/machine/node-setups.ts';
const services = 'sched/src/machine/services.ts';
const state = 'sched/src/machine/state.ts';
const nodes = 'sched/src/machine/nodes.ts';
const readiness = 'sched/src/machine/readiness.ts';
const tasks = 'sched/src/plan/compiled-tasks.ts';

export const setupBugs: readonly PlantedBug[] = [
  {
    what: 'a task runs on a node that was not set up',
    file: state,
    find: 'needs.every((condition) => this.isMetOn(condition, node)) &&',
    replace: '',
  },
  {
    what: 'what one node was set up with counts on all',
    file: state,
    find: 'return this.setUpOn.get(setup)?.has(node) === true;',
    replace: 'return (this.setUpOn.get(setup)?.size ?? 0) > 0;',
  },
  {
    what: 'a set-up runs on any node, not on its own',
    file: state,
    find: '(pin === undefined || node === pin) &&',
    replace: '',
  },
  {
    what: 'a failed set-up counts as passed',
    file: setups,
    find: 'if (!tasks.has(task, PROVIDED)) {\n      if (this.#state.lostBases.has(task)) this.#of(setup).lostOn.add(node);\n      else if (this.#mayBeRepeated(task)) this.#of(setup).on.delete(node);\n      return;\n    }',
    replace: '',
  },
  {
    what: 'nodes that join late are not set up',
    file: setups,
    find: 'if ((on.has(node) && !lostOn.has(node)) || this.#state.isForbidden(setup)) return false;',
    replace: 'if ((on.size > 0 && !lostOn.has(node)) || this.#state.isForbidden(setup)) return false;',
  },
  {
    what: 'a node is set up on which the set-up must not run',
    file: setups,
    find: 'if (!node.fulfils(this.#state.plan.placement.constraintOf(setup))) return false;',
    replace: '',
  },
  {
    what: 'a node that comes back in the same boot is set up again',
    file: nodes,
    find: 'const node = known?.bootMark === bootMark ? known :',
    replace: 'const node = known?.bootMark === bootMark && !known.hasLeft ? known :',
  },
  {
    what: 'what was set up stays provided when its last node leaves',
    file: setups,
    find: 'else conditions.down(setup);\n  }',
    replace: '}',
  },
  {
    what: 'tasks wait forever for a node whose set-up failed',
    file: setups,
    find: 'for (const partition of this.#state.partitions) this.#giveUpOn(partition);',
    replace: '',
  },
  {
    what: 'a set-up that has failed everywhere goes on',
    file: setups,
    find: 'if (this.#hasFailed(setup)) this.#end(setup);',
    replace: '',
  },
  {
    what: 'a service of a node ends while a task there needs it',
    file: services,
    find: 'if (node !== undefined) return !this.#setups.isNeededOn(this.#declared(service), node);',
    replace: 'if (node !== undefined) return node.dispatched < 2;',
  },
  {
    what: 'what was set up on a service of its node outlives that',
    file: services,
    find: '        if (this.#nodeOf(task) !== undefined) this.#setups.wentDown(task);\n',
    replace: '',
  },
  {
    what: 'a service of a node ends before what tears it down there',
    file: setups,
    find: 'if (torn.length > 0) return torn.some((each) => this.#isLeftOn(each, node));',
    replace: 'if (torn.length > 0) return false;',
  },
  {
    what: 'a service of a node waits forever for the node, which has left',
    file: setups,
    find: '    if (this.#state.plan.hasServices) this.#giveUpServices();\n',
    replace: '',
  },
  {
    what: 'a service is up on one node only',
    file: services,
    find: 'if (this.#setups.isDueOn(service, node) && this.#isAwaitedOn(service, node))',
    replace:
      'if (!this.#setups.isUnderWay(service) && this.#setups.isDueOn(service, node) && this.#isAwaitedOn(service, node))',
  },
  {
    what: 'a teardown runs on nodes where nothing was set up',
    file: setups,
    find: ': torn.some((each) => this.#isLeftOn(each, node));',
    replace: ': torn.length > 0;',
  },
  {
    what: 'a teardown starts before the set-up of its node is over',
    file: setups,
    find: 'return this.#state.tasks.isDone(task) || this.#state.isService(task);',
    replace: 'return true;',
  },
  {
    what: 'a teardown of set-ups is over before these are',
    file: setups,
    find: 'if (torn.length > 0) return torn.every((each) => tasks.isDone(each) || this.#isExecutedSomewhere(each));',
    replace: 'if (torn.length > 0) return true;',
  },
  {
    what: 'a set-up waits for its own tasks as if it had nothing to do',
    file: setups,
    find: 'return torn.length === 0 ? !this.#isDoneWith(setup) :',
    replace: 'return torn.length === 0 ? this.#isDoneWith(setup) :',
  },
  {
    what: 'a teardown of set-ups is skipped before these have started',
    file: readiness,
    find: '&& !this.#state.isSetup(task);',
    replace: ';',
  },
  {
    what: 'an execution does not wait for what its set-up waits for',
    file: tasks,
    find: 'for (const condition of this.graph.waits.in.ends(of)) this.graph.waits.add(condition, task);',
    replace: '',
  },
];
