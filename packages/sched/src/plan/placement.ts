/**
 * What tasks ask of the nodes that run them. Each distinct `on` is a constraint: it is read once, and has a number. Knows nothing about the progress of
 * the run, nor which nodes are there.
 */
import {
  isPexenError,
  messageOf,
  type NodePredicate,
  type NodeProperties,
  type NodeView,
  type Problem,
  problem,
} from '@pexen/core';
import type { CompileOptions, PlanPool } from './planned.ts';
import { clear, type UndoLog } from './undo-log.ts';

/** The number of a constraint. */
export type ConstraintId = number;
/** Of tasks that may run on every node. */
export const ANYWHERE = 0;

/** True, or what the node lacks: continues a sentence that starts with its name. */
export type NodeAnswer = true | string;

interface Constraint {
  readonly on: string | NodePredicate;
  readonly admits: NodePredicate;
}

export class Placement {
  readonly #read: CompileOptions['readOn'];
  readonly #here: NodeView;
  readonly #undoLog: UndoLog;
  /** By number. The first is that of tasks without `on`. */
  readonly #constraints: Constraint[] = [{ on: '', admits: () => true }];
  readonly #constraintOf: Map<number, ConstraintId>;
  /** Each `on` is read once. */
  readonly #known: Map<string | NodePredicate, Constraint>;

  /** `here` are the properties of the place where the run is. Starts empty, or as a copy. */
  constructor(
    read: CompileOptions['readOn'],
    here: NodeProperties | undefined,
    undoLog: UndoLog,
    of?: Placement,
  ) {
    this.#read = read;
    this.#here = { name: 'the place of the run', properties: here ?? {} };
    this.#undoLog = undoLog;
    this.#constraintOf = new Map(of === undefined ? [] : of.#constraintOf);
    this.#known = new Map(of === undefined ? [] : of.#known);
    if (of !== undefined) this.#constraints = [...of.#constraints];
  }

  /** The task asks for what another one asks for. */
  constrainLike(task: number, other: number): void {
    const constraint = this.constraintOf(other);
    if (constraint !== ANYWHERE) this.#constraintOf.set(task, constraint);
  }

  /** How many constraints there are; the numbers are smaller. */
  get count(): number {
    return this.#constraints.length;
  }

  constraintOf(task: number): ConstraintId {
    return this.#constraintOf.get(task) ?? ANYWHERE;
  }

  /** The constraint for people. */
  textOf(constraint: ConstraintId): string {
    return textOf(this.#constraints[constraint] as Constraint);
  }

  /** Which constraints the node fulfils, by number, and what it lacks for the others. */
  answersOf(node: NodeView): readonly NodeAnswer[] {
    return this.#constraints.map((constraint) => answerOf(constraint, node));
  }

  /** The task asks for this. Returns what is wrong: it cannot be read, or no node of the pool can ever fulfil it. */
  constrain(task: number, on: string | NodePredicate, { name, manifest }: PlanPool): readonly Problem[] {
    try {
      const constraint = this.#constraintFor(on);
      const { nodes } = manifest;
      this.#undoLog.put(
        this.#constraintOf,
        task,
        nodes === undefined ? ANYWHERE : this.#numberOf(constraint),
      );
      return nodes === 'open' ? [] : whyNowhere(constraint, name, nodes ?? [this.#here]);
    } catch (error) {
      if (isPexenError(error)) return error.problems;
      return [problem('PEXEN_BAD_ON', `its "on" cannot be read: ${messageOf(error)}`)];
    }
  }

  #constraintFor(on: string | NodePredicate): Constraint {
    const known = this.#known.get(on) ?? { on, admits: this.#predicateOf(on) };
    this.#known.set(on, known);
    return known;
  }

  #predicateOf(on: string | NodePredicate): NodePredicate {
    if (typeof on === 'function') return on;
    if (this.#read !== undefined) return this.#read(on);
    throw new TypeError(`"${on}" is an expression, and the option "readOn" is missing, which reads them`);
  }

  #numberOf(constraint: Constraint): ConstraintId {
    const known = this.#constraints.indexOf(constraint);
    if (known >= 0) return known;
    const { length } = this.#constraints;
    this.#undoLog.note(() => clear(this.#constraints, length));
    return this.#constraints.push(constraint) - 1;
  }
}

function whyNowhere(asked: Constraint, pool: string, nodes: readonly NodeView[]): readonly Problem[] {
  const answers = nodes.map((node) => [node.name, answerOf(asked, node)] as const);
  if (answers.some(([, answer]) => answer === true)) return [];
  const lacks = answers.map(([name, answer]) => `${name} ${answer}`).join('; ');
  const message = `no node of the pool "${pool}" can run it, which asks for ${textOf(asked)}: ${lacks}`;
  return [
    problem(
      'PEXEN_NO_NODE_MATCHES',
      message,
      'Correct its "on", or name a pool with such a node in its "pool".',
    ),
  ];
}

function textOf({ on }: Constraint): string {
  return typeof on === 'string' ? on : 'what its function "on" says';
}

function answerOf({ on, admits }: Constraint, node: NodeView): NodeAnswer {
  try {
    const answer = admits(node);
    if (answer === true) return true;
    if (typeof answer === 'string' && answer !== '') return answer;
  } catch (error) {
    return `cannot be asked: ${messageOf(error)}`;
  }
  return typeof on === 'string' ? `does not fulfil ${on}` : 'is refused by its function "on"';
}
