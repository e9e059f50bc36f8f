/** Random suites as plain data, of which each session makes its own tasks. Their bodies do what the data says, so that results are comparable. */

import type { AnyBodyContext, Digest, DigestedTask } from '@pexen/core';
import {
  anyOf,
  atLeast,
  type Capability,
  every,
  type Key,
  key,
  type Requirement,
  service,
  type Task,
  TaskFailError,
  task,
} from '@pexen/sched';
import type { FileSetDigester } from '../../src/index.ts';
import { Random } from '../resume/random.ts';

/** How an attempt ends. `given` fails, and lets dependents run. */
type End = 'returns' | 'fails' | 'given' | 'throws' | 'skips';

export interface TaskSpec {
  readonly name: string;
  readonly requires: readonly {
    readonly form: 'one' | 'any' | 'every' | 'two';
    readonly of: readonly string[];
  }[];
  readonly salvages: readonly string[];
  readonly tearsDown: readonly string[];
  readonly after: readonly string[];
  readonly uses: readonly string[];
  readonly claims: readonly string[];
  readonly retries: number;
  readonly rerunnable: boolean;
  readonly scope: 'run' | 'boot' | 'process';
  /** The end of each attempt; the last one is repeated. */
  readonly ends: readonly End[];
  readonly hasCleanup: boolean;
  readonly hasKey: boolean;
  readonly group: string | undefined;
  /** How many turns of the event loop the body takes. */
  readonly turns: number;
  /** Its value cannot be stored. */
  readonly isLost: boolean;
  /** It asks for a reboot of the machine until there were so many. */
  readonly reboots: number;
  /** The reboot is ordered by a command. Otherwise the caller of the session is asked to do it. */
  readonly isByCommand: boolean;
  /** It goes on until no task needs it. */
  readonly isService: boolean;
  /** Counts the edits of its body. */
  readonly version: number;
  /** The loop adds it when this task has a result. */
  readonly addedAfter: string | undefined;
}

export interface SuiteSpec {
  readonly seed: number;
  readonly slots: number;
  readonly tasks: readonly TaskSpec[];
}

/** What happened in bodies and cleanups. */
export interface Happening {
  readonly session: number;
  readonly path: string;
  readonly attempt: number;
  readonly what: 'intended' | 'start' | 'end' | 'asks' | 'cleanup' | 'cleaned';
  /** At a start: how often the machine was rebooted for the task, as its body sees it. */
  readonly rebootCount?: number;
}

const ends: readonly End[] = [
  ...(['returns', 'returns', 'returns', 'returns', 'returns', 'returns'] as const),
  ...(['fails', 'given', 'throws', 'skips'] as const),
];
const resources = ['/r', '/r/s', '/r/t', 'p', 'q'];

/** Equal seeds, equal suites. */
export function randomSuite(seed: number): SuiteSpec {
  const random = new Random(seed);
  const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].slice(0, 3 + random.below(6));
  const tasks: TaskSpec[] = [];
  const isLoop = random.chance(0.3);
  for (const name of names) {
    const others = tasks.map((each) => each.name);
    const addedAfter = isLoop && others.length > 0 && random.chance(0.4) ? random.oneOf(others) : undefined;
    // A task can only name tasks that are there when it is added.
    const there = tasks.filter((each) => each.addedAfter === undefined || each.addedAfter === addedAfter);
    tasks.push({
      ...randomTask(
        random,
        name,
        there.map((each) => each.name),
      ),
      addedAfter,
    });
  }
  // A task that the loop adds later may find what it requires torn down, with or without cuts.
  const late = tasks.flatMap(({ addedAfter, requires }) =>
    requires.flatMap(({ of }) => of).filter((each) => addedAfter !== undefined && addedAfter !== each),
  );
  for (const name of random.someOf(names, 0.25).filter((each) => !late.includes(each))) {
    const spec = plainTask(random, `stop-${name}`);
    const { addedAfter } = tasks.find((each) => each.name === name) as TaskSpec;
    tasks.push({ ...spec, tearsDown: [name], addedAfter, claims: random.someOf(resources, 0.1) });
  }
  return { seed, slots: 1 + random.below(3), tasks };
}

