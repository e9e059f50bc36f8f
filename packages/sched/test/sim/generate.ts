/** Makes a scenario of a seed. The probabilities themselves are drawn first, so that each seed has a character of its own. */
import { Random } from './random.ts';
import type {
  AttemptScript,
  NodeSpec,
  OnSpec,
  PoolSpec,
  RequirementSpec,
  Scenario,
  TaskSpec,
} from './scenario.ts';

const resources = ['db', 'disk', '/net', '/net/ipv4', '/net/ipv4/forward', '/net/ipv6', '/', 'cpu', 'mem'];
const capacities = [
  ['cpu', 3],
  ['mem', 5],
] as const;

/** The probabilities of a seed. */
interface Character {
  readonly dependencies: number;
  readonly order: number;
  readonly locks: number;
  readonly failures: number;
  readonly groups: boolean;
  readonly limits: number;
  readonly retries: number;
  readonly oddities: number;
  readonly resources: readonly string[];
}

/** From this seed on every scenario has services. */
export const firstWithServices = 2 ** 30;

/** From this seed on most pools of a scenario have nodes, and every other scenario has services. */
export const firstWithNodes: number = 2 ** 30 + 2 ** 29;
/** From this seed on every scenario has tasks that need locks of other runs. */
export const firstWithRuns = 2 ** 31;

export function generate(seed: number): Scenario {
  if (seed >= firstWithRuns) return withRuns(seed - firstWithRuns, seed);
  const scenario = generateTasks(seed);
  if (seed < firstWithServices) return scenario;
  const random = new Random(seed ^ 0x5e71c3);
  if (seed < firstWithNodes) return withServices(scenario, random);
  return withNodes(seed % 2 === 0 ? scenario : withServices(scenario, random), new Random(seed ^ 0x40de5));
}

/** Gives pools nodes, and has tasks ask for what some of them have. */
function withNodes(scenario: Scenario, random: Random): Scenario {
  const troubles = random.chance(0.6) ? random.next() * 0.6 : 0;
  const asking = random.pick([0.1, 0.4, 0.8]);
  const pools = scenario.pools.map((pool) => {
    if (!random.chance(0.8)) return pool;
    const nodes = Array.from({ length: random.int(1, 5) }, (_, at) => drawNode(random, `n${at}`, troubles));
    return { ...pool, changes: [], nodes };
  });
  const ask = (task: TaskSpec): TaskSpec => {
    const name = task.group ?? task.pool ?? 'default';
    const { nodes } = pools.find((pool) => pool.name === name) as PoolSpec;
    if (nodes === undefined || !random.chance(asking)) return task;
    return { ...task, on: drawOn(random, nodes) };
  };
  return {
    ...{ ...scenario, pools, tasks: scenario.tasks.map(ask) },
    additions: scenario.additions.map((addition) => ({ ...addition, tasks: addition.tasks.map(ask) })),
  };
}

function drawNode(random: Random, name: string, troubles: number): NodeSpec {
  const whats = [0, 1, random.int(0, 4), 'leaves', 'boots'] as const;
  return {
    name,
    properties: { arch: random.pick(['x64', 'arm']), disk: random.pick(['ssd', 'hdd']) },
    slots: random.int(1, 4),
    joinsAtMs: random.chance(troubles) ? random.int(1, 80) : 0,
    changes: Array.from({ length: random.chance(troubles) ? random.int(1, 4) : 0 }, () => {
      return [random.int(1, 120), random.pick(whats)] as const;
    }),
  };
}

function drawOn(random: Random, nodes: readonly NodeSpec[]): OnSpec {
  const property = random.pick(['arch', 'disk']);
  return { property, is: random.pick(nodes).properties[property] as string };
}

