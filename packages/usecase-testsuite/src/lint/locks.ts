/** The tree of resources that tasks hold, and the rule `uncontended-lock`. */
import { isAmount, type Resource } from '@pexen/core';
import { partsOf } from '@pexen/lock';
import { counted, namesOf } from './phrases.ts';
import type { LintCollector } from './report.ts';
import type { LintFinding } from './rules.ts';
import type { LintedSuite, LintedTask } from './suite.ts';

/** A resource that tasks hold, or one above such resources. */
export interface Place {
  readonly name: string;
  readonly parts: readonly unknown[];
  readonly above: Place | undefined;
  readonly below: Map<unknown, Place>;
  /** As one of the tasks names it. */
  resource: Resource | undefined;
  /** Those who hold it alone: by a claim, or by the only unit that there is. */
  readonly claims: LintedTask[];
  readonly uses: LintedTask[];
  hasAmounts: boolean;
}

/** Everything that tasks hold. */
export class HeldPlaces {
  readonly #root = placeAt('', [], undefined);
  readonly all: Place[] = [];

  constructor(suite: LintedSuite) {
    for (const task of suite.tasks) this.#hold(task, suite);
  }

  #hold(task: LintedTask, suite: LintedSuite): void {
    const { claims = [], uses = [] } = task.definition.meta;
    const { info } = task;
    claims.forEach((resource, at) => {
      this.#at(resource, info.claims?.[at]).claims.push(task);
    });
    uses.forEach((use, at) => {
      const name = info.uses?.[at]?.resource;
      const place = this.#at(isAmount(use) ? use.resource : use, name);
      const isSingle = suite.isSingle(place.parts);
      (isSingle ? place.claims : place.uses).push(task);
      if (isAmount(use) && !isSingle) place.hasAmounts = true;
    });
  }

  #at(resource: Resource, name = String(resource)): Place {
    let place = this.#root;
    const parts = partsOf(resource);
    for (const [at, part] of parts.entries()) {
      let next = place.below.get(part);
      if (next === undefined) {
        next = placeAt(name, parts.slice(0, at + 1), place);
        place.below.set(part, next);
      }
      place = next;
    }
    if (place.resource !== undefined) return place;
    const named = Object.assign(place, { resource, name });
    this.all.push(named);
    return named;
  }
}

function placeAt(name: string, parts: readonly unknown[], above: Place | undefined): Place {
  return {
    ...{ name, parts, above, below: new Map<unknown, Place>(), resource: undefined },
    ...{ claims: [], uses: [], hasAmounts: false },
  };
}

/** Those who hold something above or below the place; not those at the place itself. */
export function* neighboursOf(place: Place): Generator<Place> {
  for (let above = place.above; above !== undefined; above = above.above) yield above;
  const open = [...place.below.values()];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    yield next;
    open.push(...next.below.values());
  }
}

/**
 * Finds locks for which no two tasks can wait: one task claims it alone, or several share it. One task that only uses something says what it
 * depends on, in case another one will claim that.
 */
export function findUncontended(suite: LintedSuite, places: HeldPlaces, collector: LintCollector): void {
  if (!collector.asks('uncontended-lock')) return;
  if (suite.given.config.catalogue !== undefined) {
    collector.cannotJudge('uncontended-lock', 'tasks of the catalogue may hold the same on other machines');
    return;
  }
  const alone = new Map<Place | undefined, Place[]>();
  for (const place of places.all) {
    if (place.hasAmounts || suite.isCounted(place.parts) || suite.isShared(place.parts)) continue;
    const holders = holdersOf(place);
    const subject = { tasks: holders.map(({ path }) => path), resource: place.name };
    const isIdle = (holders.length > 1 || place.claims.length > 0) && !isContended(place, holders);
    if (!collector.judge('uncontended-lock', subject, isIdle)) continue;
    if (place.claims.length === 0) reportShared(place, collector);
    else alone.set(place.above, [...(alone.get(place.above) ?? []), place]);
  }
  for (const siblings of alone.values())
    if (siblings.length > mostSingly) reportAlone(siblings, collector);
    else for (const place of siblings) reportAlone([place], collector);
}

/** More claims of neighbouring resources are one finding. */
const mostSingly = 3;

function holdersOf({ claims, uses }: Place): readonly LintedTask[] {
  return [...new Set([...claims, ...uses])];
}

function reportShared(place: Place, collector: LintCollector): void {
  const holders = holdersOf(place);
  const paths = holders.map(({ path }) => path);
  collector.add({
    ...{ rule: 'uncontended-lock', subject: place.name, tasks: paths },
    message: `${counted(paths.length, 'test')} use it (${namesOf(paths)}), and no test claims it, so that this keeps no test away`,
    nextStep: 'Remove it from uses; or, if a test changes it, claim it there.',
    ...placeOf(holders),
  });
}

/** Of places that one test holds each. */
function reportAlone(places: readonly Place[], collector: LintCollector): void {
  const holders = places.flatMap(holdersOf);
  const paths = [...new Set(holders.map(({ path }) => path))];
  const names = places.map(({ name }) => name);
  collector.add({
    ...{ rule: 'uncontended-lock', subject: namesOf(names), tasks: paths },
    message:
      names.length === 1
        ? `only ${paths[0]} holds it, so that its claim keeps no other test away`
        : `each is held by one test only (${namesOf(paths)}), so that these claims keep no other test away`,
    nextStep: 'Remove the claim; or, if another test needs the same, claim or use it there, too.',
    ...placeOf(holders),
  });
}

function placeOf([first]: readonly LintedTask[]): Pick<LintFinding, 'location'> {
  const location = first?.info.location;
  return location === undefined ? {} : { location };
}

/** Can a task ever wait for the place? A task that runs once on each node can wait for itself. */
function isContended(place: Place, holders: readonly LintedTask[]): boolean {
  if (holders.some(({ info }) => info.perNode === true)) return true;
  if (holders.length > 1 && place.claims.length > 0) return true;
  const [alone] = holders.length === 1 ? holders : [];
  const isOther = (task: LintedTask): boolean => task !== alone;
  for (const { claims, uses } of neighboursOf(place))
    if (claims.some(isOther) || (place.claims.length > 0 && uses.some(isOther))) return true;
  return false;
}
