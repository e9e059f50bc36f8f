/** The cause of each skip, noted when it happens; and whether the chain of reasons in the result is right. */
import type { ReasonLink } from '@pexen/core';
import { needs, saysIt } from './explanations.ts';
import { isService, type Shadow, type TaskShadow } from './shadow.ts';

/** How many links are reported one by one at least: after that the chain may jump to its end. */
const mostCertain = 4;

export class Reasons {
  readonly #shadow: Shadow;
  readonly #causes = new Map<string, ReadonlySet<string>>();
  readonly #poisoners = new Set<string>();
  /** Tasks whose requirement failed without a cause: what was provided was torn down, for example. */
  readonly #unblamed = new Set<string>();

  /** Whether a text may say why the task was skipped, as far as was known then. */
  readonly #texts = new Map<string, (why: string) => boolean>();

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
    this.#texts.set(spec.name, this.#textsFor(task, excluded, isStopping));
    if (excluded === 'a requirement' && isStopping) return;
    if (excluded === 'a requirement') this.#causes.set(spec.name, this.#whoDidNotGive(task));
    else if (excluded === undefined) {
      const left = this.#shadow.abandonedInTheWay(task).map((other) => other.spec.name);
      this.#causes.set(spec.name, new Set([...this.#poisoners, ...left]));
    }
  }

  /** No task needed the service, or its pool did not open in time while the run was stopping. */
  skippedBecause(task: TaskShadow, why: 'not needed' | 'stopped'): void {
    if (why === 'stopped') this.forbidden(task);
    else this.#texts.set(task.spec.name, (text) => text === 'was not started: no task needed it');
  }

  /** The run stops, and the task may not start any more. Where there was another reason already, that may be given as well. */
  forbidden(task: TaskShadow): void {
    const others = this.#textsFor(task, this.#shadow.excluded(task), false);
    this.#texts.set(task.spec.name, (why) => stopped(why) || others(why));
  }

  /** Why a link is false; `status` is that of its task. */
  wrongText({ task: name, why }: ReasonLink, status: string | undefined): string | undefined {
    const task = this.#shadow.named(name)[0];
    if (status !== 'skipped') {
      const isLost = /^was built on the service "(.*)", which is not up any more$/.exec(why);
      const isRight = isLost === null ? why === status : this.#shadow.named(isLost[1] ?? '').some(isService);
      const isOver = why === 'is over' && task !== undefined && isService(task);
      return isRight || isOver ? undefined : `${name} ${why}, but it ${status}`;
    }
    const may = this.#texts.get(name) ?? stopped;
    return may(why) || this.#hasNothingToTearDown(task, why)
      ? undefined
      : `${name} was not skipped since it "${why}"`;
  }

  /** While the run stops, all that it would tear down may be given up after it. */
  #hasNothingToTearDown(task: TaskShadow | undefined, why: string): boolean {
    const torn = task?.spec.tearsDown.flatMap((each) => this.#shadow.named(each)) ?? [];
    return (
      why === 'has nothing to tear down' && torn.length > 0 && !torn.some(({ hasStarted }) => hasStarted)
    );
  }

  #textsFor(task: TaskShadow, excluded: string | undefined, isStopping: boolean): (why: string) => boolean {
    switch (excluded) {
      case 'it does not apply':
        return (why) => why === excluded;
      case 'a requirement': {
        const impossible = task.spec.requires.filter(
          (requirement) => this.#shadow.threshold(task, requirement) === 'impossible',
        );
        if (isStopping) return stopped;
        return (why) =>
          why.startsWith('requires ') &&
          impossible.some((requirement) => saysIt(requirement, why.slice('requires '.length), this.#shadow));
      }
      case 'nothing to salvage':
      case 'nothing to tear down':
        return (why) => why === `has ${excluded}`;
      default:
        return this.#textsOfResources(task);
    }
  }

  #textsOfResources(task: TaskShadow): (why: string) => boolean {
    const isPoisoned = this.#shadow.poison(task) !== undefined;
    const marks = [...this.#shadow.poisoned.keys()];
    const holders = this.#shadow.abandonedInTheWay(task);
    return (why) => {
      const [, resource = '', left] = /^needs "(.*)", which (was left|an abandoned)/.exec(why) ?? [];
      if (left === 'was left') return isPoisoned && needs(task, resource) && marks.includes(resource);
      return left === 'an abandoned' && holders.length > 0;
    };
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

/** The run was asked to stop. */
function stopped(why: string): boolean {
  return why.startsWith('was not started: ');
}