/** Other runs hold what some of the tasks need. No session is cut: a later one asks the other runs again, as the first one did. */
function withRuns(base: number, seed: number): Scenario {
  const random = new Random(seed ^ 0x7a11);
  const { cutAfter: _, ...scenario } = generate(
    base + random.pick([0, 0, firstWithServices, firstWithNodes]),
  );
  const share = random.pick([0.2, 0.5, 1]);
  const mark = (task: TaskSpec): TaskSpec => {
    const holds = task.uses.length + task.claims.length + task.amounts.length > 0;
    return holds && random.chance(share) ? { ...task, acrossRuns: true } : task;
  };
  return {
    ...{ ...scenario, seed, tasks: scenario.tasks.map(mark) },
    additions: scenario.additions.map((addition) => ({ ...addition, tasks: addition.tasks.map(mark) })),
  };
}

function generateTasks(seed: number): Scenario {
  const cut = new Random(seed ^ 0xc071); // not of those that make the rest: seeds make what they made before
  const scenario = drawScenario(seed);
  return cut.chance(0.2) ? { ...scenario, cutAfter: cut.int(1, 60) } : scenario;
}

function drawScenario(seed: number): Scenario {
  const chance = new Random(seed ^ 0x57ea); // not of the one below: all other seeds make what they made before
  if (chance.chance(0.06)) return drawStream(seed, chance);
  if (chance.chance(0.04)) return drawRenewals(seed, chance);
  const random = new Random(seed);
  const character = drawCharacter(random);
  const count = random.chance(0.3) ? random.int(1, 6) : random.int(1, 40);
  const pools = drawPools(random, character);
  const all = drawTasks(random, character, count, pools, 0);
  const isGrowing = random.chance(0.25);
  const additions = isGrowing ? drawAdditions(random, character, pools, all) : [];
  return {
    seed,
    tasks: all,
    additions,
    pools,
    capacities,
    bypasses: random.pick([1, 2, 4, 64]),
    latecomers: random.pick([1, 2, 4, 512]),
    pausesMs: random.chance(0.5) ? [0] : Array.from({ length: 5 }, () => random.pick([0, 0, 1, 5, 50])),
    endings: random.chance(0.25) ? drawEndings(random) : [],
    pulls: random.chance(0.1) ? random.int(2, 4) : 1,
    faults: {
      duplicate: random.chance(0.3) ? 0.2 : 0,
      batch: random.chance(0.5) ? 0.4 : 0,
      earlyAlarm: random.chance(0.2) ? 0.2 : 0,
    },
    ...(random.chance(0.05) && drawStuckPools(random, pools)),
  };
}

/** Makes services of some of the tasks, and has others require them. */
function withServices(scenario: Scenario, random: Random): Scenario {
  const share = random.pick([0.1, 0.2, 0.4]);
  const troubles = random.chance(0.5) ? random.next() * 0.6 : 0;
  const needs = random.next() * 0.6;
  const conflicts = random.chance(0.5) ? random.next() : 0.2;
  const services: string[] = [];
  const convert = (task: TaskSpec): TaskSpec => {
    const canServe = task.group === undefined && task.salvages.length + task.tearsDown.length === 0;
    const wanted = services.filter(() => random.chance(needs / Math.max(1, services.length / 2)));
    const requires = [...task.requires, ...drawNeeds(random, wanted)];
    if (!canServe || !random.chance(share)) return { ...task, requires };
    services.push(task.name);
    const { cleanup: _, ...rest } = task;
    const holds = random.chance(conflicts) ? {} : { uses: [], claims: [], amounts: [] };
    return {
      ...{ ...rest, ...holds, requires, exclusive: false, rerunnable: true },
      service: { restarts: random.pick([0, 0, 1, 3]), killsOnStop: random.chance(0.3) },
      script: Array.from({ length: random.int(1, 4) }, () => drawService(random, troubles)),
    };
  };
  return {
    ...scenario,
    tasks: scenario.tasks.map(convert),
    additions: scenario.additions.map((addition) => ({ ...addition, tasks: addition.tasks.map(convert) })),
  };
}

function drawNeeds(random: Random, names: readonly string[]): RequirementSpec[] {
  const [first, second, ...rest] = names;
  if (first === undefined || second === undefined || random.chance(0.6)) return names.map(one);
  const form = random.pick(['any-of', 'every', 'at-least'] as const);
  return [{ form, names: [first, second], count: random.int(1, 3) }, ...rest.map(one)];
}