function plainTask(random: Random, name: string): TaskSpec {
  return {
    ...{ name, requires: [], salvages: [], tearsDown: [], after: [], uses: [], claims: [], retries: 0 },
    ...{ rerunnable: random.chance(0.7), scope: 'run', ends: ['returns'], hasCleanup: false, hasKey: false },
    ...{ group: undefined, turns: random.below(4), isLost: false, addedAfter: undefined },
    ...{ reboots: 0, isByCommand: false, isService: false, version: 0 },
  };
}

/** A random suite; in a quarter of them, some tasks ask for reboots. These run alone, and may start twice. */
export function suiteWithReboots(seed: number): SuiteSpec {
  const suite = randomSuite(seed);
  const random = new Random(suite.seed + 2_000_000);
  if (!random.chance(0.25)) return suite;
  const tasks = suite.tasks.map((spec): TaskSpec => {
    const scope = spec.scope === 'run' && random.chance(0.2) ? 'boot' : spec.scope;
    if (spec.tearsDown.length > 0 || !random.chance(0.4)) return { ...spec, scope };
    const asks = { reboots: 1 + random.below(2), isByCommand: random.chance(0.5) };
    return { ...spec, ...asks, scope, rerunnable: true, group: undefined };
  });
  return { ...suite, tasks };
}

/** A random suite in which some tasks are services. */
export function suiteWithServices(seed: number): SuiteSpec {
  const suite = randomSuite(seed);
  const random = new Random(seed + 3_000_000);
  const ended = new Set(
    suite.tasks.flatMap(({ salvages, tearsDown, after }) => [...salvages, ...tearsDown, ...after]),
  );
  const tasks = suite.tasks.map((spec): TaskSpec => {
    const { name, salvages, tearsDown, addedAfter } = spec;
    const isOther = salvages.length + tearsDown.length > 0 || ended.has(name) || addedAfter !== undefined;
    if (isOther || !random.chance(0.4)) return spec;
    return {
      ...{ ...spec, isService: true, after: [], ends: ['returns'], hasCleanup: false, isLost: false },
      ...{ group: undefined, scope: 'process', rerunnable: true, retries: 0 },
    };
  });
  return { ...suite, tasks };
}

function randomTask(random: Random, name: string, before: readonly string[]): TaskSpec {
  const requires = randomRequirements(random, before);
  const isSalvage = before.length > 0 && random.chance(0.1);
  const claims = random.someOf(resources, 0.15);
  return {
    ...plainTask(random, name),
    requires: isSalvage ? [] : requires,
    salvages: isSalvage ? random.someOf(before, 0.5) : [],
    after: random.someOf(before, 0.1),
    uses: random.someOf(resources, 0.15).filter((each) => !claims.some((other) => isNear(each, other))),
    claims: claims.filter((each, at) => !claims.slice(0, at).some((other) => isNear(each, other))),
    retries: random.below(3),
    scope: random.chance(0.12) ? 'process' : 'run',
    ends: [random.oneOf(ends), random.oneOf(ends), random.oneOf(ends)],
    hasCleanup: random.chance(0.4),
    hasKey: random.chance(0.4),
    group: random.chance(0.15) ? random.oneOf(['g1', 'g2']) : undefined,
    isLost: random.chance(0.05),
  };
}

