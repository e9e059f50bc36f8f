/** Mistakes in what concerns locks of several runs. They are searched for in scenarios with other runs. */
import type { PlantedBug } from './bug.ts';

const dispatcher = 'sched/src/machine/dispatcher.ts';
const machine = 'sched/src/machine/machine.ts';
const state = 'sched/src/machine/state.ts';
const poolLifecycle = 'sched/src/machine/pool-lifecycle.ts';

export const acrossRunsBugs: readonly PlantedBug[] = [
  {
    what: 'a task that waits for a service keeps what it has of other runs',
    file: state,
    find: 'if (to === WAITING || (to === DONE && !this.#abandoned.has(task))) this.releaseLocks(task);',
    replace: 'if (to === DONE && !this.#abandoned.has(task)) this.releaseLocks(task);',
  },
  {
    what: 'what an abandoned body holds is released before the body has ended',
    file: state,
    find: '(to === DONE && !this.#abandoned.has(task))',
    replace: 'to === DONE',
  },
  {
    what: 'a group opens while a task outside keeps what other runs share',
    file: dispatcher,
    find: '    this.#returnLocksOutside(group);\n',
    replace: '',
  },
  {
    what: 'a task keeps what other runs share although nothing runs for which it could wait',
    file: poolLifecycle,
    find: '    if (this.#returnKeptLocks()) return true;\n',
    replace: '',
  },
  {
    what: 'a task takes what other runs share, and waits in a spare place',
    file: dispatcher,
    find: 'acrossRuns.concerns(task) || locks.isContended(task);',
    replace: 'locks.isContended(task);',
  },
  {
    what: 'a cancelled run waits for other runs forever',
    file: dispatcher,
    find: '    if (stopping === CANCELLING) watchLocks(this.#state, task);\n',
    replace: '',
  },
  {
    what: 'a run whose tasks wait for other runs gives them up',
    file: poolLifecycle,
    find: 'if (acrossRuns.waitOf(task) !== undefined && mayHave(this.#state.poolOf(task))) return true;',
    replace: 'if (acrossRuns.waitOf(task) !== undefined && remaining === 0) return true;',
  },
  {
    what: 'a task whose locks are lost keeps the request, and does not ask again',
    file: machine,
    find: '          this.state.releaseLocks(input.task);\n',
    replace: '          this.state.acrossRuns.grant(input.task);\n',
  },
  {
    what: 'the loss of an earlier request takes the locks of a later one',
    file: machine,
    find: 'if (this.state.acrossRuns.requestGranted(input.task) === input.request)',
    replace: 'if (this.state.acrossRuns.isGranted(input.task))',
  },
];
