/** Makes the context of a body, wherever the body runs. */
import { type RebootOptions, RebootSignal, SkipSignal } from './failure.ts';
import type { ReadyFacts } from './outcome.ts';
import { type AnyKey, capabilitiesOf, formOf, isKey, tornDownBy } from './requirement.ts';
import { mergeShared, type SharedState } from './shared-state.ts';
import type { AnyBodyContext, GivenContext, TaskDefinition, TaskMeta } from './task.ts';
import type { TaskUpdate } from './task-update.ts';
import { checkedAttachment, checkedFinding, checkedProgress } from './task-update.ts';
import type { TraceContext } from './trace-context.ts';

/** The position of `tearsDown`, which is not in `requires`. */
export const tornDown = -1;

/** Values of one typed key that the task requires or tears down. */
export interface ReceivedKey {
  /** Position in `requires`, or `tornDown`. */
  readonly requirement: number;
  /** Position inside a compound requirement, else 0. */
  readonly member: number;
  /** One for each provider that ended well, in order of declaration. */
  readonly values: readonly unknown[];
}

/** The parts of a context besides the definition. */
export interface ContextParts {
  readonly args: unknown;
  readonly shared: SharedState;
  readonly received: readonly ReceivedKey[];
  readonly attempt: number;
  /** Default 0. */
  readonly interruptions?: number | undefined;
  /** Default 0. */
  readonly rebootCount?: number | undefined;
  readonly trace?: TraceContext | undefined;
  readonly path: string;
  readonly ticket: ContextTicket;
}

/** What a context passes on. */
export interface ContextTicket {
  readonly signal: AbortSignal;
  report(update: TaskUpdate): void;
  /** For the body of a service: it is ready. */
  ready?(facts: ReadyFacts): void;
}

/** A context, and the values that the body has `set` through it: [position in `provides`, value]. */
export class OwnContext implements AnyBodyContext {
  readonly #meta: TaskMeta;
  readonly #parts: Omit<ContextParts, 'ticket'>;
  readonly #ticket: ContextParts['ticket'];
  #provided: [position: number, value: unknown][] | undefined;
  #isReady = false;

  /** Reads an entry of `parts` only when the body asks for it, since many entries are expensive to make. */
  constructor(meta: TaskMeta, parts: ContextParts);
  constructor(meta: TaskMeta, parts: Omit<ContextParts, 'ticket'>, ticket: ContextParts['ticket']);
  constructor(
    meta: TaskMeta,
    parts: Omit<ContextParts, 'ticket'>,
    ticket: ContextParts['ticket'] = (parts as ContextParts).ticket,
  ) {
    this.#meta = meta;
    this.#parts = parts;
    this.#ticket = ticket;
  }

