/** The types of a task: its metadata, its body, the context of the body. `task()` in define-task.ts makes one. */
import type { Address } from './address.ts';
import type { StandardSchema } from './args.ts';
import type { CallSite } from './call-site.ts';
import type { Facts } from './facts.ts';
import type { RebootOptions } from './failure.ts';
import type { ExecutableBody } from './outcome.ts';
import type { NodePredicate } from './pool-node.ts';
import type { AnyKey, AnyOf, AtLeast, Capability, Every, Requirement, ValueOf } from './requirement.ts';
import type { Amount, Resource } from './resource.ts';
import type { SharedState } from './shared-state.ts';
import type { SourceLocation } from './source-location.ts';
import type { Attachment, Finding, Progress } from './task-update.ts';
import type { TraceContext } from './trace-context.ts';

/** The metadata of a task: everything except its body. Every entry may be left out or be undefined; times are milliseconds. */
export interface TaskMeta {
  /** Last part of the call path. Default: the name of the export, of the program's file, of the function, or `task`. */
  readonly name?: string | undefined;
  /** What must have ended well before it starts. Selecting a task also selects the providers of what it requires. */
  readonly requires?: readonly Requirement[] | undefined;
  /** Runs after these, however they end; does not select them. */
  readonly after?: readonly Capability[] | undefined;
  /** Runs before these; does not select them. */
  readonly before?: readonly Capability[] | undefined;
  /** Runs only if one of these ended badly. */
  readonly salvages?: readonly Capability[] | undefined;
  /** Runs once no task needs this capability (or any of a list) any more, also after failures. */
  readonly tearsDown?: Capability | readonly Capability[] | undefined;
  /** The capabilities that exist once the task has ended well. Every task also provides itself. */
  readonly provides?: readonly Capability[] | undefined;
  /** Resources held shared while it runs, and amounts of resources with a capacity. */
  readonly uses?: readonly (Resource | Amount)[] | undefined;
  /** Resources held exclusively while it runs. */
  readonly claims?: readonly Resource[] | undefined;
  /** Nothing else runs at the same time. */
  readonly exclusive?: boolean | undefined;
  /** Tasks with lower numbers start first. Default 0. */
  readonly priority?: number | undefined;
  /** As a candidate of a catalogue: those with higher numbers are preferred. Default 0. Does not affect the order of starts. */
  readonly preference?: number | undefined;
  /** Expected duration in ms. Default: the value in the run's option `weights`, else 1, marked as unmeasured. */
  readonly weight?: number | undefined;
  /** A Standard Schema or `type<T>()` of the body's `args`, or the args themselves as a plain object. */
  readonly args?: StandardSchema | Readonly<Record<string, unknown>> | undefined;
  /** The group of exclusivity that it belongs to. */
  readonly group?: string | undefined;
  /** The name of the pool that it runs in. */
  readonly pool?: string | undefined;
  /**
   * Which nodes of its pool it may run on: an expression over their properties, which the run must be able to read (see its option `readOn`), or a function. In a
   * pool without nodes, the place where the run itself is counts as the only one.
   */
  readonly on?: string | NodePredicate | undefined;
  /**
   * It sets up nodes: it runs once in each boot of each node of its pool that its `on` admits, also of those that join later, before anything that requires it there.
   * What it provides belongs to its node. In a pool without nodes it is a task like any other. Implies `scope: 'boot'`. A service is started on each node where
   * a task waits for it, and goes on as long as tasks need it there.
   */
  readonly perNode?: boolean | undefined;
  /** Longest time an attempt may take, counted from its start in the worker. */
  readonly timeout?: number | undefined;
  /** Longest time without output, progress or heartbeat. */
  readonly idleTimeout?: number | undefined;
  /** Time between asking an attempt to stop and ending it by force. */
  readonly grace?: number | undefined;
  /** The duration from which on the task counts as slow. */
  readonly slowAfter?: number | undefined;
  /** How often a failed attempt may be retried. Default 0. */
  readonly retries?: number | Retries | undefined;
  /** May start again after its worker was lost (its node, or because its pool ended it) or pexen itself died. Does not cover crashes of the body: see `retries`. */
  readonly rerunnable?: boolean | undefined;
  /** May its body ask for a reboot of the machine? Then it runs alone (`exclusive`), and may start again (`rerunnable`). */
  readonly mayReboot?: boolean | undefined;
  /**
   * Until when what it provides lasts, for a run that is resumed: the end of the run (default), of the boot of the machine, or of the process that
   * runs pexen. After that it is executed again where tasks that start require it.
   */
  readonly scope?: 'run' | 'boot' | 'process' | undefined;
  /** Cleans up after an attempt that ended in an uncontrolled way; if it returns, nothing is poisoned. */
  readonly cleanup?: Body | undefined;
  /**
   * Files that its body reads, as glob patterns from the root of the project; a directory means all files below it. The task counts as changed
   * when one of them changes. Imported modules count automatically.
   */
  readonly inputs?: readonly string[] | undefined;
  /** Variables of the environment that its body reads. The task counts as changed when one of their values changes. The values are never stored. */
  readonly digestEnv?: readonly string[] | undefined;
  /** Tags to select it by. */
  readonly tags?: readonly string[] | undefined;
  /** The rules of `pexen lint` that do not apply to it. */
  readonly lintIgnore?: readonly string[] | undefined;
  /** Whether it applies, evaluated before the run: true, false, or a reason why not. */
  readonly when?: boolean | string | ((facts: Facts) => boolean | string) | undefined;
}

