/** The words for a task: its metadata, its body, what the body is given. `task()` in define-task.ts makes one. */
import type { Address } from './address.ts';
import type { StandardSchema } from './args.ts';
import type { CallSite } from './call-site.ts';
import type { ExecutableBody } from './outcome.ts';
import type { AnyKey, AnyOf, AtLeast, Capability, Every, Requirement, ValueOf } from './requirement.ts';
import type { Amount, Resource } from './resource.ts';
import type { SharedState } from './shared-state.ts';
import type { SourceLocation } from './source-location.ts';
import type { Attachment, Finding, Progress } from './task-update.ts';

/** All that is said of a task besides its body. Every entry may be left out, or be undefined; times are milliseconds. */
export interface TaskMeta {
  /** Last part of the call path. Default: the name of the export, of the program's file, of the function, or `task`. */
  readonly name?: string | undefined;
  /** What must have ended well before. Selecting a task selects the providers of what it requires. */
  readonly requires?: readonly Requirement[] | undefined;
  /** Runs after these, however they end; pulls nothing in. */
  readonly after?: readonly Capability[] | undefined;
  /** Runs before these; pulls nothing in. */
  readonly before?: readonly Capability[] | undefined;
  /** Runs only if one of these ended badly. */
  readonly salvages?: readonly Capability[] | undefined;
  /** Runs once no task needs this capability any more (of a list: any of them), also after failures. */
  readonly tearsDown?: Capability | readonly Capability[] | undefined;
  /** What is given when the task ends well. Every task provides itself, too. */
  readonly provides?: readonly Capability[] | undefined;
  /** Resources held shared while it runs, and amounts of resources with a capacity. */
  readonly uses?: readonly (Resource | Amount)[] | undefined;
  /** Resources held exclusively while it runs. */
  readonly claims?: readonly Resource[] | undefined;
  /** Nothing else runs meanwhile. */
  readonly exclusive?: boolean | undefined;
  /** Lower starts first. Default 0. */
  readonly priority?: number | undefined;
  /** Expected duration in ms. Default: what the run's option `weights` says, else 1 and marked as unmeasured. */
  readonly weight?: number | undefined;
  /** A Standard Schema or `type<T>()` for the body's `args`, or the args themselves as a plain object. */
  readonly args?: StandardSchema | Readonly<Record<string, unknown>> | undefined;
  /** The group of exclusivity it belongs to. */
  readonly group?: string | undefined;
  /** The named pool it runs in. */
  readonly pool?: string | undefined;
  /** Longest time an attempt may take, counted from its start in the worker. */
  readonly timeout?: number | undefined;
  /** Longest time without output, progress or heartbeat. */
  readonly idleTimeout?: number | undefined;
  /** Time between asking an attempt to stop and ending it by force. */
  readonly grace?: number | undefined;
  /** From here on the task is called slow. */
  readonly slowAfter?: number | undefined;
  /** Further attempts after one that may be retried. Default 0. */
  readonly retries?: number | Retries | undefined;
  /** May start again after its worker was lost (a node, or ended by its pool) or pexen itself died. A crash of the body is not that: see `retries`. */
  readonly rerunnable?: boolean | undefined;
  /** Tidies up after an attempt that ended in an uncontrolled way; if it returns, nothing is poisoned. */
  readonly cleanup?: Body | undefined;
  /**
   * Files that its body reads, as glob patterns from the root of the project; a directory stands for all files below it. The task counts as changed
   * when one of them does. What it imports is known without that.
   */
  readonly inputs?: readonly string[] | undefined;
  /** Variables of the environment that its body reads. The task counts as changed when one of their values does; no value is ever written down. */
  readonly digestEnv?: readonly string[] | undefined;
  /** Words to select it by. */
  readonly tags?: readonly string[] | undefined;
  /** Whether it applies at all, asked before the run: true, false, or a reason why not. */
  readonly when?: boolean | string | ((facts: Facts) => boolean | string) | undefined;
}

/** What is known of the environment, for `when`. */
export type Facts = Readonly<Record<string, unknown>>;

/** Attempts after the first, and the waiting between them. */
export interface Retries {
  readonly count: number;
  /** Wait before the first retry, ms. Default 0. */
  readonly delay?: number | undefined;
  /** Each wait is this many times the one before. Default 2. */
  readonly factor?: number | undefined;
  /** Longest wait, ms. Default 30,000. */
  readonly maxDelay?: number | undefined;
  /** The most that chance takes off each wait, as a share of it, 0 to 1. The same task and attempt always wait the same. Default 0. */
  readonly jitter?: number | undefined;
}

