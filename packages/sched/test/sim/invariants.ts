/** Counts everything again, naively, and compares. For tests: the cost is proportional to the size of the run. */
import { validate as validateLocks } from '@pexen/lock/validate';
import type { Machine } from '../../src/machine/machine.ts';
import type { PendingResults } from '../../src/machine/results.ts';
import type { State } from '../../src/machine/state.ts';
import {
  BACKING_OFF,
  DISPATCHED,
  DONE,
  PARKED,
  PROVIDED,
  READY,
  RETAINS_LOCKS,
  RUNNING,
  STATES,
  WAITING,
} from '../../src/machine/task-table.ts';

/** The states between two attempts. A task that waits for a service again counts as not started. */
const between: ReadonlySet<number> = new Set([READY, PARKED, BACKING_OFF]);

/** @throws Error naming the first thing that does not add up. */
export function validate({ state, results }: Machine): void {
  for (let task = 0; task < state.tasks.count; task++) validateTask(state, task);
  validateConditions(state);
  validateCounts(state, results);
  validateLocks(state.locks);
}

function validateTask(state: State, task: number): void {
  const { tasks, conditions, locks, plan } = state;
  const at = tasks.state[task] as number;
  const claim = (holds: boolean, what: string): void => {
    if (!holds) throw new Error(`${plan.pathOf(task)}, ${STATES[at]}: ${what}`);
  };
  if (at === WAITING) {
    const closed = conditions.countUnfulfilled(task);
    claim(tasks.blockers[task] === closed, `counts ${tasks.blockers[task]} closed conditions of ${closed}`);
    const isKept = state.recalled.isKeptOut(task) || state.keptAway.has(task);
    claim(closed > 0 || isKept, 'waits for nothing');
  }
  if (at === READY || at === PARKED)
    claim(
      (tasks.hasStarted(task) && !state.mustWaitAgain(task)) || conditions.countUnfulfilled(task) === 0,
      'has a closed condition',
    );
  const isParked = at === PARKED && state.acrossRuns.waitOf(task) === undefined;
  claim(locks.isParked(task) === isParked, 'the lock table disagrees about its being parked');
  if (at === WAITING) claim(![...state.acrossRuns.all].includes(task), 'waits and has locks of other runs');
  claim(!state.granted.has(task) || at === READY, 'goes before the queues and is not ready');
  if (plan.request[task] !== -1) {
    const keeps = at === DISPATCHED || at === RUNNING || tasks.has(task, RETAINS_LOCKS);
    const holds = at === DONE ? state.abandoned.has(task) : keeps;
    claim(locks.isHolding(task) === holds, 'the lock table disagrees about what it holds');
  }
  claim((at === DONE) === tasks.isDone(task), 'is over and is not');
}

function validateConditions(state: State): void {
  const { conditions, tasks, plan } = state;
  const { feeds, relays } = plan.graph;
  const isUp = (task: number): boolean =>
    (state.isService(task) || state.isSetup(task)) && tasks.has(task, PROVIDED);
  for (let condition = 0; condition < plan.graph.conditionCount; condition++) {
    const feeders = feeds.in.ends(condition);
    const pending =
      feeders.filter((task) => !tasks.isDone(task) && !(isUp(task) && plan.graph.isRequirement(condition)))
        .length + relays.in.ends(condition).filter((source) => !conditions.isFulfilled(source)).length;
    if (conditions.pending[condition] !== pending)
      throw new Error(`condition ${condition}: ${conditions.pending[condition]} pending, counted ${pending}`);
    if (!plan.graph.isRequirement(condition)) continue;
    const gave = feeders.filter((task) => tasks.has(task, PROVIDED)).length;
    if ((conditions.hits[condition] as number) > gave)
      throw new Error(`condition ${condition}: ${conditions.hits[condition]} hits, counted ${gave}`);
  }
}

function validateCounts(state: State, results: PendingResults): void {
  const { tasks, pools } = state;
  const count = (test: (task: number) => boolean): number => {
    let found = 0;
    for (let task = 0; task < tasks.count; task++) if (test(task)) found++;
    return found;
  };
  const compare = (what: string, kept: number, counted: number): void => {
    if (kept !== counted) throw new Error(`${what}: ${kept}, counted ${counted}`);
  };
  const isPlain = (task: number): boolean => !state.isService(task);
  const isIn = (wanted: number) => (task: number) => tasks.state[task] === wanted;
  compare('parked', state.parked, count(isIn(PARKED)));
  compare(
    'remaining',
    state.remaining,
    count((task) => !tasks.isDone(task)),
  );
  compare(
    'dispatched',
    state.dispatched,
    count((task) => isPlain(task) && tasks.isOut(task)),
  );
  compare(
    'services out',
    state.servicesOut.size,
    count((task) => !isPlain(task) && tasks.isOut(task)),
  );
  compare(
    'retrying',
    state.retrying,
    count((task) => isPlain(task) && tasks.hasStarted(task) && between.has(tasks.state[task] as number)),
  );
  compare(
    'backing off',
    count((task) => isPlain(task) && isIn(BACKING_OFF)(task)) > 0 ? 1 : 0,
    count((task) => isPlain(task) && isIn(BACKING_OFF)(task)) > 0 && state.retrying > 0 ? 1 : 0,
  );
  const { pool: poolOf } = state.plan.graph;
  for (const pool of pools) {
    const mine = (test: (task: number) => boolean) => (task: number) =>
      poolOf[task] === pool.id && test(task);
    compare(
      `${pool.name} dispatched`,
      pool.dispatched,
      count(mine((task) => isPlain(task) && tasks.isOut(task))),
    );
    const unread = results.unread.filter(
      (task) => poolOf[task] === pool.id && tasks.status[task] !== 0 && isPlain(task),
    );
    compare(`${pool.name} unread`, pool.unread, unread.length);
    compare(`${pool.name} remaining`, pool.remaining, count(mine((task) => !tasks.isDone(task))));
  }
}