function drawService(random: Random, troubles: number): AttemptScript {
  const bad = ['returned', 'failed', 'threw', 'skipped-itself', 'crashed', 'lost'] as const;
  const whenStopped = ['stops', 'stops', 'returns', 'stops', 'fails', 'throws', 'skips', 'ignores'] as const;
  return {
    ...{ ends: random.chance(troubles) ? random.pick(bad) : 'hangs', durationMs: random.int(0, 60) },
    ...{ depsOk: true, locksOk: random.chance(0.6), whenStopped: random.pick(whenStopped) },
    ...{ isQuiet: random.chance(0.5), returnedUnstarted: random.chance(troubles * 0.2) ? 1 : 0 },
    readyMs: random.pick([0, 0, 1, random.int(0, 30)]),
  };
}

/** Pools that are never opened, and an ending, because such a run ends in no other way. */
function drawStuckPools(random: Random, pools: readonly PoolSpec[]): Pick<Scenario, 'pools' | 'endings'> {
  const how = random.pick(['cancel', 'kill'] as const);
  return {
    pools: pools.map((pool) => ({ ...pool, neverOpens: random.chance(0.6) })),
    endings: [...drawEndings(random), { how, atMs: random.int(0, 200) }],
  };
}

/** Some tasks wait for a resource that other tasks take which are added again and again, most of them better. */
function drawStream(seed: number, random: Random): Scenario {
  const calm = { dependencies: 0, order: 0, failures: 0, groups: false, limits: 0, retries: 0, oddities: 0 };
  const character = { ...calm, locks: 0, resources };
  const pool = {
    ...(drawPools(random, character)[0] as PoolSpec),
    slots: random.int(2, 4),
    changes: [],
    fails: false,
  };
  const [resource] = random.some(['db', '/net'], 1);
  const make = (name: string, waits: boolean): TaskSpec => {
    const { pool: _, ...task } = drawTask(random, character, name, { ...alone, pools: [pool] });
    const [attempt] = task.script as [AttemptScript];
    const script = [{ ...attempt, durationMs: random.int(1, 20) }];
    const held = waits ? { claims: [resource ?? 'db'] } : { uses: [resource ?? 'db'] };
    return { ...task, ...held, script, priority: waits ? 0 : random.pick([-1, -1, -1, 0]) };
  };
  const many = (count: number, from: number, waits: boolean): TaskSpec[] =>
    Array.from({ length: count }, (_, index) => make(`t${from + index}`, waits));
  return {
    ...{ seed, capacities, pools: [pool], pausesMs: [0], endings: [], pulls: random.int(1, 3) },
    tasks: [...many(random.int(1, 3), 0, false), ...many(random.int(1, 3), 10, true)],
    additions: Array.from({ length: 12 }, (_, index) => ({
      afterResults: index + 1,
      tasks: many(random.int(1, 3), 1100 + 100 * index, random.chance(0.1)),
    })),
    ...{ bypasses: random.pick([2, 4, 64]), latecomers: random.pick([1, 2, 4]) },
    faults: { duplicate: 0, batch: 0, earlyAlarm: 0 },
  };
}

/**
 * What is provided is torn down and provided again, while later tasks have the same requirements as earlier ones. Tasks are named before
 * they are added; some additions are refused for that.
 */
