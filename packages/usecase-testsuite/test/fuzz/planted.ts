/** Small mistakes in the sources that random runs have to find. */
import type { PoolKind } from './plan.ts';

export interface PlantedMistake {
  /** In one line. */
  readonly what: string;
  /** From `packages/`. */
  readonly file: string;
  /** Occurs in the file exactly once. */
  readonly find: string;
  readonly replace: string;
  /** The pool in which it is searched for. */
  readonly pool: PoolKind;
}

export const plantedMistakes: readonly PlantedMistake[] = [
  {
    what: 'a run leaves its listener at the signal',
    file: 'sched/src/driver/run.ts',
    find: "this.#options.signal?.removeEventListener('abort', this.#onAbort);",
    replace: '',
    pool: 'inline',
  },
  {
    what: 'the last alarm of a run is not taken back',
    file: 'sched/src/driver/engine.ts',
    find: `this.#cancelAlarm?.();
    this.#cancelAlarm =
      atMs === undefined`,
    replace: `this.#cancelAlarm =
      atMs === undefined`,
    pool: 'inline',
  },
  {
    what: 'a claim does not see what is held below it',
    file: 'lock/src/conflicts.ts',
    find: 'const counter = counterAt(node, isClaim ? HELD_WITHIN : CLAIMED_WITHIN);',
    replace: 'const counter = counterAt(node, isClaim ? HELD : CLAIMED_WITHIN);',
    pool: 'inline',
  },
  {
    what: 'a pool in this thread runs one body too many',
    file: 'sched/src/driver/inline-pool.ts',
    find: 'if (this.#running.size < this.#concurrency) return',
    replace: 'if (this.#running.size <= this.#concurrency) return',
    pool: 'inline',
  },
];
