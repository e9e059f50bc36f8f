/**
 * Facts of the user's own, which may take time: each function is called when its fact is first read, once, and its promise is waited for. Reading
 * a fact that is not known yet throws; `settle` waits for all that were asked for, and then they are there.
 */
import { type Clock, type Facts, type GivenFacts, isThenable, messageOf } from '@pexen/core';

/** The state of one fact: `waiting` until its promise has settled. */
type State =
  | { readonly kind: 'waiting'; readonly settled: Promise<void> }
  | { readonly kind: 'known'; readonly value: unknown }
  | { readonly kind: 'failed'; readonly error: Error };

/** Options of `LazyFacts`. */
export interface LazyFactsOptions {
  /** How long a fact may take, ms. */
  readonly timeoutMs: number;
  readonly clock: Pick<Clock, 'after'>;
}

/** Thrown by reading a fact that is not known yet. */
class FactNotKnown extends Error {
  constructor(name: string) {
    super(
      `the fact "${name}" is not known yet: it is determined only for tasks that are there when the run starts`,
    );
    this.name = 'FactNotKnown';
  }
}

export class LazyFacts {
  /** The facts, for `when`. Listing their names determines none. */
  readonly facts: Facts;
  /** Are there facts that may have to be waited for? */
  readonly hasSlow: boolean;
  readonly #options: LazyFactsOptions;
  #wasMissed = false;
  readonly #states = new Map<string, State>();

  /** Own facts take precedence over the standard ones. Functions among them are called for their facts, but for facts that are functions themselves. */
  constructor(standard: Facts, own: GivenFacts, options: LazyFactsOptions) {
    this.#options = options;
    const properties: PropertyDescriptorMap = { ...Object.getOwnPropertyDescriptors(standard) };
    let hasSlow = false;
    for (const [name, value] of Object.entries(own)) {
      const isSlow = typeof value === 'function' && typeof standard[name] !== 'function';
      hasSlow ||= isSlow;
      properties[name] = isSlow
        ? { get: () => this.#read(name, value as () => unknown), enumerable: true }
        : { value, enumerable: true };
    }
    this.hasSlow = hasSlow;
    this.facts = Object.defineProperties({}, properties) as Facts;
  }

  /** A fact was asked for that was not known yet: ask again after `settle`. */
  get wasMissed(): boolean {
    return this.#wasMissed;
  }

  /** Resolves when all facts that were asked for are known, or have failed. */
  async settle(): Promise<void> {
    this.#wasMissed = false;
    for (const state of this.#states.values()) if (state.kind === 'waiting') await state.settled;
  }

  /** Calls `use` with the facts until it has asked for none that was not known yet. */
  async settleFor(use: (facts: Facts) => void): Promise<void> {
    do {
      await this.settle();
      use(this.facts);
    } while (this.#wasMissed);
  }

  #read(name: string, determine: () => unknown): unknown {
    const state = this.#states.get(name) ?? this.#determine(name, determine);
    if (state.kind === 'known') return state.value;
    if (state.kind === 'failed') throw state.error;
    this.#wasMissed = true;
    throw new FactNotKnown(name);
  }

  #determine(name: string, determine: () => unknown): State {
    let state: State;
    try {
      const value = determine();
      state = isThenable(value) ? this.#wait(name, value) : { kind: 'known', value };
    } catch (error) {
      state = failed(name, `threw: ${messageOf(error)}`);
    }
    this.#states.set(name, state);
    return state;
  }

  #wait(name: string, promise: PromiseLike<unknown>): State {
    const { timeoutMs, clock } = this.#options;
    const settled = new Promise<State>((resolve) => {
      const cancel = clock.after(timeoutMs, () =>
        resolve(failed(name, `took longer than ${timeoutMs / 1000} s (factsTimeout)`)),
      );
      promise.then(
        (value) => resolve({ kind: 'known', value }),
        (error) => resolve(failed(name, `rejected: ${messageOf(error)}`)),
      );
      void Promise.resolve(promise)
        .finally(cancel)
        .catch(() => {});
    }).then((state) => void this.#states.set(name, state));
    return { kind: 'waiting', settled };
  }
}

function failed(name: string, why: string): State {
  const error = new Error(`the fact "${name}" could not be determined: its function ${why}`);
  return { kind: 'failed', error };
}