function drawRenewals(seed: number, random: Random): Scenario {
  const maybe = (most: number) => (random.chance(0.5) ? random.next() * most : 0);
  const calm = { dependencies: 0, order: 0, locks: 0, groups: false, limits: 0, oddities: 0, resources };
  const character = { ...calm, failures: maybe(0.4), retries: maybe(0.3) };
  const pools = drawPools(random, character).slice(0, 1);
  const capabilities = ['c0', 'c1'].slice(0, random.int(1, 3));
  const wanted = Array.from({ length: random.int(1, 3) }, (): RequirementSpec => {
    const form = random.pick(['any-of', 'every', 'every', 'at-least'] as const);
    return { form, names: ['c0', ...random.some(capabilities.slice(1), 1)], count: random.int(1, 3) };
  });
  const additions = random.int(3, 9);
  const gives = (task: TaskSpec) => ({ ...task, provides: [random.pick(capabilities)] });
  const needs = (task: TaskSpec) => ({ ...task, requires: [{ ...random.pick(wanted) }] });
  const tearsDown = (task: TaskSpec) => ({ ...task, tearsDown: [random.pick(capabilities)] });
  const names = (task: TaskSpec) => {
    const how = random.pick(['requires', 'after', 'before', 'salvages'] as const);
    const later = `t${1100 + 100 * random.int(0, additions)}`;
    return { ...task, [how]: how === 'requires' ? [one(later)] : [later] };
  };
  const many = (from: number, roles: readonly ((task: TaskSpec) => TaskSpec)[]): TaskSpec[] =>
    roles.map((role, index) => role(drawTask(random, character, `t${from + index}`, { ...alone, pools })));
  const draw = (): TaskSpec => drawTask(random, character, 't0', { ...alone, pools });
  return {
    ...{ seed, capacities, pools, bypasses: 64, latecomers: 512, pulls: random.pick([1, 1, 2]) },
    tasks: [
      { ...draw(), provides: capabilities },
      ...many(1000, [needs, ...random.some([needs, tearsDown], 2)]),
    ],
    additions: Array.from({ length: additions }, (_, index) => ({
      afterResults: 1 + index + random.int(0, 3),
      tasks: many(
        1100 + 100 * index,
        random.pick([[tearsDown], [gives, needs], [gives, needs, names], [needs, names], [names]]),
      ),
    })),
    pausesMs: [random.pick([0, 1, 5])],
    endings: [],
    faults: { duplicate: 0, batch: random.pick([0, 0.4]), earlyAlarm: 0 },
  };
}

function drawEndings(random: Random): Scenario['endings'] {
  return Array.from({ length: random.chance(0.3) ? random.int(2, 4) : 1 }, () => {
    return { how: random.pick(['drain', 'cancel', 'cancel', 'kill'] as const), atMs: random.int(0, 200) };
  });
}

function drawCharacter(random: Random): Character {
  const maybe = (most: number) => (random.chance(0.5) ? random.next() * most : 0);
  return {
    dependencies: maybe(0.8),
    order: maybe(0.3),
    locks: maybe(1),
    failures: maybe(0.5),
    groups: random.chance(0.25),
    limits: maybe(0.4),
    retries: maybe(0.6),
    oddities: maybe(0.2),
    resources: random.chance(0.4) ? random.some(resources, 2) : resources,
  };
}

function drawPools(random: Random, { groups }: Character): PoolSpec[] {
  const pool = (name: string, isGroup: boolean): PoolSpec => ({
    name,
    isGroup,
    exclusive: isGroup && random.chance(0.8),
    slots: random.int(1, 5),
    spare: random.pick([0, 0, 1, 3]),
    opensInMs: random.pick([0, 0, 3]),
    fails: random.chance(0.01),
    neverOpens: false,
    kills: random.chance(0.7),
    changes: random.chance(0.2) ? [[random.int(0, 60), random.int(0, 5)]] : [],
  });
  const names = random.chance(0.3) ? ['default', 'other'] : ['default'];
  return [
    ...names.map((name) => pool(name, false)),
    ...(groups ? ['g1', 'g2'].map((name) => pool(name, true)) : []),
  ];
}

