/** Makes a task of each test of a build: what its properties mean to the scheduler. Does not know how they were read, and how programs are started. */
import {
  type Amount,
  amount,
  type CallPath,
  executableTask,
  type MetaOrigin,
  type PlacedTask,
  place,
  type TaskMeta,
} from '@pexen/core';
import type { ListedTest } from './list-tests.ts';
import { TestRelations } from './relations.ts';
import { type Allocator, type Grant, resourceOf } from './resource-spec.ts';
import { type BodyFacts, bodyOf, graceMsOf, isLaunched } from './test-body.ts';

/** What all tests of a build have in common. */
export interface BuildFacts extends Omit<BodyFacts, 'generatedSpec'> {
  readonly under: CallPath;
  /** Undefined: there is no resource spec. */
  readonly allocator: Allocator | undefined;
  /** How many tasks run at the same time. */
  readonly workers: number;
  /** What users say of all tests. */
  readonly meta: TaskMeta;
  /** The limit of tests without TIMEOUT, ms. */
  readonly usualTimeoutMs: number | undefined;
}

/** The resource that is taken by PROCESSORS. */
const processors = 'processors';
/** Taken by tests whose resources are found out during the run: one at a time. */
const foundResources = 'ctest resources';

export class TestTasks {
  readonly #tests: readonly ListedTest[];
  readonly #build: BuildFacts;
  readonly #bodies: BodyFacts;
  readonly #relations: TestRelations;
  /** Some test takes more than one processor, so that all are counted. */
  readonly #countsProcessors: boolean;

  constructor(tests: readonly ListedTest[], build: BuildFacts) {
    this.#tests = tests;
    this.#build = build;
    this.#relations = new TestRelations(tests, build.under);
    this.#countsProcessors = tests.some(({ properties: { PROCESSORS = 1 } }) => PROCESSORS > 1);
    const specs = tests.map(({ properties }) => properties.GENERATED_RESOURCE_SPEC_FILE);
    this.#bodies = { ...build, generatedSpec: specs.find((file) => file !== undefined) };
  }

