/** A journal for tests: it records what the test lets it record, and recalls what the test knows. */
import type {
  EndFacts,
  FinishFacts,
  LeftAttempt,
  Recall,
  RecalledResult,
  RecalledSkip,
  RecalledStart,
  RecalledTask,
  RunEvent,
  RunJournal,
  TaskInfo,
  TaskOrigin,
  TaskUpdateEvent,
} from '@pexen/core';

/** What is recalled of a task, by its path. */
export type Known =
  | (Partial<Omit<RecalledResult, 'task'>> & Pick<RecalledResult, 'kind'>)
  | KnownSkip
  | KnownStart;
type KnownSkip = Partial<Omit<RecalledSkip, 'task'>> & Pick<RecalledSkip, 'kind'>;
type KnownStart = Partial<Omit<RecalledStart, 'task'>> & Pick<RecalledStart, 'kind'>;

export interface Script {
  /** In the order in which it happened. */
  readonly knows?: readonly (readonly [path: string, known: Known])[];
  /** Recalled only once all others were handled. */
  readonly late?: readonly string[];
  /** The owner, and the paths that wait for it. */
  readonly guards?: readonly (readonly [
    owner: string,
    paths: readonly string[],
    resources: readonly string[],
  ])[];
  readonly poisoned?: readonly string[];
  /** Why tasks that may not start twice cannot start. */
  readonly refusal?: string;
  /** Nothing counts as recorded before `record` is called. */
  readonly isSlow?: boolean;
  /** The number of the session. Default 1. */
  readonly session?: number;
}

export class ScriptedJournal implements RunJournal {
  readonly log: string[] = [];
  readonly facts = new Map<string, EndFacts | FinishFacts>();
  readonly attachments: TaskUpdateEvent[] = [];
  readonly #script: Script;
  readonly #ids = new Map<string, number>();
  readonly #paths: string[] = [];
  readonly #unused: Set<string>;
  readonly #listeners: (() => void)[] = [];
  #last = 0;
  #recorded = 0;

  constructor(script: Script = {}) {
    this.#script = script;
    this.#unused = new Set(script.knows?.map(([path]) => path));
  }

  get expectsMore(): boolean {
    return this.#unused.size > 0;
  }

  get session(): number {
    return this.#script.session ?? 1;
  }

  get refusal(): string | undefined {
    return this.#script.refusal;
  }

  get recorded(): number {
    return this.#script.isSlow === true ? this.#recorded : this.#last;
  }

  /** Everything so far is recorded. */
  record(): void {
    this.#recorded = this.#last;
    for (const listener of this.#listeners) listener();
  }

  onRecorded(listener: () => void): () => void {
    this.#listeners.push(listener);
    return () => {};
  }

  added(origin: TaskOrigin, tasks: readonly TaskInfo[]): Recall {
    this.#note(`added ${origin}: ${tasks.map(({ path }) => path).join(' ')}`);
    for (const { id, path } of tasks) {
      this.#ids.set(path, id);
      this.#paths[id] = path;
    }
    const { knows = [], guards = [], poisoned = [] } = this.#script;
    const isNew = new Set(tasks.map(({ path }) => path));
    const { late = [] } = this.#script;
    const known = knows.filter(([path]) => isNew.has(path) && !late.includes(path));
    for (const [path] of known) this.#unused.delete(path);
    const idOf = (path: string): number => this.#ids.get(path) as number;
    return {
      tasks: known.map(([path, each]) => this.#recalled(path, each)),
      guards: guards
        .filter(([owner]) => isNew.has(owner))
        .map(([owner, paths, resources]) => ({ owner: idOf(owner), tasks: paths.map(idOf), resources })),
      poisoned: tasks.some(({ id }) => id === 0) ? poisoned : [],
    };
  }

  recallRest(): Recall {
    const { knows = [] } = this.#script;
    const rest = knows.filter(([path]) => this.#unused.delete(path) && this.#ids.has(path));
    return { tasks: rest.map(([path, each]) => this.#recalled(path, each)), guards: [], poisoned: [] };
  }

  #recalled(path: string, known: Known): RecalledTask {
    return { ...whole, ...known, task: this.#ids.get(path) } as RecalledTask;
  }

  append(event: RunEvent, facts?: EndFacts | FinishFacts): number {
    const path = 'path' in event ? ` ${event.path}` : '';
    if (facts !== undefined && 'path' in event) this.facts.set(`${event.type} ${event.path}`, facts);
    return this.#note(`${event.type}${path}`);
  }

  attached(update: TaskUpdateEvent): void {
    this.attachments.push(update);
  }

  found(left: readonly LeftAttempt[]): void {
    for (const { path, state } of left) if (state === 'unstarted') this.#note(`found ${path} ${state}`);
  }

  intend(task: number, attempt: number): number {
    return this.#note(`intended ${this.#paths[task]} ${attempt}`);
  }

  unstarted(task: number, attempt: number): void {
    this.#note(`unstarted ${this.#paths[task]} ${attempt}`);
  }

  #note(line: string): number {
    this.log.push(line);
    this.#last++;
    return this.#last;
  }
}

/** Everything that a recalled task has, where the test does not say it. */
const whole = {
  ...{ earlier: [], from: { session: 1, isStale: false }, interruptions: 0, cleansUp: false },
  ...{ status: 'returned', attempts: [], findings: [], attachments: [], slow: false, provides: true },
  ...{ locksOk: true, value: undefined, provided: [], reason: [] },
} as const;
