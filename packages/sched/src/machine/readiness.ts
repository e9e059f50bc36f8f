/** Applies what the conditions report: releases tasks, holds them again, and skips those that can never start. */
import { tornDownBy } from '@pexen/core';
import { type ConditionId, SALVAGE } from '../plan/graph.ts';
import { EXEMPT } from '../plan/metadata.ts';
import { clear } from '../plan/undo-log.ts';
import type { AttemptLifecycle } from './attempts.ts';
import { NEVER_STARTED, NOTHING_TO_SALVAGE, REQUIREMENT, type State } from './state.ts';
import { BACKING_OFF, PARKED, PROVIDED, READY, STARTED, WAITING } from './task-table.ts';

export class Readiness {
  readonly #state: State;
  readonly #attempts: AttemptLifecycle;

  constructor(state: State, ending: AttemptLifecycle) {
    this.#state = state;
    this.#attempts = ending;
  }

  /** Repeats until the conditions report nothing more. */
  cascade(): void {
    const { released, held, impossible } = this.#state.conditions;
    while (released.length + held.length + impossible.length > 0) {
      for (let index = 0; index < impossible.length; index++) this.#skipBehind(impossible[index] as number);
      clear(impossible);
      for (let index = 0; index < held.length; index++) this.#hold(held[index] as number);
      clear(held);
      for (let index = 0; index < released.length; index++) this.release(released[index] as number);
      clear(released);
    }
  }

  /** All conditions of the task are fulfilled: makes it ready unless a guard keeps it out, or skips it if there is nothing for it to do. */
  release(task: number): void {
    const { tasks } = this.#state;
    if (tasks.state[task] !== WAITING || tasks.blockers[task] !== 0) return;
    const mayBeIdle = this.#state.is(task, EXEMPT) && !tasks.hasStarted(task) && !this.#state.isSetup(task);
    const why = mayBeIdle ? this.#whyNothingToDo(task) : 0;
    if (why !== 0) this.#attempts.skip(task, why, -1, -1);
    else if (this.#state.isForbidden(task) && !this.#state.executions.has(task)) this.#attempts.giveUp(task);
    else if (!this.#state.recalled.isKeptOut(task)) this.#state.makeReady(task);
  }

  /** Something is guarded against the task: if it was ready, it waits again. */
  keepOut(task: number): void {
    const { tasks, conditions } = this.#state;
    const state = tasks.state[task];
    if ((state !== READY && state !== PARKED) || tasks.hasStarted(task)) return;
    this.#state.withdraw(task);
    this.#state.move(task, WAITING);
    tasks.setBlockers(task, conditions.countUnfulfilled(task)); // Tasks that were added with the guard may be in its way, too.
  }

  /** A task that did not provide what the condition needs: one that ran, if there is one. */
  causeOf(condition: ConditionId): number {
    const { tasks, plan, conditions } = this.#state;
    const failed = plan.graph.feeds.in
      .ends(condition)
      .filter(
        (feeder) =>
          tasks.isDone(feeder) && !tasks.has(feeder, PROVIDED) && !conditions.isVoid(feeder, condition),
      );
    return failed.find((feeder) => tasks.status[feeder] !== 0) ?? failed[0] ?? -1;
  }

  /** Skips all tasks that wait for the condition. Set-ups end after their executions. */
  #skipBehind(condition: ConditionId): void {
    const { tasks, plan, conditions } = this.#state;
    if (!conditions.isImpossible(condition)) return;
    const cause = this.causeOf(condition);
    for (const task of plan.graph.waits.out.ends(condition))
      if (
        tasks.state[task] === WAITING &&
        !this.#state.executions.has(task) &&
        !conditions.isFulfilledFor(task, condition)
      )
        if (tasks.hasStarted(task)) this.#attempts.giveUp(task);
        else this.#attempts.skip(task, REQUIREMENT, condition, cause);
  }

  /** Why a salvage or a teardown has nothing to do; 0 if it has. */
  #whyNothingToDo(task: number): number {
    const { plan, conditions, tasks } = this.#state;
    const { salvages } = plan.metaOf(task);
    const { waits, feeds, kind } = plan.graph;
    if (salvages !== undefined) {
      const isNeeded = waits.in
        .ends(task)
        .some((condition) => kind[condition] === SALVAGE && conditions.misses[condition] !== 0);
      if (!isNeeded) return NOTHING_TO_SALVAGE;
    }
    const torn = tornDownBy(plan.metaOf(task));
    // One that was interrupted may have torn down half of it.
    if (torn.length === 0 || this.#state.recalled.wasInterrupted(task)) return 0;
    const providers = torn.flatMap((capability) => feeds.in.ends(plan.builder.conditionOf(capability)));
    return providers.some((provider) => tasks.has(provider, STARTED)) ? 0 : NEVER_STARTED;
  }

  /**
   * A condition was added for the task, or is not fulfilled any more. Holds it unless it has started: retries do not wait for conditions, except for
   * services that are down.
   */
  #hold(task: number): void {
    const { tasks, conditions } = this.#state;
    const state = tasks.state[task];
    if (state !== READY && state !== PARKED && state !== BACKING_OFF) return;
    if (conditions.countUnfulfilled(task) === 0) return;
    if (!tasks.hasStarted(task) || this.#state.mustWaitAgain(task)) this.#state.waitAgain(task);
  }
}