/** Capability `ck` is provided by tasks before its cut only and required by later ones only: there are never cycles. */
function drawTasks(
  random: Random,
  character: Character,
  count: number,
  pools: readonly PoolSpec[],
  offset: number,
): TaskSpec[] {
  const cuts = Array.from({ length: random.int(1, 6) }, (_, index) => ({
    name: `c${offset}-${index}`,
    cut: random.int(1, count + 1),
  }));
  const groupOf = drawGroups(random, pools, count);
  const tasks = Array.from({ length: count }, (_, index) => {
    const earlier = Array.from({ length: index }, (_, at) => `t${offset + at}`);
    const later = Array.from({ length: count - index - 1 }, (_, at) => `t${offset + index + 1 + at}`);
    const provides = cuts.filter(({ cut }) => index < cut && random.chance(0.3)).map(({ name }) => name);
    return drawTask(random, character, `t${offset + index}`, {
      earlier,
      later,
      provides,
      pools,
      group: groupOf(index),
    });
  });
  const provided = new Set(tasks.flatMap(({ provides }) => provides));
  const linked = tasks.map((task, index) => {
    const names = cuts.filter(({ name, cut }) => index >= cut && provided.has(name)).map(({ name }) => name);
    const before = random.chance(character.order * 0.3) ? [random.pick(cuts).name] : [];
    return {
      ...task,
      before: [...task.before, ...before],
      requires: [...task.requires, ...drawRequirements(random, character, names)],
    };
  });
  const single = random.chance(character.oddities) ? [`t${offset + random.int(0, count)}`] : [];
  const torn = cuts.map(({ name }) => name).filter((name) => provided.has(name) && random.chance(0.15));
  return [
    ...linked,
    ...[...torn, ...single].map((name, index, all) => {
      const more = random.chance(0.2) ? random.some(all, 2).filter((other) => other !== name) : [];
      return drawTeardown(random, character, `t${offset + count + index}`, [name, ...more]);
    }),
  ];
}

/** Added tasks may be related to earlier ones in every way. */
function drawAdditions(
  random: Random,
  character: Character,
  pools: readonly PoolSpec[],
  before: readonly TaskSpec[],
): Scenario['additions'] {
  const openPools = pools.filter(({ isGroup }) => !isGroup);
  const count = before.length;
  const known = [...before];
  const moments = Array.from({ length: random.int(1, 4) }, () => random.int(1, count + 1)).sort(
    (a, b) => a - b,
  );
  return moments.map((afterResults, index) => {
    const drawn = drawTasks(random, character, random.int(1, 6), openPools, 1100 + 100 * index);
    const ties = random.chance(0.7) ? random.next() : 0;
    const tasks = drawn.map((task) => tie(random, character, task, known, ties));
    known.push(...tasks);
    return { afterResults, tasks };
  });
}

/** Relates the task to earlier ones. */
function tie(
  random: Random,
  character: Character,
  task: TaskSpec,
  known: readonly TaskSpec[],
  ties: number,
): TaskSpec {
  const capabilities = [...new Set(known.flatMap(({ provides }) => provides))];
  const names = known.map(({ name }) => name);
  const more = (from: readonly string[], chance: number) =>
    random.chance(ties * chance) ? random.some(from, 2) : [];
  const requires = [
    ...task.requires,
    ...more(names, 0.5).map(one),
    ...drawRequirements(random, { ...character, dependencies: ties }, random.some(capabilities, 2)),
  ];
  const provides = [...new Set([...task.provides, ...more(capabilities, 0.4)])];
  const canTearDown = capabilities.length > 0 && task.tearsDown.length === 0 && task.group === undefined;
  return {
    ...task,
    requires,
    provides,
    after: [...task.after, ...more([...names, ...capabilities], 0.2)],
    before: [...task.before, ...more([...names, ...capabilities], 0.2)],
    salvages: [...task.salvages, ...more(names, 0.1)],
    ...(canTearDown && random.chance(ties * 0.15) && { tearsDown: random.some(capabilities, 2) }),
  };
}

function drawRequirements(
  random: Random,
  { dependencies }: Character,
  names: readonly string[],
): RequirementSpec[] {
  return names
    .filter(() => random.chance(dependencies * 0.5))
    .map((name) => {
      const form = random.pick(['one', 'one', 'any-of', 'every', 'at-least'] as const);
      if (form === 'one') return one(name);
      return {
        form,
        names: [
          name,
          ...random.some(
            names.filter((other) => other !== name),
            2,
          ),
        ],
        count: random.int(1, 3),
      };
    });
}

function drawGroups(
  random: Random,
  pools: readonly PoolSpec[],
  count: number,
): (index: number) => string | undefined {
  const groups = pools.filter(({ isGroup }) => isGroup).map(({ name }) => name);
  const from = random.int(0, count);
  const ends = groups.map(
    (_, index) => from + Math.floor(((count - from) * (index + 1)) / (groups.length + 1)),
  );
  return (index) => (index < from ? undefined : groups.find((_, at) => index < (ends[at] ?? 0)));
}