/** What authors do to a suite while a run of it is interrupted: bodies behave otherwise, tasks go, and others come. */
export function editedSuite(suite: SuiteSpec, random: Random): SuiteSpec {
  const edited = suite.tasks.map((spec): TaskSpec => {
    if (!random.chance(0.3)) return spec;
    return { ...spec, version: spec.version + 1, ends: [random.oneOf(ends), random.oneOf(ends)] };
  });
  const named = new Set(
    edited.flatMap(({ requires, salvages, tearsDown, after, addedAfter = '' }) => [
      ...requires.flatMap(({ of }) => of),
      ...[...salvages, ...tearsDown, ...after, addedAfter],
    ]),
  );
  // That a task is gone which the loop had added shows only at the end of a run: until then, what it held is not in an unknown state.
  const left = edited.filter(
    ({ name, addedAfter }) => named.has(name) || addedAfter !== undefined || !random.chance(0.15),
  );
  const there = left.filter(({ addedAfter }) => addedAfter === undefined).map(({ name }) => name);
  if (there.length === 0 || !random.chance(0.4)) return { ...suite, tasks: left };
  const of = [random.oneOf(there)];
  const isNew = plainTask(random, `new-${random.below(100_000)}`);
  const rerunnable = isNew.rerunnable || left.every((each) => each.rerunnable);
  return { ...suite, tasks: [...left, { ...isNew, rerunnable, requires: [{ form: 'one', of }] }] };
}

/** Sees the edits of bodies, and nothing else. */
export function digesterOf({ tasks }: SuiteSpec): FileSetDigester {
  const versions = new Map(tasks.map(({ name, version }) => [name, version]));
  const codeOf = ({ definition: { meta } }: DigestedTask): Digest => `code ${versions.get(meta.name ?? '')}`;
  return {
    loaded: () => {},
    codeOf,
    digestsOf: (task) => ({ meaning: 'the same', code: codeOf(task), data: 'the same', limits: 'the same' }),
    fileSetOf: () => undefined,
    changedIn: () => [],
  };
}

function isNear(one: string, other: string): boolean {
  return `${one}/`.startsWith(`${other}/`) || `${other}/`.startsWith(`${one}/`);
}

function randomRequirements(random: Random, before: readonly string[]): TaskSpec['requires'] {
  return Array.from({ length: random.below(3) }, () => {
    const of = random.someOf(before, 0.4);
    const form = random.oneOf(['one', 'one', 'one', 'any', 'every', 'two'] as const);
    return { form, of: form === 'one' ? of.slice(0, 1) : of };
  }).filter(({ form, of }) => of.length > (form === 'two' ? 1 : 0));
}

/** Is told of what happens in bodies. */
export type Observe = (happening: Omit<Happening, 'session'>) => void;

/** The tasks of a suite, as one session makes them. */
export class SuiteTasks {
  readonly tasks = new Map<string, Task>();
  readonly #keys = new Map<string, Key<string>>();
  readonly #suite: SuiteSpec;
  readonly #observe: Observe;