  /** Of the resources that the tests use by amount. */
  get capacities(): ReadonlyMap<string, number> {
    const { allocator, workers } = this.#build;
    const locks = this.#tests.flatMap(({ properties }) => properties.RESOURCE_LOCK);
    return new Map([
      ...(this.#countsProcessors ? [[processors, workers] as const] : []),
      ...(this.#bodies.generatedSpec === undefined ? [] : [[foundResources, 1] as const]),
      ...(allocator?.capacities() ?? []),
      ...locks.map((lock) => [lock, 1] as const),
    ]);
  }

  *all(): Generator<PlacedTask, void> {
    const seen = new Map<string, number>();
    for (const test of this.#tests) {
      const count = (seen.get(test.name) ?? 0) + 1;
      seen.set(test.name, count);
      yield this.#taskOf(test, count);
    }
  }

  /** `count`: how many tests of this name there were so far. */
  #taskOf(test: ListedTest, count: number): PlacedTask {
    const { under, meta } = this.#build;
    const grants = this.#allocate(test);
    const limitMs = this.#limitOf(test);
    const { folders, name } = placeOf(count === 1 ? test.name : `${test.name} (${count})`);
    const own: TaskMeta = {
      ...{ name, ...this.#relations.of(test, count === 1) },
      timeout: (isLaunched(test, this.#bodies) ? undefined : limitMs) ?? Number.POSITIVE_INFINITY,
      grace: graceMsOf(test) ?? meta.grace ?? 0,
      ...this.#metaOf(test, typeof grants === 'string' ? [] : (grants ?? [])),
    };
    const isAwaited = this.#relations.isAwaited(test);
    const body = bodyOf({ test, grants, limitMs, isAwaited }, this.#bodies);
    const { location } = test;
    const source = { nameKind: 'explicit', location, originOf: originIn(test) } as const;
    return place([...under, ...folders], executableTask(joined(meta, own), body, source));
  }

  #allocate({
    properties: { COST = 0, RESOURCE_GROUPS },
  }: ListedTest): readonly Grant[] | string | undefined {
    if (this.#bodies.generatedSpec !== undefined) return undefined;
    return this.#build.allocator?.allocate(RESOURCE_GROUPS, COST > 0 ? COST : 1);
  }

  /** Its time limit, ms; undefined: none. */
  #limitOf({ properties: { TIMEOUT } }: ListedTest): number | undefined {
    if (TIMEOUT !== undefined && TIMEOUT >= 0) return TIMEOUT === 0 ? undefined : TIMEOUT * 1000;
    return this.#build.meta.timeout ?? this.#build.usualTimeoutMs;
  }

  #metaOf({ properties }: ListedTest, grants: readonly Grant[]): TaskMeta {
    const { COST, DISABLED, LABELS, RUN_SERIAL } = properties;
    const uses = this.#usesOf(properties, grants);
    return {
      ...(uses.length > 0 && { uses }),
      ...(LABELS.length > 0 && { tags: LABELS }),
      ...(RUN_SERIAL === true && { exclusive: true }),
      ...(COST !== undefined && { weight: Math.max(0, COST * 1000) }),
      ...(DISABLED === true && { when: 'DISABLED is set' }),
    };
  }

  /** A lock is an amount of which there is one: a test that is killed leaves no lock behind in an unknown state. */
  #usesOf(properties: ListedTest['properties'], grants: readonly Grant[]): readonly Amount[] {
    const { PROCESSORS = 1, RESOURCE_LOCK, RESOURCE_GROUPS } = properties;
    const usesFound = this.#bodies.generatedSpec !== undefined && RESOURCE_GROUPS.length > 0;
    return [
      ...(this.#countsProcessors ? [amount(processors, Math.min(PROCESSORS, this.#build.workers))] : []),
      ...RESOURCE_LOCK.map((lock) => amount(lock, 1)),
      ...amountsOf(grants),
      ...(usesFound ? [amount(foundResources, 1)] : []),
    ];
  }
}

/** `Suite.Case/0` is the test `0` of `Suite.Case`. */
function placeOf(name: string): { readonly folders: readonly string[]; readonly name: string } {
  const parts = name.split('/');
  return parts.includes('')
    ? { folders: [], name }
    : { folders: parts.slice(0, -1), name: parts.at(-1) ?? name };
}

const lists = ['requires', 'after', 'before', 'provides', 'uses', 'claims', 'tags'] as const;

/** Own entries take precedence; those of lists are added. */
function joined(defaults: TaskMeta, own: TaskMeta): TaskMeta {
  const all = lists.map((entry) => [entry, [...(defaults[entry] ?? []), ...(own[entry] ?? [])]] as const);
  return { ...defaults, ...own, ...Object.fromEntries(all.filter(([, list]) => list.length > 0)) };
}

/** Several grants of the same unit are one amount. */
function amountsOf(grants: readonly Grant[]): Amount[] {
  const counts = new Map<string, number>();
  for (const grant of grants) {
    const resource = resourceOf(grant);
    counts.set(resource, (counts.get(resource) ?? 0) + grant.slots);
  }
  return [...counts].filter(([, count]) => count > 0).map(([resource, count]) => amount(resource, count));
}

/** The limit of CTest for all tests was not stated for this one; and its COST is an order, and no duration. */
function originIn({
  properties: { COST, TIMEOUT },
}: ListedTest): (entry: keyof TaskMeta) => MetaOrigin | undefined {
  const isUsual = TIMEOUT === undefined || TIMEOUT < 0;
  return (entry) => {
    if (entry === 'weight' && COST !== undefined) return { kind: 'file', by: 'COST' };
    return entry === 'timeout' && isUsual ? { kind: 'defaults', by: 'the time limit of CTest' } : undefined;
  };
}
