/** When pools are closed: groups at their end, all at the end of the run; and what is given up because nothing will ever start it. */
import { NONE } from '@pexen/lock';
import type { Ending } from './ending.ts';
import type { Gatekeeper } from './gatekeeper.ts';
import { CLOSED, CLOSING, FAILED, OPEN, OPENING, type PoolRow } from './pool-table.ts';
import { STALLED } from './skips.ts';
import { KILLING, type State } from './state.ts';
import { DONE, PARKED } from './task-table.ts';

export class Closing {
  readonly #state: State;
  readonly #ending: Ending;
  readonly #gatekeeper: Gatekeeper;

  constructor(state: State, ending: Ending, gatekeeper: Gatekeeper) {
    this.#state = state;
    this.#ending = ending;
    this.#gatekeeper = gatekeeper;
  }

  get areAllShut(): boolean {
    return this.#state.pools.every(({ state }) => state === CLOSED || state === FAILED);
  }

  /** The pool was opened or closed, or could not be. */
  setPool(id: number, state: number): void {
    const pool = this.#state.pools[id] as PoolRow;
    pool.state = state;
    this.#state.isStale = true;
    if (state !== OPEN && this.#state.turn === pool) this.#state.turn = undefined;
    if (state === CLOSED) this.#requeue(pool);
  }

  /** Groups are closed at their end, everything when the run ends. */
  closePools(isEnding: boolean): void {
    const isOver = isEnding || this.#state.stopping === KILLING;
    for (const pool of this.#state.pools) {
      if (pool.state !== OPEN) continue;
      if (isOver || (pool.isGroup && pool.remaining === 0)) this.#close(pool);
    }
  }

  /**
   * Nothing runs, nobody is given anything, and yet tasks wait. A group steps aside for those outside whom it waits for; if even
   * that does not help, nothing ever will.
   */
  unstall(): void {
    const { turn, tasks } = this.#state;
    if (this.#mayGoOn()) return;
    if (turn !== undefined) {
      this.#close(turn);
      return;
    }
    for (let task = 0; task < tasks.count; task++)
      if (tasks.state[task] !== DONE) this.#ending.skip(task, STALLED, -1, -1);
    this.#gatekeeper.cascade();
  }

  /** Is there anything to wait for: a pool, a retry, a slot? */
  #mayGoOn(): boolean {
    const { pools, turn, retrying, remaining, locks } = this.#state;
    const mayHave = (pool: PoolRow): boolean => turn === undefined || turn === pool;
    if (remaining === 0 || retrying > 0) return true;
    if (pools.some(({ state }) => state === OPENING || state === CLOSING)) return true;
    if (pools.some((pool) => pool.queue.peek() >= 0 && mayHave(pool))) return true;
    for (const pool of pools) locks.setLane(pool.id, true);
    const parked = locks.candidate();
    return parked !== NONE && mayHave(this.#state.poolOf(parked));
  }

  #close(pool: PoolRow): void {
    pool.state = CLOSING;
    const how = this.#state.stopping === KILLING ? 'kill' : 'drain';
    this.#state.out.push({ type: 'close-pool', pool: pool.id, how });
  }

  /** The pool was closed: its parked tasks wait in its queue until it is opened again. */
  #requeue(pool: PoolRow): void {
    const { tasks } = this.#state;
    for (let task = 0; this.#state.parked > 0 && task < tasks.count; task++) {
      if (tasks.state[task] !== PARKED || this.#state.poolOf(task) !== pool) continue;
      this.#state.withdraw(task);
      this.#state.makeReady(task);
    }
  }
}
