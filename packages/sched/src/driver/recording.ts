/**
 * Records the inputs and decisions of a run as plain data, and replays them. A record contains the tasks, as far as decisions depend on
 * them, every input of the machine and every command. Knows nothing about how the record is stored.
 */

import {
  type AnyKey,
  amount,
  anyOf,
  atLeast,
  type Capability,
  capabilitiesOf,
  defined,
  definitionKey,
  type ExpectedDuration,
  errorInfo,
  every,
  formOf,
  identitiesOf,
  isAmount,
  isCompound,
  isKey,
  key,
  type PoolManifest,
  type PoolOutcome,
  problem,
  type RecalledTask,
  type Requirement,
  type Resource,
  type Runnable,
  refuse,
  type TaskDefinition,
  type TaskMeta,
} from '@pexen/core';
import { isResourcePath, path } from '@pexen/lock';
import { Machine } from '../machine/machine.ts';
import type { Command, Input, TaskId } from '../machine/protocol.ts';
import { CompiledTasks } from '../plan/compiled-tasks.ts';
import { ANYWHERE } from '../plan/placement.ts';
import type { PlanPool } from '../plan/planned.ts';

/** Increases by one with every change that breaks `replay`. */
const recordingVersion = 1;

/** A JSON value. */
export type Json =
  | string
  | number
  | boolean
  | null
  | readonly Json[]
  | { readonly [name: string]: Json | undefined };

/** A task as far as decisions depend on it. */
export interface RecordedTask {
  readonly path: string;
  /** The objects that identify it: itself, and what it was made from, each by its number. */
  readonly is: readonly number[];
  /** The entries of its metadata that decisions depend on. */
  readonly meta: Readonly<Record<string, Json>>;
  readonly whyNot?: string;
  readonly weightMs?: number | ExpectedDuration;
  /** It comes before others. */
  readonly isFirst?: true;
  /** It is a service with these rules. */
  readonly service?: { readonly restarts: number; readonly killsOnStop: boolean };
  /** Recorded where programs have a pool of their own. */
  readonly isProgram?: true;
  /** It is the execution on a node of the task with this number. */
  readonly on?: { readonly of: number; readonly node: string; readonly bootMark: string };
}

/** One step of a record: JSON throughout. The first is `plan`. */
export type RecordedStep =
  | {
      readonly type: 'plan';
      readonly version: typeof recordingVersion;
      readonly pools: readonly Json[];
      readonly capacities: readonly (readonly [resource: Json, units: number])[];
      readonly defaults: Json;
      readonly overrides?: Json;
      readonly bypasses?: number;
      readonly latecomers?: number;
    }
  /** Tasks were added, after all those before. */
  | { readonly type: 'tasks'; readonly tasks: readonly RecordedTask[] }
  /** The machine was called with these inputs. `publishes`: events have listeners. */
  | { readonly type: 'inputs'; readonly publishes: boolean; readonly inputs: readonly Json[] }
  /** The machine answered with these commands. */
  | { readonly type: 'commands'; readonly commands: readonly Json[] };

/** Entries of metadata that name capabilities or resources, and those with a plain value. */
const naming = [
  'requires',
  'provides',
  'after',
  'before',
  'salvages',
  'tearsDown',
  'uses',
  'claims',
] as const;
const plain = [
  ...(['exclusive', 'timeout', 'idleTimeout', 'grace', 'slowAfter', 'retries', 'rerunnable'] as const),
  ...(['priority', 'weight', 'group', 'pool', 'perNode'] as const),
];

/**
 * Records the decisions of one run. Pass it to the run as `record`.
 *
 * @example
 * const file = createWriteStream('run.jsonl');
 * run(tasks, { record: new Recorder((step) => file.write(`${JSON.stringify(step)}\n`)) });
 */
export class Recorder {
  readonly #write: (step: RecordedStep) => void;
  readonly #objects = new Map<unknown, number>();
  #hasPlan = false;
  /** The error that `write` threw. Nothing was recorded after that. */
  error: unknown;

  /** `write` is called with each step, in order. If it throws, the run goes on; see `error`. */
  constructor(write: (step: RecordedStep) => void) {
    this.#write = write;
  }