/** Entries of `TaskMeta` that a service does not have. */
type NotOfServices =
  | 'exclusive'
  | 'group'
  | 'salvages'
  | 'tearsDown'
  | 'scope'
  | 'rerunnable'
  | 'mayReboot'
  | 'cleanup';

/**
 * The metadata of a service: of a task that goes on while others need what it provides. `timeout`, `idleTimeout`, `slowAfter`, `weight` and
 * `retries` concern the time until it is ready. What it uses and claims it holds from its start until it is over. What it provides lasts as long
 * as the process that runs pexen, and it may always start again.
 */
export interface ServiceMeta extends Omit<TaskMeta, NotOfServices> {
  /** How often it starts again, where tasks need it, after it ended without having been asked to. Default 0. */
  readonly restarts?: number | undefined;
  /** `kill`: it is meant to be ended by force, so that nothing counts as left behind. Default: a service that has to be killed is a warning. */
  readonly stop?: 'kill' | undefined;
}

/** The number of further attempts, and the delays between them. */
export interface Retries {
  readonly count: number;
  /** Delay before the first retry, ms. Default 0. */
  readonly delay?: number | undefined;
  /** Each delay is this many times the previous one. Default 2. */
  readonly factor?: number | undefined;
  /** Longest delay, ms. Default 30,000. */
  readonly maxDelay?: number | undefined;
  /** The largest random reduction of each delay, as a fraction of it, 0 to 1. The same task and attempt always get the same delay. Default 0. */
  readonly jitter?: number | undefined;
}

type RequiresOf<M> = M extends { readonly requires: readonly (infer R)[] } ? R : never;
type ProvidesOf<M> = M extends { readonly provides: readonly (infer C)[] } ? C : never;
type MembersOf<R> = R extends { readonly capabilities: readonly (infer C)[] } ? C : never;
/** Keys that are required by themselves: their value is always present. */
type RequiredKeys<M> = Extract<RequiresOf<M>, AnyKey>;
/** Keys under `anyOf` or `atLeast`, and those that are torn down: their value may be present. */
type OptionalKeys<M> = Extract<
  | MembersOf<Extract<RequiresOf<M>, AnyOf | AtLeast>>
  | (M extends { readonly tearsDown: infer C } ? (C extends readonly (infer Each)[] ? Each : C) : never),
  AnyKey
