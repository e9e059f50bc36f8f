/**
 * The resources of a machine as CTest describes them, and which of them each test gets. A test is given its units before the run, so that the scheduler
 * can keep them apart by amounts. Knows nothing of how tests run.
 */

/** One unit of a type of resources, with its slots. */
interface Unit {
  readonly id: string;
  readonly slots: number;
}

/** Type → units. */
export type ResourceSpec = ReadonlyMap<string, readonly Unit[]>;

/** Slots of one unit of a type. */
export interface Requirement {
  readonly type: string;
  readonly slots: number;
}

/** A group of RESOURCE_GROUPS: what belongs together for the test. */
export type ResourceGroup = readonly Requirement[];

/** Slots of a unit that a group of a test gets. */
export interface Grant extends Requirement {
  readonly group: number;
  readonly id: string;
}

/** What a spec file contains that CTest would refuse, one sentence. */
export class BadSpec extends Error {}

const typeForm = /^[a-z_][a-z\d_]*$/;
const idForm = /^[a-z\d_]+$/;

/** Reads the text of a spec file. @throws BadSpec */
export function readResourceSpec(text: string): ResourceSpec {
  const { version, local = [] } = parsed(text);
  const { major, minor } = (version ?? {}) as { readonly major?: unknown; readonly minor?: unknown };
  if (major !== 1 || minor !== 0) throw new BadSpec('its version is not 1.0');
  if (!Array.isArray(local) || local.length > 1) throw new BadSpec('"local" is not a list of one object');
  const types = Object.entries((local[0] ?? {}) as Record<string, unknown>);
  return new Map(
    types.filter(([type]) => typeForm.test(type)).map(([type, units]) => [type, unitsOf(type, units)]),
  );
}

function parsed(text: string): { readonly version?: unknown; readonly local?: unknown } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new BadSpec(`it is not JSON: ${(error as Error).message}`);
  }
  if (typeof value !== 'object' || value === null) throw new BadSpec('it is not an object');
  return value;
}

function unitsOf(type: string, units: unknown): readonly Unit[] {
  if (!Array.isArray(units)) throw new BadSpec(`"${type}" is not a list`);
  return units.map((unit: { readonly id?: unknown; readonly slots?: unknown } | null) => {
    const { id, slots = 1 } = unit ?? {};
    if (typeof id !== 'string' || !idForm.test(id))
      throw new BadSpec(`an "id" of "${type}" does not consist of a-z, 0-9 and _: ${JSON.stringify(id)}`);
    if (!Number.isInteger(slots) || Number(slots) < 0)
      throw new BadSpec(`the "slots" of "${type}" ${id} are not a whole number`);
    return { id, slots: Number(slots) };
  });
}

/** Distributes tests over units: each requirement gets all its slots from one unit, of those with little work so far. */
export class Allocator {
  readonly #spec: ResourceSpec;
  /** Unit → the work of the tests that got slots of it, by its number of slots. */
  readonly #work = new Map<Unit, number>();

  constructor(spec: ResourceSpec) {
    this.#spec = spec;
  }

  /** What the test gets; or why it never can, one sentence. `weight` is its expected duration, in any unit. */
  allocate(groups: readonly ResourceGroup[], weight = 1): readonly Grant[] | string {
    const wanted = groups.flatMap((requirements, group) => requirements.map((each) => ({ ...each, group })));
    const grants = new Map<(typeof wanted)[number], Unit>();
    for (const type of new Set(wanted.map((each) => each.type))) {
      const units = this.#spec.get(type);
      if (units === undefined) return `it needs "${type}", and the resource spec has no such type`;
      const ofType = wanted.filter((each) => each.type === type);
      const found = this.#pack(
        ofType.toSorted((one, other) => other.slots - one.slots),
        units,
      );
      if (found === undefined) return tooLittle(type, ofType, units);
      for (const [at, unit] of found) grants.set(at as (typeof wanted)[number], unit);
    }
    for (const [{ slots }, unit] of grants)
      this.#work.set(unit, this.#workOf(unit) + (weight * slots) / Math.max(unit.slots, 1));
    return wanted.map((each) => ({ ...each, id: grants.get(each)?.id ?? '' }));
  }

  /** The capacity of each unit, under the name of its resource. */
  capacities(): ReadonlyMap<string, number> {
    const all = [...this.#spec].flatMap(([type, units]) =>
      units.map(({ id, slots }) => [resourceOf({ type, id }), slots] as const),
    );
    return new Map(all.filter(([, slots]) => slots > 0));
  }

  /** A unit for each requirement, largest first; tries all possibilities, units with little work first. Undefined: there is not enough. */
  #pack(wanted: readonly Requirement[], units: readonly Unit[]): Map<Requirement, Unit> | undefined {
    const left = new Map(units.map((unit) => [unit, unit.slots]));
    const found = new Map<Requirement, Unit>();
    const place = (at: number): boolean => {
      const requirement = wanted[at];
      if (requirement === undefined) return true;
      const room = (unit: Unit): number => left.get(unit) ?? 0;
      const fitting = units
        .filter((unit) => room(unit) >= requirement.slots)
        .toSorted((one, other) => this.#workOf(one) - this.#workOf(other) || room(other) - room(one));
      return fitting.some((unit) => {
        left.set(unit, room(unit) - requirement.slots);
        found.set(requirement, unit);
        if (place(at + 1)) return true;
        left.set(unit, room(unit) + requirement.slots);
        return false;
      });
    };
    return place(0) ? found : undefined;
  }

  #workOf(unit: Unit): number {
    return this.#work.get(unit) ?? 0;
  }
}

/** The name of a unit as a resource of the scheduler. */
export function resourceOf({ type, id }: { readonly type: string; readonly id: string }): string {
  return `${type}:${id}`;
}

function tooLittle(type: string, wanted: readonly Requirement[], units: readonly Unit[]): string {
  const needs = wanted.map(({ slots }) => slots).join(' + ');
  const has = units.map(({ id, slots }) => `"${id}": ${slots}`).join(', ');
  return `it needs ${needs} slots of "${type}", and the resource spec has ${has || 'none'}`;
}

/** How a test is told what it got. `groupCount` is that of its RESOURCE_GROUPS. */
export function resourceVariables(grants: readonly Grant[], groupCount: number): Record<string, string> {
  const variables: Record<string, string> = { CTEST_RESOURCE_GROUP_COUNT: String(groupCount) };
  for (let group = 0; group < groupCount; group++) {
    const own = grants.filter((grant) => grant.group === group);
    const types = [...new Set(own.map(({ type }) => type))].sort();
    variables[`CTEST_RESOURCE_GROUP_${group}`] = types.join(',');
    for (const type of types)
      variables[`CTEST_RESOURCE_GROUP_${group}_${type.toUpperCase()}`] = own
        .filter((grant) => grant.type === type)
        .map(({ id, slots }) => `id:${id},slots:${slots}`)
        .join(';');
  }
  return variables;
}
