/**
 * Why a task is where it is, as plain data: the task, what it waits for, what that waits for, and so on, up to what holds all of it. A run at work
 * explains its tasks itself; those of a past run are explained by its journal. `waitingText` says what a task waits for in words.
 */
import type { ServicePhase, WaitingFor } from './inspection.ts';
import type { Judgement, ReasonLink, ResultStatus } from './result.ts';
import type { AttemptInfo } from './run-event.ts';

/** Grows by one with every change that breaks readers of old explanations. */
export const explanationVersion = 1;

/** Why a task is where it is. Times ending in `Ms` are milliseconds, counted from the start of the run. */
export interface Explanation {
  readonly version: typeof explanationVersion;
  /** The moment that it is true of. */
  readonly atMs: number;
  /** The task itself first; each further one is what the one before it waits for, or what caused it. At most 12. */
  readonly steps: readonly ExplainedTask[];
}

/** One link of the chain. */
export interface ExplainedTask {
  readonly path: string;
  readonly is: ExplainedState;
}

/** The state of a task in a chain. */
export type ExplainedState =
  /** It waits. `blockers` are the tasks that it waits for, or that take the slots of its pool; at most 8 are named, and there are `more` of them. */
  | {
      readonly kind: 'waiting';
      readonly for: WaitingFor;
      readonly blockers: readonly Blocker[];
      readonly more: number;
    }
  /** A pool has an attempt of it that has not started. */
  | {
      readonly kind: 'dispatched';
      readonly attempt: number;
      readonly part: 'body' | 'cleanup';
      readonly pool: string;
      readonly sinceMs: number;
      /** Why it was asked to stop; absent if it was not. */
      readonly stop?: string;
    }
  | {
      readonly kind: 'running';
      readonly attempt: number;
      readonly part: 'body' | 'cleanup';
      readonly worker: string;
      readonly sinceMs: number;
      readonly stop?: string;
      /** Present for a service; with the tasks that need it, of which at most 8 are named. */
      readonly service?: {
        readonly phase: ServicePhase;
        readonly neededBy: readonly string[];
        readonly more: number;
      };
    }
  /** It has its result. What a run forgets when it has given the result is absent in explanations of the run itself. */
  | ({ readonly kind: 'ended'; readonly status: Exclude<ResultStatus, 'skipped'> } & EndedFacts)
  /** `reason` is the chain of reasons: what it lacked, then the task that caused it, and so on. */
  | {
      readonly kind: 'skipped';
      readonly reason: readonly ReasonLink[];
      readonly judgement?: Judgement;
      readonly again?: readonly string[];
    }
  /** The run was interrupted while an attempt of it ran, or between two. */
  | { readonly kind: 'interrupted'; readonly attempt: number; readonly worker?: string; readonly why: string }
  /** It has no result, and no attempt of it has started. */
  | { readonly kind: 'not-started'; readonly why: string };

/** What a journal knows of a task that ended. */
export interface EndedFacts {
  readonly judgement?: Judgement;
  readonly attempts?: readonly AttemptInfo[];
  /** The paths of the providers that met its requirements. */
  readonly metBy?: readonly string[];
  /** The resources that it left in an unknown state. */
  readonly poisons?: readonly string[];
  /** Why it ran again, in this run or in the one before: each continues a sentence that begins with "it ran again, since". */
  readonly again?: readonly string[];
  /** The result is that of an earlier session or run, and why it is kept. */
  readonly kept?: string;
  /** How often the end of a session interrupted an attempt of it. */
  readonly interruptions?: number;
}

/** A task that another one waits for. */
export interface Blocker {
  readonly path: string;
  readonly state: BlockerState;
  /** Since when it runs, or is in its phase; of a task that waits: absent. */
  readonly sinceMs?: number;
  /** Of a holder of the resource that is waited for: since when it holds what it uses and claims. */
  readonly heldSinceMs?: number;
}

/** `abandoned`: it has its result, and its body could not be ended and may still run. Services have phases. */
export type BlockerState =
  | 'waiting'
  | 'between-attempts'
  | 'dispatched'
  | 'running'
  | 'abandoned'
  | ServicePhase;

/** Why a task is behind others, in words, for each kind of order. */
const orders: Readonly<Record<NonNullable<Extract<WaitingFor, { kind: 'order' }>['as']>, string>> = {
  after: 'to run after',
  before: 'to be preceded by',
  salvages: 'to salvage',
  'tears-down': 'until no task needs {} any more, still needed by',
  recovery: 'until what it left half changed when it was interrupted is in order, for',
  schedule: 'until its place in the replayed schedule, after',
  served: 'for the end of',
  alone: 'to run alone, after the services',
  rivals: 'until those are over that could not run beside it:',
};

/** What a task waits for, to follow "it waits"; `names`: the tasks behind that, empty where there are none. */
export function waitingText(waiting: WaitingFor, names: string): string {
  const text = describeWaiting(waiting);
  if (names === '') return text;
  return waiting.kind === 'slot' ? `${text}, taken by ${names}` : `${text} ${names}`;
}

/** What a task waits for, to follow "it waits", without the tasks, which follow after it. Times are counted from the start of the run. */
function describeWaiting(waiting: WaitingFor): string {
  switch (waiting.kind) {
    case 'requirement':
      return `for ${waiting.requirement}, to be provided by`;
    case 'order':
      return orders[waiting.as ?? 'after'].replace('{}', () => waiting.capability ?? 'it');
    case 'resource':
      if (waiting.alone === 'itself') return 'to run alone, after';
      if (waiting.alone === 'other') return 'to run after the exclusive';
      if (waiting.scope !== undefined) return elsewhereText(waiting, waiting.scope);
      return `for the resource "${waiting.resource}"${onNodes(waiting.nodes)}, held by`;
    case 'reservation':
      return 'for what is reserved for';
    case 'group':
      if (waiting.current !== undefined) return `until the group "${waiting.current}" is over`;
      return `for the turn of the group "${waiting.group}", which comes after`;
    case 'slot':
      return `for ${waiting.isOpening === true ? 'the opening of' : 'a slot in'} the pool "${waiting.pool}"`;
    case 'node':
      return `for a node of the pool "${waiting.pool}"${nodesText(waiting)}`;
    case 'need':
      return 'until a task needs it:';
    case 'backoff':
      return `until ${waiting.untilMs.toFixed(1)} ms for its next attempt`;
    case 'consumer':
      return 'for the consumer to pull the next result';
    default:
      return waiting satisfies never;
  }
}

function onNodes(nodes: readonly string[] = []): string {
  return nodes.length === 0 ? '' : ` on ${nodes.join(', ')}`;
}

/** Held by tasks of other runs, which do not follow as tasks. */
function elsewhereText(
  { resource, holders }: Extract<WaitingFor, { readonly kind: 'resource' }>,
  scope: string,
): string {
  const more = holders.length > 3 ? ` and ${holders.length - 3} more` : '';
  const by = holders.length === 0 ? '' : `, held by ${holders.slice(0, 3).join(', ')}${more}`;
  return `for the resource "${resource}" of the ${scope}${by}`;
}

function nodesText({ asked, nodes, more = 0 }: Extract<WaitingFor, { readonly kind: 'node' }>): string {
  const lacking = nodes.map(({ name, lacks }) => `${name} ${lacks}`).join('; ') || 'there is none';
  return `${asked === undefined ? '' : ` with ${asked}`} (${lacking}${more === 0 ? '' : `; and ${more} more`})`;
}
