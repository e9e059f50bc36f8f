/** One seed from its scenario to its end: the machine, the world around it, and the watcher between them. */
import { isPexenError } from '@pexen/core';
import { Machine } from '../../src/machine/machine.ts';
import { STATUSES } from '../../src/machine/outcomes.ts';
import type { Command, Input } from '../../src/machine/protocol.ts';
import { Plan } from '../../src/plan/plan.ts';
import { Builder, planOptions } from './build.ts';
import { generate } from './generate.ts';
import type { Scenario, TaskSpec } from './scenario.ts';
import { Watcher } from './watcher.ts';
import { type Player, World } from './world.ts';

/** How a simulated run went. */
export interface Simulated {
  readonly seed: number;
  /** What was broken, if something was. */
  readonly violation?: string;
  /** The tasks were refused: the scenario made no sense. */
  readonly isRefused: boolean;
  /** Batches of facts handed to the machine. */
  readonly steps: number;
  /** A hash over all facts and orders: equal for equal runs. */
  readonly trace: number;
}

/** Plays the scenario of a seed. Throws nothing: what went wrong is in the answer. */
export function simulate(seed: number): Simulated {
  return play(generate(seed));
}

/** Plays a scenario. */
export function play(scenario: Scenario): Simulated {
  const session = new Session(scenario);
  const world = new World(scenario, session);
  const seen = () => ({
    seed: scenario.seed,
    isRefused: session.isRefused,
    steps: world.steps,
    trace: session.trace,
  });
  try {
    world.play();
    return seen();
  } catch (error) {
    return { ...seen(), violation: error instanceof Error ? error.message : String(error) };
  }
}

class Session implements Player {
  isRefused = false;
  trace = 0;
  readonly #plan: Plan;
  readonly #machine: Machine;
  readonly #watcher: Watcher;
  readonly #builder = new Builder();
  readonly #specs: TaskSpec[] = [];
  readonly #out: Command[] = [];

  constructor(scenario: Scenario) {
    this.#plan = new Plan(planOptions(scenario));
    this.#machine = new Machine(this.#plan, { tells: true });
    this.#watcher = new Watcher(scenario);
    this.#watcher.isReserving = () => this.#plan.locks.starvedHead >= 0;
  }

  specOf(task: number): TaskSpec {
    const spec = this.#specs[task];
    if (spec === undefined) throw new Error(`there is no task ${task}`);
    return spec;
  }

  /** Tasks that are refused leave no trace; that a run refuses its first tasks ends the game. */
  add(specs: readonly TaskSpec[], atMs: number): Input | undefined {
    try {
      const { from, to } = this.#plan.add(this.#builder.build(specs));
      this.#watcher.added(specs);
      this.#specs.push(...specs);
      return { type: 'tasks-added', atMs, from, to };
    } catch (error) {
      if (!isPexenError(error)) throw error;
      this.isRefused ||= this.#specs.length === 0;
      return undefined;
    }
  }

  handle(inputs: readonly Input[]): readonly Command[] {
    for (const input of inputs) this.#watcher.input(input);
    this.#out.length = 0;
    this.#machine.handle(inputs, this.#out);
    const commands = [...this.#out];
    for (const input of inputs) this.#record(input);
    for (const command of commands) {
      this.#record(command);
      this.#watch(command);
    }
    this.#watcher.settled();
    return commands;
  }

  #watch(command: Command): void {
    this.#watcher.command(command);
    if (command.type === 'tell' && command.news.type === 'task-skipped')
      this.#watcher.skipped(command.news.task);
    if (command.type === 'give-result') this.#watcher.given(command.task, this.#claimed(command.task));
  }

  #claimed(task: number): { readonly status: string; readonly attempts: number } {
    const { tasks } = this.#machine.state;
    return {
      status: STATUSES[tasks.status[task] as number] ?? 'unknown',
      attempts: tasks.attempt[task] as number,
    };
  }

  #record(said: Input | Command): void {
    const text = JSON.stringify(said);
    for (let at = 0; at < text.length; at++)
      this.trace = (Math.imul(this.trace, 31) + text.charCodeAt(at)) | 0;
  }
}