  /** @internal Tasks were added to those of the run. */
  tasks(tasks: CompiledTasks, from: TaskId, to: TaskId): void {
    this.#note(() => {
      if (!this.#hasPlan) this.#write(this.#plan(tasks));
      this.#hasPlan = true;
      const recorded: RecordedTask[] = [];
      for (let task = from; task < to; task++) recorded.push(this.#task(tasks, task));
      this.#write({ type: 'tasks', tasks: recorded });
    });
  }

  /** @internal The machine is about to be called. */
  inputs(inputs: readonly Input[], publishes: boolean): void {
    this.#note(() => this.#write({ type: 'inputs', publishes, inputs: inputs.map(inputAsJson) }));
  }

  /** @internal The machine has answered. */
  commands(commands: readonly Command[]): void {
    this.#note(() => this.#write({ type: 'commands', commands: commands.map(commandAsJson) }));
  }

  #note(write: () => void): void {
    if (this.error !== undefined) return;
    try {
      write();
    } catch (error) {
      this.error = error ?? new Error('the record could not be written');
    }
  }

  #plan({ options }: CompiledTasks): RecordedStep {
    const { pools, capacities = [], defaults = {}, overrides, bypasses, latecomers } = options;
    const pairs = Symbol.iterator in capacities ? [...capacities] : Object.entries(capacities);
    return {
      ...{ type: 'plan', version: recordingVersion },
      pools: pools.map(({ name, spare, group, isForPrograms, manifest }) =>
        plainJson({
          ...{ name, spare, group, isForPrograms, kind: manifest.name },
          hasNodes: manifest.nodes === undefined ? undefined : true,
        }),
      ),
      capacities: pairs.map(([resource, units]) => [this.#name(resource), units] as const),
      defaults: plainJson(defaults),
      ...(overrides !== undefined && { overrides: plainJson(overrides) }),
      ...(bypasses !== undefined && { bypasses }),
      ...(latecomers !== undefined && { latecomers }),
    };
  }

  #task(tasks: CompiledTasks, task: TaskId): RecordedTask {
    const whyNot = tasks.whyNot.get(task);
    const weightMs = tasks.expectedOf(task);
    const { service } = tasks.definition(task);
    const instance = tasks.instances.get(task);
    const { rerunnable, ...meta } = tasks.metaOf(task);
    return {
      path: tasks.pathOf(task),
      is: [...identitiesOf(tasks.runnableOf(task))].map((identity) => this.#numberOf(identity)),
      meta: {
        ...this.#meta(service === undefined ? { rerunnable, ...meta } : meta),
        ...(tasks.options.schedule !== undefined && { priority: tasks.priority[task] as number }),
        ...(tasks.placement.constraintOf(task) !== ANYWHERE && { on: this.#name(meta.on) }),
      },
      ...(whyNot !== undefined && { whyNot }),
      ...(weightMs !== undefined && { weightMs }),
      ...(tasks.isFirst(task) && { isFirst: true as const }),
      ...(service !== undefined && { service }),
      ...(instance !== undefined && { on: instance }),
      ...(hasProgramPool(tasks) && isProgram(tasks, task) && { isProgram: true as const }),
    };
  }

  #meta(meta: TaskMeta): Record<string, Json> {
    const recorded: Record<string, Json> = {};
    for (const entry of naming) if (meta[entry] !== undefined) recorded[entry] = this.#name(meta[entry]);
    for (const entry of plain) if (meta[entry] !== undefined) recorded[entry] = plainJson(meta[entry]);
    return {
      ...recorded,
      ...(meta.when !== undefined && { when: true }),
      ...(meta.cleanup !== undefined && { cleanup: true }),
    };
  }

  /** A capability, a requirement, a resource, an amount, or a list of them. */
  #name(value: unknown): Json {
    if (Array.isArray(value)) return value.map((each) => this.#name(each));
    if (isAmount(value)) return { $: 'amount', of: this.#name(value.resource), count: value.count };
    if (isCompound(value)) return this.#compound(value);
    if (isResourcePath(value)) return { $: 'path', of: value.parts.map((part) => this.#name(part)) };
    if (isKey(value)) return { $: 'key', number: this.#numberOf(value), name: (value as AnyKey).name };
    if (typeof value === 'bigint') return { $: 'bigint', text: String(value) };
    if (['object', 'function', 'symbol'].includes(typeof value) && value !== null)
      return { $: 'object', number: this.#numberOf(value) };
    return plainJson(value);
  }

  #compound(requirement: Requirement & { readonly count: number }): Json {
    const of = capabilitiesOf(requirement).map((each: Capability) => this.#name(each));
    return { $: formOf(requirement), of, count: plainJson(requirement.count) };
  }

  #numberOf(identity: unknown): number {
    const known = this.#objects.get(identity) ?? this.#objects.size;
    this.#objects.set(identity, known);
    return known;
  }
}

function inputAsJson(input: Input): Json {
  if (input.type === 'attempt-ended') return plainJson({ ...input, outcome: decisive(input.outcome) });
  if (input.type === 'tasks-added' && input.recall !== undefined)
    return plainJson({
      ...input,
      recall: { ...input.recall, tasks: input.recall.tasks.map(decisiveRecall) },
    });
  if (input.type === 'late-error') return plainJson({ ...input, error: errorInfo(input.error) });
  return plainJson(input);
}

/** The part of the outcome that decisions depend on, without values and output. */
function decisive(outcome: PoolOutcome): object {
  const { kind, reason, how, step, depsOk, locksOk, wantsCleanup, ranMs, error } = outcome as PoolOutcome &
    Partial<Record<'reason' | 'how' | 'depsOk' | 'locksOk' | 'wantsCleanup' | 'error', unknown>>;
  const info = error === undefined ? undefined : errorInfo(error);
  return { kind, reason, how, step, depsOk, locksOk, wantsCleanup, ranMs, error: info };
}

/** The part of what is recalled that decisions depend on. */
function decisiveRecall(recalled: RecalledTask): object {
  if (recalled.kind === 'skip') return recalled;
  const attempts = recalled.attempts.map(({ attempt, outcome, worker, startedAtMs, durationMs }) => ({
    ...{ attempt, worker, startedAtMs, durationMs },
    outcome: decisive(outcome as PoolOutcome),
  }));
  if (recalled.kind === 'start') return { ...recalled, attempts, earlier: [] };
  const { task, kind, from, status, slow, provides, locksOk } = recalled;
  return {
    ...{ task, kind, from, status, slow, provides, locksOk, attempts },
    ...{ earlier: [], findings: [], attachments: [], provided: [], interruptions: 0 },
  };
}

/** A command as it is recorded. */
function commandAsJson(command: Command): Json {
  if (command.type !== 'publish' || command.event.type !== 'late-error') return plainJson(command);
  const { event } = command;
  return plainJson({ type: 'publish', event: { ...event, error: errorInfo(event.error) } });
}

/** Plain data as JSON. Numbers that JSON does not have become strings in an object. */
function plainJson(value: unknown): Json {
  if (typeof value === 'number' && !Number.isFinite(value)) return { $: 'number', text: String(value) };
  if (Array.isArray(value)) return value.map(plainJson);
  if (typeof value !== 'object' || value === null) return value as Json;
  const entries = Object.entries(value).filter(([, entry]) => entry !== undefined);
  return Object.fromEntries(entries.map(([name, entry]) => [name, plainJson(entry)]));
}

// Replay: repeats the decisions of a recorded run from its record alone. No body runs, no time passes.

/** The result of a replay. */
export interface Replayed {
  /** The steps as they would be recorded now. */
  readonly steps: readonly RecordedStep[];
  /** The index of the first step that differs from the recorded one; undefined if all are equal. */
  readonly differsAt: number | undefined;
}

/**
 * Repeats the decisions of a recorded run.
 * @throws PexenError PEXEN_BAD_RECORD if the steps are not a record, or one of another version.
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

/** Accepts every body: none of them runs. */
function hasProgramPool({ options }: CompiledTasks): boolean {
  return options.pools.some(({ isForPrograms }) => isForPrograms);
}

function isProgram(tasks: CompiledTasks, task: TaskId): boolean {
  return typeof tasks.definition(task).body !== 'function';
}

const manifest: PoolManifest = {
  ...{ name: '', kills: true, transport: 'reference', closures: true, executables: true, services: true },
};

class Player {
  readonly #tasks: CompiledTasks;
  readonly #machine: Machine;
  readonly #names = new Names();
  #commands: Command[] = [];

  constructor(first: RecordedStep) {
    const { type, version } = first as { readonly type: string; readonly version?: number };
    if (type !== 'plan' || version !== recordingVersion) refuse([notARecord(type, version)]);
    const { pools, capacities, defaults, overrides, bypasses, latecomers } = first as Extract<
      RecordedStep,
      { readonly type: 'plan' }
    >;
    this.#tasks = new CompiledTasks({
      pools: pools.map((pool) => {
        const { hasNodes, ...rest } = asPlain(pool) as PlanPool & { readonly hasNodes?: true };
        return { ...rest, manifest: hasNodes ? { ...manifest, nodes: 'open' } : manifest };
      }),
      readOn: () => () => true,
      capacities: capacities.map(
        ([resource, units]) => [this.#names.of(resource) as Resource, units] as const,
      ),
      defaults: asPlain(defaults) as object,
      ...(overrides !== undefined && { overrides: asPlain(overrides) as object }),
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

  /** Tasks are added together, or are executions on a node, one by one. */
  #add(recorded: readonly RecordedTask[]): void {
    const on = recorded[0]?.on;
    if (on !== undefined) {
      this.#tasks.addInstances([on.of], { name: on.node, bootMark: on.bootMark });
      return;
    }
    this.#tasks.add(
      recorded.map((task) => this.#names.task(task)),
      this.#machine.live,
      recorded.map(({ path, whyNot, weightMs, isFirst = false }) => ({
        ...{ path, whyNot, expected: weightMs, isFirst },
      })),
    );
  }

  /** Drops the data of the task, as a run does. */
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

/** The capabilities, resources and tasks of a record: one number is one object. */
class Names {
  readonly #objects: object[] = [];

  /** Decodes the value. */
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
  task({ is, meta, isProgram, service }: RecordedTask): Runnable {
    const [self, ...origins] = is.map((number) => this.#object(number)) as [Runnable, ...Runnable[]];
    for (const [at, origin] of origins.entries()) this.#define(origin, {}, origins[at + 1]);
    return this.#define(self, this.#meta(meta), origins[0], isProgram ? program : () => {}, service);
  }

  #meta({ when, cleanup, ...entries }: RecordedTask['meta']): TaskMeta {
    const named = Object.entries(entries).map(([entry, value]) => [entry, this.of(value)]);
    return defined({
      ...(Object.fromEntries(named) as TaskMeta),
      when: when === undefined ? undefined : true,
      cleanup: cleanup === undefined ? undefined : () => {},
    });
  }

  #define(
    runnable: Runnable,
    meta: TaskMeta,
    madeFrom: object | undefined,
    body: TaskDefinition['body'] = () => {},
    service?: TaskDefinition['service'],
  ): Runnable {
    const definition: TaskDefinition = { meta, body, args: undefined, isUnbound: false, madeFrom, service };
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

/** A body of the kind that is started as a program. It never runs either. */
const program: TaskDefinition['body'] = {
  ...{ file: '/', argv: [], cwd: '/', env: {} },
  interpret: () => ({ outcome: { kind: 'returned', value: undefined }, findings: [] }),
};

/** Plain data, with the numbers that JSON does not have. */
function asPlain(value: Json | undefined): unknown {
  if (Array.isArray(value)) return value.map(asPlain);
  if (typeof value !== 'object' || value === null) return value;
  const { $: kind, text } = value as unknown as Encoded;
  if (kind === 'number') return Number(text);
  if (kind === 'bigint') return BigInt(text);
  return Object.fromEntries(Object.entries(value).map(([name, entry]) => [name, asPlain(entry)]));
}