>;
/** Keys under `every`. */
type EveryKeys<M> = Extract<MembersOf<Extract<RequiresOf<M>, Every>>, AnyKey>;
/** Keys the task provides. */
type ProvidedKeys<M> = Extract<ProvidesOf<M>, AnyKey>;

/** The type of `args` in the body. */
export type ArgsOf<M> = M extends { readonly args: StandardSchema<infer _Input, infer Output> }
  ? Output
  : M extends { readonly args: infer Given }
    ? Given
    : Readonly<Record<string, never>>;

/** The context of a body. Its functions may be destructured (`({ set, skip }) => …`). */
export interface BodyContext<M = TaskMeta> {
  /** The task's own arguments. */
  readonly args: ArgsOf<M>;
  /** This task's own dictionary: the entries of its providers, and those that it passes on itself. */
  readonly shared: SharedState;
  /** The value of a required key; `undefined` is possible only under `anyOf` and `atLeast`, and for keys that are torn down. */
  readonly get: <K extends RequiredKeys<M> | OptionalKeys<M>>(
    key: K,
  ) => K extends RequiredKeys<M> ? ValueOf<K> : ValueOf<K> | undefined;
  /** The values of a key under `every`, one for each provider, in order of declaration. */
  readonly getAll: <K extends EveryKeys<M>>(key: K) => readonly ValueOf<K>[];
  /** Sets the value of a provided key. A task that returns without having set all its keys has failed. */
  readonly set: <K extends ProvidedKeys<M>>(key: K, value: ValueOf<K>) => void;
  /** Aborted on timeout and cancellation. */
  readonly signal: AbortSignal;
  /** 1 for the first attempt. */
  readonly attempt: number;
  /**
   * How often this attempt has been interrupted: it had started in an earlier session of the run, and the command died before it ended. An
   * interruption is not an attempt of its own, so `attempt` stays the same. 0 in a run that was not resumed.
   */
  readonly interruptions: number;
  /** How often the machine was rebooted for this task. */
  readonly rebootCount: number;
  /** The span of this attempt, as the parent of spans of the body's own; undefined where the run is not traced. */
  readonly trace: TraceContext | undefined;
  /**
   * Ends the body and reboots the machine; then the run is resumed, and the same attempt starts again with `rebootCount` one higher.
   * @throws TypeError where the metadata does not say `mayReboot`
   */
  readonly reboot: (options?: RebootOptions) => never;
  /** The call path, as text. */
  readonly path: string;
  /** Ends the body and skips the task: it does not apply here. */
  readonly skip: (reason: string) => never;
  /** Reports one finding. */
  readonly report: (finding: Finding) => void;
  /** Reports progress; it is also a sign of life. */
  readonly progress: (progress: Progress) => void;
  /** Adds a file or a text to the report of the task. */
  readonly attach: (attachment: Attachment) => void;
  /** Sends a message to the listeners of the run. */
  readonly log: (message: string, data?: unknown) => void;
}

/** The context of the body of a service. */
export interface ServiceContext<M = ServiceMeta> extends BodyContext<M> {
  /**
   * Reports that the service is ready: the tasks that require it may start. The values of its keys must be set before; they and its dictionary
   * are handed on as they are now. Further calls have no effect.
   * @throws TypeError where a key that it provides has no value yet
   */
  readonly ready: () => void;
}

/** The context for code that does not know the type of the metadata. */
export interface AnyBodyContext extends Omit<BodyContext, 'args' | 'get' | 'getAll' | 'set'> {
  readonly args: unknown;
  readonly get: (key: AnyKey) => unknown;
  readonly getAll: (key: AnyKey) => readonly unknown[];
  readonly set: (key: AnyKey, value: unknown) => void;
}

/** A body of any type, as pools and workers call it. */
export type Body = (context: never) => unknown;

declare const unbound: unique symbol;
/** The property under which a task carries its definition. */
export const definitionKey: unique symbol = Symbol.for('pexen.task') as never;