  get args(): unknown {
    return this.#parts.args;
  }
  get shared(): SharedState {
    return this.#parts.shared;
  }
  get attempt(): number {
    return this.#parts.attempt;
  }
  get interruptions(): number {
    return this.#parts.interruptions ?? 0;
  }
  get rebootCount(): number {
    return this.#parts.rebootCount ?? 0;
  }
  get trace(): TraceContext | undefined {
    return this.#parts.trace;
  }
  get reboot(): AnyBodyContext['reboot'] {
    return (options) => reboot(this.#meta, this.#parts.path, options);
  }
  get path(): string {
    return this.#parts.path;
  }
  get signal(): AbortSignal {
    return this.#ticket.signal;
  }
  get get(): (key: AnyKey) => unknown {
    return (key) => this.#valuesOf(key, 'get')[0];
  }
  get getAll(): (key: AnyKey) => readonly unknown[] {
    return (key) => this.#valuesOf(key, 'getAll');
  }
  get set(): (key: AnyKey, value: unknown) => void {
    return (key, value) => this.#set(key, value);
  }
  get skip(): (reason: string) => never {
    return skip;
  }
  /** Only of a service. */
  get ready(): () => void {
    return () => this.#ready();
  }
  get report(): AnyBodyContext['report'] {
    return (finding) => this.#ticket.report({ kind: 'finding', finding: checkedFinding(finding) });
  }
  get progress(): AnyBodyContext['progress'] {
    return (progress) => this.#ticket.report({ kind: 'progress', progress: checkedProgress(progress) });
  }
  get attach(): AnyBodyContext['attach'] {
    return (attachment) =>
      this.#ticket.report({ kind: 'attachment', attachment: checkedAttachment(attachment) });
  }
  get log(): AnyBodyContext['log'] {
    return (message, data) => this.#ticket.report({ kind: 'log', message: String(message), data });
  }

  /** The values set so far. */
  get provided(): readonly (readonly [position: number, value: unknown])[] {
    return this.#provided ?? nothingSet;
  }

  #valuesOf(key: AnyKey, asked: 'get' | 'getAll'): readonly unknown[] {
    const { requires } = this.#meta;
    const torn = tornDownBy(this.#meta);
    const received = this.#parts.received.find(({ requirement, member }) => {
      if (requirement === tornDown) return torn[member] === key;
      const entry = requires?.[requirement];
      return entry !== undefined && capabilitiesOf(entry)[member] === key;
    });
    if (received !== undefined) return received.values;
    const isOptional = requires?.some(
      (entry) => formOf(entry) !== 'one' && capabilitiesOf(entry).includes(key),
    );
    if (isOptional || torn.includes(key)) return [];
    throw new TypeError(`${asked}: key "${key.name}" is not among what "${this.path}" requires`);
  }

  #ready(): void {
    if (this.#isReady) return;
    const unset = unsetKeys(this.#meta, this.provided);
    if (unset.length > 0)
      throw new TypeError(`ready: "${this.#parts.path}" provides ${unset.join(', ')}: set it before`);
    this.#isReady = true;
    this.#ticket.ready?.({ provided: this.provided });
  }

  #set(key: AnyKey, value: unknown): void {
    const position = this.#meta.provides?.indexOf(key) ?? -1;
    if (position < 0) throw new TypeError(`set: key "${key.name}" is not among what "${this.path}" provides`);
    this.#provided = (this.#provided ?? []).filter(([at]) => at !== position);
    this.#provided.push([position, value]);
  }
}

const nothingSet: readonly never[] = Object.freeze([]);

/** The names of the keys in `provides` that have no value yet. */
export function unsetKeys(meta: TaskMeta, provided: readonly (readonly [number, unknown])[]): string[] {
  const { provides = [] } = meta;
  const set = provided.map(([at]) => provides[at]);
  const missing = provides.filter((capability) => isKey(capability) && !set.includes(capability));
  return missing.map((capability) => (capability as AnyKey).name);
}

/** The context of a task that is called without a scheduler. */
export function lonelyContext(
  definition: TaskDefinition,
  given: GivenContext,
): AnyBodyContext & { readonly ready: () => void } {
  const { values = new Map<AnyKey, unknown>(), ...rest } = given;
  const silent = () => {};
  return {
    ...{ args: definition.args, shared: mergeShared(), path: definition.meta.name ?? 'task' },
    ...{ attempt: 1, interruptions: 0, rebootCount: 0, trace: undefined },
    reboot: (options) => reboot(definition.meta, definition.meta.name ?? 'task', options),
    ...{ signal: new AbortController().signal, skip },
    ...{ report: silent, progress: silent, attach: silent, log: silent, ready: silent },
    get: (key) => values.get(key),
    getAll: (key) => (values.has(key) ? [values.get(key)] : []),
    set: (key, value) => void values.set(key, value),
    ...rest,
  };
}

function reboot({ mayReboot = false }: TaskMeta, path: string, options: RebootOptions = {}): never {
  if (!mayReboot) throw new TypeError(`reboot: "${path}" has no mayReboot: true in its metadata`);
  const { command, timeoutMs } = options;
  if (command !== undefined && typeof command !== 'string')
    throw new TypeError('reboot: the command is a text, as for a shell');
  if (timeoutMs !== undefined && !(timeoutMs > 0))
    throw new TypeError('reboot: timeoutMs is a number of milliseconds above 0');
  throw new RebootSignal(options);
}

function skip(reason: string): never {
  throw new SkipSignal(reason);
}
