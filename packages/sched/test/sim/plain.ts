/** Scenarios for tests: as plain as possible, except for what is stated. */
import type { AttemptScript, PoolSpec, Scenario, TaskSpec } from './scenario.ts';

/** A task that runs once, for so long, and ends so. */
export function plainTask(name: string, ends: AttemptScript['ends'] = 'returned', durationMs = 1): TaskSpec {
  const attempt = { ends, durationMs, depsOk: true, locksOk: true, returnedUnstarted: 0 } as const;
  return {
    ...{
      name,
      requires: [],
      provides: [],
      after: [],
      before: [],
      salvages: [],
      tearsDown: [],
      uses: [],
      claims: [],
      amounts: [],
    },
    ...{ exclusive: false, priority: 0, grace: 10, retries: 0, delay: 0, rerunnable: false, applies: true },
    script: [{ ...attempt, whenStopped: 'stops', isQuiet: true }],
  };
}

/** What may differ from a plain scenario. */
export interface Differences {
  readonly tasks: readonly TaskSpec[];
  readonly added?: readonly TaskSpec[];
  /** When those are added. Default 1. */
  readonly afterResults?: number;
  readonly pool?: Partial<PoolSpec>;
  readonly others?: readonly Partial<PoolSpec>[];
  readonly capacities?: Scenario['capacities'];
  readonly bypasses?: number;
  readonly latecomers?: number;
  readonly pausesMs?: readonly number[];
  readonly endings?: Scenario['endings'];
}

export function plainScenario(differences: Differences): Scenario {
  const { tasks, added = [], afterResults = 1, pool = {}, others = [], ...rest } = differences;
  return {
    ...{
      seed: 1,
      tasks,
      capacities: [],
      bypasses: 64,
      latecomers: 512,
      pausesMs: [0],
      endings: [],
      pulls: 1,
    },
    ...rest,
    additions: added.length === 0 ? [] : [{ afterResults, tasks: added }],
    pools: [pool, ...others].map(plainPool),
    faults: { duplicate: 0, batch: 0, earlyAlarm: 0 },
  };
}

function plainPool(differences: Partial<PoolSpec>): PoolSpec {
  return {
    ...{ name: 'default', isGroup: false, exclusive: false, slots: 1, spare: 0, opensInMs: 0 },
    ...{ fails: false, neverOpens: false, kills: true, changes: [], ...differences },
  };
}
