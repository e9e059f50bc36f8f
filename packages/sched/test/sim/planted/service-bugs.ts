/** Mistakes in what concerns services. They are searched for in scenarios with services. */
import type { PlantedBug } from './bug.ts';

const services = 'sched/src/machine/services.ts';
const attempts = 'sched/src/machine/attempts.ts';
const state = 'sched/src/machine/state.ts';
const dispatcher = 'sched/src/machine/dispatcher.ts';
const conditions = 'sched/src/machine/conditions.ts';
const plan = 'sched/src/plan/services.ts';
const graph = 'sched/src/plan/graph.ts';

export const serviceBugs: readonly PlantedBug[] = [
  {
    what: 'a service starts though its tasks wait for others, too',
    file: services,
    find: '!this.#state.isService(task) && this.#needsServicesOnly(task))',
    replace: '!this.#state.isService(task))',
  },
  {
    what: 'a service starts for another service that no task needs',
    file: services,
    find: 'tasks.state[task] === WAITING && !this.#state.isService(task) &&',
    replace: 'tasks.state[task] === WAITING &&',
  },
  {
    what: 'a service stops while one task still needs it',
    file: services,
    find: 'return conditions.pending[plan.graph.overs.get(service) as ConditionId] === 1;',
    replace: 'return (conditions.pending[plan.graph.overs.get(service) as ConditionId] as number) <= 2;',
  },
  {
    what: 'what was built on a service outlives it',
    file: services,
    find: '        conditions.lose(task);\n',
    replace: '',
  },
  {
    what: 'a service that died starts again and again',
    file: services,
    find: '++known.deaths <= known.restarts &&',
    replace: '++known.deaths <= known.restarts + 1 &&',
  },
  {
    what: 'a service starts again beside tasks of its last start',
    file: services,
    find: '    if (tasks.hasStarted(service) && this.#hasRunning(service)) return false;\n',
    replace: '',
  },
  {
    what: 'services go on though one that they need is down',
    file: services,
    find: "        this.stop(task, 'provider-down');\n",
    replace: '',
  },
  {
    what: 'attempts that wait in a pool are not reclaimed when their service is down',
    file: services,
    find: "    for (const pool of pools) this.#state.emit({ type: 'reclaim', pool });\n",
    replace: '    void pools;\n',
  },
  {
    what: 'all alternative services start',
    file: services,
    find: 'open.slice(0, Math.max(0, missing))',
    replace: 'open.slice(0, missing > 0 ? open.length : 0)',
  },
  {
    what: 'services never make way',
    file: services,
    find: 'const stops = this.#isKeptWaiting(task) ? this.#obstaclesOf(task) : none;',
    replace: 'const stops = this.#isKeptWaiting(task) ? none : none;',
  },
  {
    what: 'services make way that are in no way',
    file: services,
    find: 'const stops = new Set(holding.filter(isInTheWay));',
    replace: 'const stops = new Set(holding);\n    void isInTheWay;',
  },
  {
    what: 'a service that made way comes back before the task starts',
    file: services,
    find: '      bundle.some((member) => services.isInTheWay(service, member))\n',
    replace: '      bundle.length + services.upheldBy(0).size < 0\n',
  },
  {
    what: 'a service that was stopped holds its resources until it starts again',
    file: services,
    find: '      locks.release(service);\n    }\n    const closed',
    replace: '    }\n    const closed',
  },
  {
    what: 'a service that had to be killed poisons nothing',
    file: services,
    find: "locksOk: outcome.how === 'aborted' || killsOnStop };",
    replace: 'locksOk: true };',
  },
  {
    what: 'a service that ends before it is ready has returned',
    file: services,
    find: "const isEarly = named.kind === 'returned' ||",
    replace: "const isEarly = (isUp && named.kind === 'returned') ||",
  },
  {
    what: 'tasks that a service kept away are forgotten',
    file: state,
    find: '    this.conditions.released.push(...this.keptAway);\n',
    replace: '',
  },
  {
    what: 'the timeout of a service goes on when it is ready',
    file: services,
    find: '    this.#state.alarms.drop(service);\n',
    replace: '',
  },
  {
    what: 'a service counts as up until it has ended',
    file: services,
    find: '    if (tasks.has(service, PROVIDED)) this.#goDown(service);\n',
    replace: '',
  },
  {
    what: 'failed starts before a new start count as its retries',
    file: services,
    find: '    known.before = before;\n',
    replace: '    void before;\n',
  },
  {
    what: 'an exclusive task starts beside a service that it does not need',
    file: dispatcher,
    find: 'if ([...servicesOut].every((service) => needed.includes(service))) return false;',
    replace: 'if ([...servicesOut].some((service) => needed.includes(service))) return false;',
  },
  {
    what: 'a group opens beside a service that it does not need',
    file: state,
    find: '    for (const service of this.servicesOut) if (!this.plan.services.isNeededIn(pool.id, service)) return true;\n',
    replace: '',
  },
  {
    what: 'services take the slots of tasks',
    file: state,
    find: '      if (isService) this.#noteService(task, isOut);\n      else',
    replace: '      if (isService) this.#noteService(task, isOut);\n      if (!isService || isOut)',
  },
  {
    what: 'a task starts again though its service is down',
    file: 'sched/src/machine/readiness.ts',
    find: 'if (!tasks.hasStarted(task) || this.#state.mustWaitAgain(task)) this.#state.waitAgain(task);',
    replace: 'if (!tasks.hasStarted(task)) this.#state.waitAgain(task);',
  },
  {
    what: 'what a task provides is there though its service went down meanwhile',
    file: attempts,
    find: 'if (hasProvided(outcome) && !isLost && !this',
    replace: 'if (hasProvided(outcome) && (!isLost || isLost) && !this',
  },
  {
    what: 'a requirement stays met when its service goes down',
    file: conditions,
    find: '    this.isMet[condition] = 0;\n    this.#metBefore.set(',
    replace: '    this.#metBefore.set(',
  },
  {
    what: 'a service that is up counts as one to come, too',
    file: conditions,
    find: '    for (const condition of fed) {\n      this.pending[condition] = (this.pending[condition] as number) - 1;\n',
    replace: '    for (const condition of fed) {\n',
  },
  {
    what: 'a task that conflicts with a service does not come before it',
    file: plan,
    find: '      if (!graph.feeds.has(rival, condition)) graph.feed(rival, condition);\n',
    replace: '      void rival;\n      void condition;\n',
  },
  {
    what: 'services that conflict are not refused',
    file: plan,
    find: '      if (among !== undefined) problems.push([task, among]);\n',
    replace: '      void among;\n',
  },
  {
    what: 'tasks that come after a service do not wait for the tasks that need it',
    file: graph,
    find: 'if (over !== undefined && over !== condition && kind >= ORDER) this.relays.add(over, condition);',
    replace: 'void over;\n    void kind;',
  },
  {
    what: 'an exclusive task waits for its own service',
    file: 'lock/src/conflicts.ts',
    find: '      counters[0] = counterAt(EVERYONE, HELD_WITHIN);\n',
    replace: '',
  },
];
