/** Simulated runs whose schedule is recorded, and that are played again in the order of another one. No faults but those of the bodies. */
import { isPexenError, type PoolNode } from '@pexen/core';
import { Schedule, type ScheduleStep } from '../../src/driver/schedule.ts';
import { Machine } from '../../src/machine/machine.ts';
import type { Command, Input } from '../../src/machine/protocol.ts';
import { CompiledTasks } from '../../src/plan/compiled-tasks.ts';
import type { NodeAnswer } from '../../src/plan/placement.ts';
import { Builder, planOptions } from './build.ts';
import { generate } from './generate.ts';
import { Random } from './random.ts';
import type { Scenario, TaskSpec } from './scenario.ts';
import { collide } from './shadow.ts';
import { type Player, World } from './world.ts';

/** The scenario of the seed in a world where nothing goes wrong but in bodies, so that bodies alone decide how long everything takes. */
export function calmScenario(seed: number): Scenario {
  const scenario = generate(seed);
  return {
    ...scenario,
    tasks: scenario.tasks.map(calm),
    additions: scenario.additions.map(({ afterResults, tasks }) => ({
      afterResults,
      tasks: tasks.map(calm),
    })),
    pools: scenario.pools.map(({ nodes: _, ...pool }) => ({
      ...{ ...pool, spare: 0, opensInMs: 0, fails: false, neverOpens: false, kills: true, changes: [] },
      slots: Math.max(1, pool.slots),
    })),
    ...{ endings: [], pausesMs: [0], pulls: 1, faults: { duplicate: 0, batch: 0, earlyAlarm: 0 } },
  };
}

/**
 * Every body takes some time, and no two the same, so that no two things happen at one moment. It runs once: a schedule says nothing about further
 * attempts.
 */
function calm({ on: _, ...task }: TaskSpec): TaskSpec {
  const own = 1 + Number(task.name.slice(1)) / 7919;
  const script = task.script.map((each) => ({
    ...{ ...each, returnedUnstarted: 0 },
    durationMs: each.durationMs + own,
  }));
  return { ...task, acrossRuns: false, retries: 0, rerunnable: false, script };
}

/** The same tasks, declared in another order and with other priorities and durations expected. */
export function otherwise(scenario: Scenario): Scenario {
  const random = new Random(scenario.seed ^ 0x0dd);
  const other = (tasks: readonly TaskSpec[]): readonly TaskSpec[] =>
    tasks
      .map((task) => ({ task, at: random.next() }))
      .sort((a, b) => a.at - b.at)
      .map(({ task }) => ({ ...task, priority: random.int(0, 4), weight: random.int(1, 51) }));
  return {
    ...scenario,
    tasks: other(scenario.tasks),
    additions: scenario.additions.map((addition) => ({ ...addition, tasks: other(addition.tasks) })),
  };
}

/** Plays the scenario; undefined if its tasks are refused. */
export function scheduleOf(
  scenario: Scenario,
  steps?: readonly ScheduleStep[],
): readonly ScheduleStep[] | undefined {
  const session = new Session(scenario, steps && new Schedule(steps));
  new World(scenario, session).play();
  return session.isRefused ? undefined : session.steps;
}

class Session implements Player {
  readonly steps: ScheduleStep[] = [];
  isRefused = false;
  readonly #plan: CompiledTasks;
  readonly #machine: Machine;
  readonly #builder: Builder;
  readonly #specs: TaskSpec[] = [];
  readonly #follow: ReturnType<Schedule['follow']> | undefined;

  constructor(scenario: Scenario, schedule: Schedule | undefined) {
    this.#builder = new Builder(scenario);
    this.#plan = new CompiledTasks({ ...planOptions(scenario), schedule });
    this.#machine = new Machine(this.#plan, { publishes: true });
    this.#follow = schedule?.follow();
  }

  specOf(task: number): TaskSpec {
    return this.#specs[task] as TaskSpec;
  }

  add(specs: readonly TaskSpec[], atMs: number): Input | undefined {
    try {
      const { from, to } = this.#plan.add(this.#builder.build(specs), this.#machine.live);
      this.#specs.push(...specs);
      const guards = this.#follow?.(specs.map(({ name }, at) => ({ id: from + at, path: name }))) ?? [];
      return { type: 'tasks-added', atMs, from, to, recall: { tasks: [], guards, poisoned: [] } };
    } catch (error) {
      if (!isPexenError(error)) throw error;
      this.isRefused ||= this.#specs.length === 0;
      return undefined;
    }
  }

  handle(inputs: readonly Input[]): readonly Command[] {
    const commands: Command[] = [];
    this.#machine.handle(inputs, commands);
    for (const command of commands) if (command.type === 'publish') this.#note(command.event);
    return commands;
  }

  #note(event: Extract<Command, { readonly type: 'publish' }>['event']): void {
    if (event.type === 'task-started' && event.attempt === 1)
      this.steps.push({ start: this.specOf(event.task).name });
    if (event.type === 'task-skipped') this.steps.push({ skip: this.specOf(event.task).name });
    if (event.type === 'task-finished') this.steps.push({ end: this.specOf(event.task).name });
  }

  answersOf(_node: PoolNode): readonly NodeAnswer[] {
    return [];
  }

  isConflict(task: number, other: number): boolean {
    return collide(this.specOf(task), this.specOf(other));
  }

  rest(): { readonly tasks: []; readonly guards: []; readonly poisoned: [] } {
    return { tasks: [], guards: [], poisoned: [] };
  }
}