const alone = { earlier: [], later: [], provides: [], group: undefined };

interface Around {
  readonly earlier: readonly string[];
  readonly later: readonly string[];
  readonly provides: readonly string[];
  readonly pools: readonly PoolSpec[];
  readonly group: string | undefined;
}

function drawTask(
  random: Random,
  character: Character,
  name: string,
  { earlier, later, provides, pools, group }: Around,
): TaskSpec {
  const { dependencies, order, limits, retries, oddities } = character;
  const ordered = (names: readonly string[]) => (random.chance(order) ? random.some(names, 2) : []);
  const plainPools = pools.filter(({ isGroup }) => !isGroup).map((pool) => pool.name);
  return {
    name,
    requires: random.chance(dependencies) ? random.some(earlier, 2).map(one) : [],
    provides,
    after: ordered(earlier),
    before: random.chance(0.3) ? ordered(later) : [],
    salvages: random.chance(oddities) ? random.some(earlier, 2) : [],
    tearsDown: [],
    ...drawLocks(random, character),
    exclusive: random.chance(oddities * 0.5),
    priority: random.pick([0, 0, 0, -1, 1]),
    ...(random.chance(0.5) && { weight: random.int(1, 50) }),
    ...(group !== undefined && { group }),
    ...(group === undefined &&
      random.chance(0.3) && { pool: random.pick(plainPools.slice(1).concat(plainPools.slice(1))) }),
    ...(random.chance(limits) && { timeout: random.int(1, 30) }),
    ...(random.chance(limits) && { idleTimeout: random.int(1, 30) }),
    grace: random.int(0, 20),
    retries: random.chance(retries) ? random.int(1, 3) : 0,
    delay: random.pick([0, 0, 5, 20]),
    rerunnable: random.chance(0.3),
    ...(random.chance(0.15) && { cleanup: drawAttempt(random, character) }),
    applies: !random.chance(oddities * 0.2),
    script: Array.from({ length: random.int(1, 4) }, () => drawAttempt(random, character)),
  };
}

function drawTeardown(
  random: Random,
  character: Character,
  name: string,
  tearsDown: readonly string[],
): TaskSpec {
  const plain = drawTask(random, { ...character, dependencies: 0, order: 0, oddities: 0 }, name, {
    ...{ earlier: [], later: [], provides: [], group: undefined },
    pools: [{ name: 'default' } as PoolSpec],
  });
  return { ...plain, tearsDown };
}

function drawLocks(
  random: Random,
  { locks, resources: known }: Character,
): Pick<TaskSpec, 'uses' | 'claims' | 'amounts'> {
  if (!random.chance(locks)) return { uses: [], claims: [], amounts: [] };
  const uses = random.some(
    known.filter((name) => name !== '/'),
    3,
  );
  const claims = random.chance(0.5)
    ? random.some(
        known.filter((name) => !uses.includes(name)),
        2,
      )
    : [];
  const taken = new Set([...uses, ...claims]);
  const amounts = capacities
    .filter(([name]) => !taken.has(name) && random.chance(0.2))
    .map(([name, most]) => [name, random.int(1, most + 1)] as const);
  return { uses, claims, amounts };
}

function drawAttempt(random: Random, { failures, oddities }: Character): AttemptScript {
  const bad = ['failed', 'failed', 'threw', 'threw', 'skipped-itself', 'crashed', 'lost', 'hangs'] as const;
  return {
    ends: random.chance(failures) ? random.pick(bad) : 'returned',
    durationMs: random.pick([0, 0, 1, random.int(0, 40)]),
    depsOk: random.chance(0.6),
    locksOk: random.chance(0.6),
    whenStopped: random.pick(['stops', 'stops', 'returns', 'fails', 'throws', 'skips', 'ignores'] as const),
    isQuiet: random.chance(0.5),
    returnedUnstarted: random.chance(oddities * 0.5) ? random.int(1, 3) : 0,
  };
}

function one(name: string): RequirementSpec {
  return { form: 'one', names: [name], count: 1 };
}
