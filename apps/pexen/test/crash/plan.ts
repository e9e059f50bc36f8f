/** A random suite for runs that are killed, as plain data. Everything follows from the seed. */

/** One task. Its body notes its start, signs of life, and its end in the ledger. */
export interface CrashTask {
  /** Its call path is `mod/x/NAME`, `prog/NAME.sh` or, for a service, `mod/services/NAME`. */
  readonly name: string;
  /** A service is a program that goes on while others need it. */
  readonly kind: 'module' | 'program' | 'service';
  /** Names of tasks. */
  readonly requires: readonly string[];
  readonly after: readonly string[];
  /** The name of the task that it tears down. */
  readonly tearsDown?: string;
  readonly uses: readonly string[];
  readonly claims: readonly string[];
  readonly isRerunnable: boolean;
  readonly retries: number;
  /** So many attempts fail before one succeeds. */
  readonly failures: number;
  /** Its failure leaves what it claims in an unknown state: programs only. */
  readonly breaks: boolean;
  readonly isInGroup: boolean;
  readonly ms: number;
}

export interface CrashPlan {
  readonly seed: number;
  readonly tasks: readonly CrashTask[];
}

/** Equal seeds, equal numbers: Mulberry32. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** From 0 up to 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  chance(share: number): boolean {
    return this.next() < share;
  }

  /** From 0 up to the limit, which is excluded. */
  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  oneOf<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)] as T;
  }

  someOf<T>(choices: readonly T[], share: number): T[] {
    return choices.filter(() => this.chance(share));
  }
}

const resources = ['/db', '/db/users', '/db/orders', '/net'] as const;

/** The suite of a seed: 14 to 26 tasks in three modules and a folder of programs. */
export function planOf(seed: number): CrashPlan {
  const random = new Random(seed);
  const tasks: CrashTask[] = [];
  const count = 10 + random.below(8);
  for (let index = 0; index < count; index++) {
    const isInGroup = random.chance(0.15);
    // If tasks outside depended on the group, it could have to wait for itself.
    const earlier = tasks.filter((task) => isInGroup || !task.isInGroup).map(({ name }) => name);
    tasks.push(randomTask(random, `t${index}`, earlier, isInGroup));
  }
  for (const { name, isInGroup } of random.someOf(tasks.slice(0, 6), 0.3))
    if (!isInGroup) tasks.push(plainTask(`stop-${name}`, { tearsDown: name, kind: random.oneOf(kinds) }));
  tasks.push(...brokenResource(random));
  return { seed, tasks: random.chance(0.7) ? withServices(random, tasks) : tasks };
}

/** One or two services that some tasks require, the second one on top of the first, and a task that cannot run while the first one is up. */
function withServices(random: Random, tasks: readonly CrashTask[]): CrashTask[] {
  const first = plainTask('s0', { kind: 'service', claims: ['/svc/s0'], ...startsOf(random) });
  const second = plainTask('s1', { kind: 'service', requires: ['s0'], ...startsOf(random) });
  const services = random.chance(0.4) ? [first, second] : [first];
  const required = services.map(({ name }) => name);
  const served = tasks.map((task) => {
    const canNeed = task.tearsDown === undefined && !task.breaks;
    const more = canNeed ? random.someOf(required, 0.25) : [];
    return { ...task, requires: [...task.requires, ...more] };
  });
  const visitor = plainTask('visitor', { kind: random.oneOf(kinds), claims: ['/svc'] });
  return [...services, ...served, ...(random.chance(0.4) ? [visitor] : [])];
}

function startsOf(random: Random): Pick<CrashTask, 'failures' | 'retries' | 'ms'> {
  const failures = random.chance(0.2) ? 1 : 0;
  return { failures, retries: failures, ms: 10 + random.below(80) };
}

const kinds = ['module', 'program'] as const;

function randomTask(random: Random, name: string, earlier: readonly string[], isInGroup: boolean): CrashTask {
  const failures = random.chance(0.2) ? 1 + random.below(2) : 0;
  const claims = random.chance(0.3) ? [random.oneOf(resources)] : [];
  return plainTask(name, {
    kind: random.oneOf(kinds),
    requires: random.someOf(earlier, 1.5 / (1 + earlier.length)),
    after: random.someOf(earlier, 0.3 / (1 + earlier.length)),
    uses: claims.length === 0 && random.chance(0.4) ? [random.oneOf(resources)] : [],
    claims,
    isRerunnable: random.chance(0.9),
    retries: random.chance(0.4) ? 1 + random.below(2) : 0,
    failures,
    isInGroup,
    ms: 10 + random.below(80),
  });
}

/** A program that leaves a resource in an unknown state, and a task that would have used it. */
function brokenResource(random: Random): CrashTask[] {
  if (random.chance(0.5)) return [];
  const claims = ['/broken'];
  const breaks = plainTask('breaks', { kind: 'program', claims, failures: 9, breaks: true });
  return [breaks, plainTask('wants-broken', { after: ['breaks'], uses: ['/broken'] })];
}

function plainTask(name: string, given: Partial<CrashTask>): CrashTask {
  return {
    ...{ name, kind: 'module', requires: [], after: [], uses: [], claims: [], isRerunnable: true },
    ...{ retries: 0, failures: 0, breaks: false, isInGroup: false, ms: 30 },
    ...given,
  };
}

/** The call path of a task. */
export function pathOf({ kind, name }: CrashTask): string {
  if (kind === 'service') return `mod/services/${name}`;
  return kind === 'module' ? `mod/${moduleOf(name)}/${name}` : `prog/${name}.sh`;
}

/** The names of all that the task requires, also through others. */
export function needsOf({ requires }: CrashTask, tasks: readonly CrashTask[]): ReadonlySet<string> {
  const needed = new Set(requires);
  for (const name of needed)
    for (const other of tasks.find((task) => task.name === name)?.requires ?? []) needed.add(other);
  return needed;
}

/** The module that a task is in: one of two. */
export function moduleOf(name: string): 'x' | 'y' {
  return name.charCodeAt(name.length - 1) % 2 === 0 ? 'x' : 'y';
}

/** May these two never run at the same time? Services stay up beside a group that needs them. */
export function conflict(one: CrashTask, other: CrashTask, tasks: readonly CrashTask[]): boolean {
  const holds = (task: CrashTask) => [...task.uses, ...task.claims];
  const isBesideGroup = ({ kind, name }: CrashTask): boolean =>
    kind === 'service' && tasks.some((task) => task.isInGroup && needsOf(task, tasks).has(name));
  const isApart = one.isInGroup !== other.isInGroup && !isBesideGroup(one) && !isBesideGroup(other);
  return (
    isApart ||
    one.claims.some((node) => holds(other).some((held) => overlaps(node, held))) ||
    other.claims.some((node) => holds(one).some((held) => overlaps(node, held)))
  );
}

function overlaps(one: string, other: string): boolean {
  return one === other || one.startsWith(`${other}/`) || other.startsWith(`${one}/`);
}
