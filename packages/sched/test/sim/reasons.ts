/** The cause of each skip, noted when it happens; and whether the chain of reasons in the result is right. */
import type { ReasonLink } from '@pexen/core';
import type { Shadow, TaskShadow } from './shadow.ts';

/** How many links are reported one by one at least: after that the chain may jump to its end. */
const mostCertain = 4;

export class Reasons {
  readonly #shadow: Shadow;
  readonly #causes = new Map<string, ReadonlySet<string>>();
  readonly #poisoners = new Set<string>();
  /** Tasks whose requirement failed without a cause: what was provided was torn down, for example. */
  readonly #unblamed = new Set<string>();

  constructor(shadow: Shadow) {
    this.#shadow = shadow;
  }

  poisoned({ spec }: TaskShadow): void {
    this.#poisoners.add(spec.name);
  }

  /** The task is skipped. While the run stops, the stop is the reason for a missing requirement. */
  skipped(task: TaskShadow, isStopping: boolean): void {
    const { spec } = task;
    const excluded = this.#shadow.excluded(task);
    if (excluded === 'a requirement' && isStopping) return;
    if (excluded === 'a requirement') this.#causes.set(spec.name, this.#whoDidNotGive(task));
    else if (excluded === undefined) {
      const left = this.#shadow.abandonedInTheWay(task).map((other) => other.spec.name);
      this.#causes.set(spec.name, new Set([...this.#poisoners, ...left]));
    }
  }

  /** What is wrong with the chain; undefined if it is right. */
  wrong({ spec: { name } }: TaskShadow, chain: readonly ReasonLink[]): string | undefined {
    const reported = `the reasons of ${name} (${chain.map(({ task }) => task).join(', ')})`;
    if (chain[0]?.task !== name) return `${reported} do not begin with it`;
    const wrong = chain
      .slice(1, mostCertain)
      .find(({ task }, at) => !this.#causes.get(chain[at]?.task ?? '')?.has(task));
    if (wrong !== undefined) return `${reported} blame ${wrong.task} wrongly`;
    const last = chain.at(-1)?.task ?? '';
    if ((this.#causes.get(last)?.size ?? 0) > 0 && !this.#unblamed.has(last))
      return `${reported} end with one that was skipped for others`;
    return undefined;
  }

  /** The tasks that could have met a requirement that cannot be met any more, and did not. */
  #whoDidNotGive(task: TaskShadow): ReadonlySet<string> {
    const blamed = task.spec.requires
      .filter((requirement) => this.#shadow.threshold(task, requirement) === 'impossible')
      .map((requirement) =>
        this.#shadow.candidates(task, requirement).filter(({ end }) => end?.provides === false),
      );
    if (blamed.some((culprits) => culprits.length === 0)) this.#unblamed.add(task.spec.name);
    return new Set(blamed.flat().map(({ spec }) => spec.name));
  }
}