  constructor(suite: SuiteSpec, observe: Observe) {
    this.#suite = suite;
    this.#observe = observe;
    for (const spec of suite.tasks)
      if (spec.hasKey) this.#keys.set(spec.name, key<string>(`key-${spec.name}`));
    for (const spec of suite.tasks) this.tasks.set(spec.name, this.#make(spec));
  }

  /** The tasks of the start, or those that follow from a result. */
  addedAfter(name: string | undefined): readonly Task[] {
    return this.#suite.tasks
      .filter(({ addedAfter }) => addedAfter === name)
      .map((spec) => this.tasks.get(spec.name) as Task);
  }

  #make(spec: TaskSpec): Task {
    const { name, retries, rerunnable, scope, group, claims, uses } = spec;
    const own = this.#keys.get(name);
    const keys = this.#requiredKeys(spec);
    const body = (context: AnyBodyContext) => this.#body(spec, context, own, keys);
    const meta = {
      ...{ name, retries, rerunnable, scope, claims, uses },
      requires: [...spec.requires.map((each) => this.#requirement(each)), ...keys.map(([, each]) => each)],
      ...(own !== undefined && { provides: [own] }),
      ...(spec.salvages.length > 0 && { salvages: spec.salvages.map((each) => this.#task(each)) }),
      ...(spec.tearsDown.length > 0 && { tearsDown: spec.tearsDown.map((each) => this.#task(each)) }),
      ...(spec.after.length > 0 && { after: spec.after.map((each) => this.#task(each)) }),
      ...(group !== undefined && { group }),
      ...(spec.reboots > 0 && { mayReboot: true }),
      ...(spec.hasCleanup && { cleanup: (context: AnyBodyContext) => this.#cleanup(spec, context) }),
    };
    if (!spec.isService) return task(meta as never, body as never) as Task;
    const { scope: _scope, rerunnable: _rerunnable, ...ofService } = meta;
    const goesOn = (context: AnyBodyContext & { readonly ready: () => void }) =>
      this.#service(spec, context, own);
    return service(ofService as never, goesOn as never) as Task;
  }

  /** Keys of tasks that are required by themselves. */
  #requiredKeys({ requires }: TaskSpec): readonly (readonly [string, Key<string>])[] {
    const names = requires.filter(({ form }) => form === 'one').flatMap(({ of }) => of);
    return [...new Set(names)].flatMap((each) => {
      const found = this.#keys.get(each);
      return found === undefined ? [] : [[each, found] as const];
    });
  }

  #requirement({ form, of }: TaskSpec['requires'][number]): Requirement {
    const members = of.map((each) => this.#task(each) as Capability);
    if (form === 'one') return members[0] as Capability;
    if (form === 'any') return anyOf(...members);
    return form === 'every' ? every(...members) : atLeast(2, ...members);
  }

  #task(name: string): Task {
    return this.tasks.get(name) as Task;
  }

  async #body(
    { name, ends: scripted, turns, isLost, reboots, isByCommand, version }: TaskSpec,
    context: AnyBodyContext,
    own: Key<string> | undefined,
    keys: readonly (readonly [string, Key<string>])[],
  ): Promise<unknown> {
    const { attempt, rebootCount } = context;
    this.#observe({ path: name, attempt, what: 'start', rebootCount });
    const seen = Object.fromEntries(keys.map(([each, received]) => [each, textOf(context.get(received))]));
    context.shared[name] = attempt;
    const provided = `${name}#${attempt} of version ${version}`;
    if (own !== undefined) context.set(own, isLost ? ((() => provided) as never) : provided);
    for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate);
    if (rebootCount < reboots) {
      this.#observe({ path: name, attempt, what: 'asks' });
      context.reboot(isByCommand ? { command: 'reboot' } : {});
    }
    this.#observe({ path: name, attempt, what: 'end' });
    return endOf(scripted[Math.min(attempt, scripted.length) - 1] ?? 'returns', context, {
      ...{ seen, attempt, version },
    });
  }

  async #service(
    { name, turns, version }: TaskSpec,
    { attempt, shared, set, signal, ready }: AnyBodyContext & { readonly ready: () => void },
    own: Key<string> | undefined,
  ): Promise<void> {
    this.#observe({ path: name, attempt, what: 'start', rebootCount: 0 });
    shared[name] = 'up';
    if (own !== undefined) set(own, `${name} of version ${version}`);
    for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate);
    ready();
    if (!signal.aborted)
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
    this.#observe({ path: name, attempt, what: 'end' });
  }

  async #cleanup({ name, turns }: TaskSpec, { attempt }: AnyBodyContext): Promise<void> {
    this.#observe({ path: name, attempt, what: 'cleanup' });
    if (turns > 1) await new Promise(setImmediate);
    this.#observe({ path: name, attempt, what: 'cleaned' });
  }
}

/** A value that cannot be stored is a function that returns it. */
function textOf(value: unknown): unknown {
  return typeof value === 'function' ? value() : value;
}

function endOf(end: End, context: AnyBodyContext, value: object): unknown {
  switch (end) {
    case 'returns':
      return { ...value, kinds: new Map([[1, undefined]]) };
    case 'fails':
      throw new TaskFailError('failed', { depsOk: false });
    case 'given':
      throw new TaskFailError('given', { depsOk: true });
    case 'throws':
      throw new Error('thrown');
    case 'skips':
      return context.skip('not here');
    default:
      return end satisfies never;
  }
}