type RequiresOf<M> = M extends { readonly requires: readonly (infer R)[] } ? R : never;
type ProvidesOf<M> = M extends { readonly provides: readonly (infer C)[] } ? C : never;
type MembersOf<R> = R extends { readonly capabilities: readonly (infer C)[] } ? C : never;
/** Keys that are required by themselves: their value is certainly there. */
type RequiredKeys<M> = Extract<RequiresOf<M>, AnyKey>;
/** Keys under `anyOf` or `atLeast`, and the one that is torn down: their value may be there. */
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

/** What a body is given. All functions may be taken out of it (`({ set, skip }) => …`). */
export interface BodyContext<M = TaskMeta> {
  /** The task's own arguments. */
  readonly args: ArgsOf<M>;
  /** This task's own dictionary: what its providers handed on, and what it hands on in turn. */
  readonly shared: SharedState;
  /** The value of a required key; `undefined` is possible only under `anyOf` and `atLeast`, and for the key that is torn down. */
  readonly get: <K extends RequiredKeys<M> | OptionalKeys<M>>(
    key: K,
  ) => K extends RequiredKeys<M> ? ValueOf<K> : ValueOf<K> | undefined;
  /** The values of a key under `every`, one a provider, in order of declaration. */
  readonly getAll: <K extends EveryKeys<M>>(key: K) => readonly ValueOf<K>[];
  /** Gives a provided key its value. A task that returns without having set all its keys has failed. */
  readonly set: <K extends ProvidedKeys<M>>(key: K, value: ValueOf<K>) => void;
  /** Aborted on timeout and cancellation. */
  readonly signal: AbortSignal;
  /** 1 for the first attempt. */
  readonly attempt: number;
  /** The call path, as text. */
  readonly path: string;
  /** Ends the body: it does not apply here. */
  readonly skip: (reason: string) => never;
  /** Tells one finding. */
  readonly report: (finding: Finding) => void;
  /** Tells how far it is; a sign of life, too. */
  readonly progress: (progress: Progress) => void;
  /** Adds a file or a text to what is reported of the task. */
  readonly attach: (attachment: Attachment) => void;
  /** Tells something to whoever listens to the run. */
  readonly log: (message: string, data?: unknown) => void;
}

/** The context as code sees it that does not know the metadata's type. */
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

/** A task, ready to run. Calling it runs its body at once, without a scheduler: good for unit tests. */
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

/** What a test hands to a task that it calls directly; the values of required keys go into `values`. */
export interface GivenContext extends Partial<Omit<AnyBodyContext, 'args' | 'get' | 'getAll' | 'set'>> {
  /** For `get` and `getAll`, and where `set` puts what it is given. */
  readonly values?: Map<AnyKey, unknown>;
}

/** A function that is a task without further ado; metadata may be put on it by `withMeta`. */
export type PlainFunction<Value = unknown> = ((context: AnyBodyContext) => Value) & {
  readonly [unbound]?: never;
  readonly [definitionKey]?: never;
};

/** What `run` takes: tasks, plain functions, and either of them with a place in a tree. */
export type Runnable<Value = unknown> = Task<Value> | PlainFunction<Value>;

/** A runnable and where it stands in the tree it came from; the task's own name is not part of `under`. */
export interface PlacedTask<Value = unknown> {
  readonly under: readonly string[];
  readonly task: Runnable<Value>;
}

/** What is known of a task, in one shape for all kinds of runnables. */
export interface TaskDefinition {
  readonly meta: TaskMeta;
  readonly body: Body | ExecutableBody;
  /** The bound args. */
  readonly args: unknown;
  /** Without args although its schema wants some. */
  readonly isUnbound: boolean;
  /** Where `task()` was called. */
  readonly site?: CallSite | undefined;
  /** Known to the factory that made it; else it is worked out from the call site. */
  readonly address?: Address | undefined;
  /** The task that `with` was called on; its identity is provided too. */
  readonly madeFrom?: object | undefined;
  /** Where a factory found it, if it was not made by a call of `task()`: a program, or a function that a module exports. */
  readonly location?: SourceLocation | undefined;
  /** What its name in `meta` comes from. Default: it is explicit. */
  readonly nameKind?: NameKind | undefined;
}

/**
 * What a task's name comes from: `explicit`: its metadata; `export`: the export that holds it; `file`: its program, or the module
 * whose default export it is; `function`: its function; `ordinal`: its place among siblings that would have the same name.
 */
export type NameKind = 'explicit' | 'export' | 'file' | 'function' | 'ordinal';
