/** Makes the decisions of a recorded run again, from its record alone: no body runs, no time passes. */
import {
  amount,
  anyOf,
  atLeast,
  type Capability,
  defined,
  definitionKey,
  every,
  key,
  type PoolManifest,
  problem,
  type Resource,
  type Runnable,
  refuse,
  type TaskDefinition,
  type TaskMeta,
} from '@pexen/core';
import { path } from '@pexen/lock';
import { Machine } from '../machine/machine.ts';
import type { Command, Input } from '../machine/protocol.ts';
import { CompiledTasks } from '../plan/compiled-tasks.ts';
import type { PlanPool } from '../plan/planned.ts';
import {
  commandAsJson,
  type Json,
  type RecordedStep,
  type RecordedTask,
  recordingVersion,
} from './recording.ts';

/** What came of a replay. */
export interface Replayed {
  /** The steps as they would be recorded now. */
  readonly steps: readonly RecordedStep[];
  /** The first step, from 0, that comes out differently than it was recorded; undefined where all are the same. */
  readonly differsAt: number | undefined;
}

/**
 * Makes the decisions of a recorded run again.
 * @throws PexenError PEXEN_BAD_RECORD where the steps are not a record, or one of another version.
 *
 * @example
 * const steps = readFileSync('run.jsonl', 'utf8').trim().split('\n').map((line) => JSON.parse(line));
 * const { differsAt } = replay(steps);
 */
export function replay(steps: Iterable<RecordedStep>): Replayed {
  const replayed: RecordedStep[] = [];
  let player: Player | undefined;
  let differsAt: number | undefined;
  for (const step of steps) {
    player ??= new Player(step);
    const again = player.play(step);
    if (differsAt === undefined && JSON.stringify(again) !== JSON.stringify(step))
      differsAt = replayed.length;
    replayed.push(again);
  }
  return { steps: replayed, differsAt };
}

/** Takes every body: none of them runs. */
const manifest: PoolManifest = {
  ...{ name: '', kills: true, transport: 'reference', closures: true, executables: true },
};

class Player {
  readonly #tasks: CompiledTasks;
  readonly #machine: Machine;
  readonly #names = new Names();
  #commands: Command[] = [];

  constructor(first: RecordedStep) {
    const { type, version } = first as { readonly type: string; readonly version?: number };
    if (type !== 'plan' || version !== recordingVersion) refuse([notARecord(type, version)]);
    const { pools, capacities, defaults, bypasses, latecomers } = first as Extract<
      RecordedStep,
      { readonly type: 'plan' }
    >;
    this.#tasks = new CompiledTasks({
      pools: pools.map((pool) => ({ ...(asPlain(pool) as PlanPool), manifest })),
      capacities: capacities.map(
        ([resource, units]) => [this.#names.of(resource) as Resource, units] as const,
      ),
      defaults: asPlain(defaults) as object,
      ...{ bypasses, latecomers, partial: true },
    });
    this.#machine = new Machine(this.#tasks);
  }

  /** The step as it would be recorded now. */
  play(step: RecordedStep): RecordedStep {
    switch (step.type) {
      case 'plan':
        return step;
      case 'tasks':
        this.#add(step.tasks);
        return step;
      case 'inputs':
        this.#machine.state.setPublishing(step.publishes);
        this.#commands = [];
        this.#machine.handle(
          step.inputs.map((input) => asPlain(input) as Input),
          this.#commands,
        );
        for (const command of this.#commands) if (command.type === 'give-result') this.#given(command.task);
        return step;
      case 'commands':
        return { type: 'commands', commands: this.#commands.map(commandAsJson) };
      default:
        return step satisfies never;
    }
  }

  #add(recorded: readonly RecordedTask[]): void {
    this.#tasks.add(
      recorded.map((task) => this.#names.task(task)),
      this.#machine.live,
      recorded.map(({ path, whyNot, weightMs }) => ({ path, whyNot, weight: weightMs })),
    );
  }

  /** As a run does it. */
  #given(task: number): void {
    this.#machine.state.forget(task);
  }
}

function notARecord(type: string, version: number | undefined) {
  return problem(
    'PEXEN_BAD_RECORD',
    version === undefined
      ? `replay: the first step must be the plan, not "${type}"`
      : `replay: the record has version ${version}, and this pexen reads ${recordingVersion}`,
    'Record the run with the same version of pexen.',
  );
}

type Encoded = { readonly $: string; readonly number: number; readonly name: string } & {
  readonly text: string;
  readonly of: Json & readonly Json[];
  readonly count: Json;
};

/** The capabilities, resources and tasks of a record: what had one number is one object. */
class Names {
  readonly #objects: object[] = [];

  /** What was encoded. */
  of(value: Json): unknown {
    if (Array.isArray(value)) return value.map((each) => this.of(each));
    if (typeof value !== 'object' || value === null) return value;
    const { $: kind, number, name, of, count } = value as unknown as Encoded;
    switch (kind) {
      case 'amount':
        return amount(this.of(of) as Resource, count as number);
      case 'any-of':
        return anyOf(...(this.of(of) as Capability[]));
      case 'every':
        return every(...(this.of(of) as Capability[]));
      case 'at-least':
        return atLeast(asPlain(count) as number, ...(this.of(of) as Capability[]));
      case 'path':
        return path(...(this.of(of) as unknown[]));
      case 'key':
        this.#objects[number] ??= key(name);
        return this.#objects[number];
      case 'object':
        return this.#object(number);
      default:
        return asPlain(value);
    }
  }

  /** A task with the same metadata and identities. Its body never runs. */
  task({ is, meta }: RecordedTask): Runnable {
    const [self, ...origins] = is.map((number) => this.#object(number)) as [Runnable, ...Runnable[]];
    for (const [at, origin] of origins.entries()) this.#define(origin, {}, origins[at + 1]);
    return this.#define(self, this.#meta(meta), origins[0]);
  }

  #meta({ when, cleanup, ...entries }: RecordedTask['meta']): TaskMeta {
    const named = Object.entries(entries).map(([entry, value]) => [entry, this.of(value)]);
    return defined({
      ...(Object.fromEntries(named) as TaskMeta),
      when: when === undefined ? undefined : true,
      cleanup: cleanup === undefined ? undefined : () => {},
    });
  }

  #define(runnable: Runnable, meta: TaskMeta, madeFrom: object | undefined): Runnable {
    const definition: TaskDefinition = { meta, body: () => {}, args: undefined, isUnbound: false, madeFrom };
    return Object.defineProperty(runnable, definitionKey, {
      value: definition,
      configurable: true,
    }) as Runnable;
  }

  #object(number: number): object {
    this.#objects[number] ??= () => {};
    return this.#objects[number];
  }
}

/** Plain data, with the numbers that JSON does not have. */
function asPlain(value: Json | undefined): unknown {
  if (Array.isArray(value)) return value.map(asPlain);
  if (typeof value !== 'object' || value === null) return value;
  const { $: kind, text } = value as unknown as Encoded;
  if (kind === 'number') return Number(text);
  if (kind === 'bigint') return BigInt(text);
  return Object.fromEntries(Object.entries(value).map(([name, entry]) => [name, asPlain(entry)]));
}