/** A task, ready to run. Calling it runs its body directly, without a scheduler, for example in unit tests. */
export interface Task<Value = unknown> {
  (given?: GivenContext): Promise<Value>;
  readonly [definitionKey]: TaskDefinition;
  readonly [unbound]?: never;
}

/** A task whose args must be bound by `with` before it can run. Calling it takes the args first. */
export interface UnboundTask<Args, Value = unknown> {
  (args: Args, given?: GivenContext): Promise<Value>;
  readonly [definitionKey]: TaskDefinition;
  readonly [unbound]: true;
  /**
   * The task with these args. It also provides the identity of the task it was made from.
   * @throws PexenError PEXEN_BAD_ARGS where the schema refuses them.
   */
  with(args: Args, meta?: Pick<TaskMeta, 'name' | 'weight' | 'tags'>): Task<Value>;
}

/** The context that a test passes to a task that it calls directly; the values of required keys go into `values`. */
export interface GivenContext extends Partial<Omit<AnyBodyContext, 'args' | 'get' | 'getAll' | 'set'>> {
  /** Read by `get` and `getAll`, and written by `set`. */
  readonly values?: Map<AnyKey, unknown>;
  /** Called when the body of a service is ready. Default: nothing happens. */
  readonly ready?: () => void;
}

/** A function that can be used as a task; `withMeta` adds metadata to it. */
export type PlainFunction<Value = unknown> = ((context: AnyBodyContext) => Value) & {
  readonly [unbound]?: never;
  readonly [definitionKey]?: never;
};

/** What `run` takes: tasks, plain functions, and either of them with a place in a tree. */
export type Runnable<Value = unknown> = Task<Value> | PlainFunction<Value>;

/** A runnable and its place in the tree; the task's own name is not part of `under`. */
export interface PlacedTask<Value = unknown> {
  readonly under: readonly string[];
  readonly task: Runnable<Value>;
}

/** The definition of a task, in one shape for all kinds of runnables. */
export interface TaskDefinition {
  readonly meta: TaskMeta;
  readonly body: Body | ExecutableBody;
  /** The bound args. */
  readonly args: unknown;
  /** True while it has no args although its schema requires some. */
  readonly isUnbound: boolean;
  /** Present for a service. */
  readonly service?: ServiceRules | undefined;
  /** Where `task()` was called. */
  readonly site?: CallSite | undefined;
  /** Set by the factory that made it; otherwise derived from the call site. */
  readonly address?: Address | undefined;
  /** The task that `with` was called on; its identity is provided too. */
  readonly madeFrom?: object | undefined;
  /** Where a factory found it, if it was not made by a call of `task()`: a program, or an exported function. */
  readonly location?: SourceLocation | undefined;
  /** The origin of its name in `meta`. Default: explicit. */
  readonly nameKind?: NameKind | undefined;
  /** Where an entry of `meta` was stated. Default, also where it returns undefined: where the task was made. */
  readonly originOf?: ((entry: keyof TaskMeta) => MetaOrigin | undefined) | undefined;
}

/** Where an entry of metadata was stated, for people. */
export interface MetaOrigin {
  /** `file`: the header, side file or data of the task. `defaults`: for many tasks at once, and weaker than overrides by pattern. `override`: by pattern. */
  readonly kind: 'file' | 'defaults' | 'override';
  /** What stated it: `the factory "executables of tests"`. */
  readonly by?: string | undefined;
  /** Is it added to what the task states itself? */
  readonly isAdded?: boolean | undefined;
  readonly location?: SourceLocation | undefined;
}

/** The rules of a service that other tasks do not have. */
export interface ServiceRules {
  /** How often it may start again after it ended without having been asked to. */
  readonly restarts: number;
  /** It is meant to be ended by force. */
  readonly killsOnStop: boolean;
}

/**
 * The origin of a task's name: `explicit`: its metadata; `export`: the export that holds it; `file`: its program, or the module
 * whose default export it is; `function`: its function; `ordinal`: its place among siblings that would have the same name.
 */
export type NameKind = 'explicit' | 'export' | 'file' | 'function' | 'ordinal';
