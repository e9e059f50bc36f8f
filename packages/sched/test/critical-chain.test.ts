/** The critical chain of simulated runs: its parts add up to the run, and each cause in it is one by a naive look at the two tasks. */
import { type ChainLink, criticalChain, RunModel, type RunTask } from '@pexen/report';
import { expect, test } from 'vitest';
import { isWhole } from '#sample';
import { receivedIn } from './run-model/received.ts';
import { generate } from './sim/generate.ts';

/** The chain takes what is closer together for simultaneous, ms. */
const JITTER = 0.5;
const seeds = isWhole ? 2000 : 200;

test('links add up to the run, follow each other, and name true causes', () => {
  const causes = new Map<string, number>();
  for (let seed = 1; seed <= seeds; seed++) {
    const model = new RunModel();
    for (const each of receivedIn(generate(seed))) if ('event' in each) model.apply(each.event);
    const { links, endMs, wallMs } = criticalChain(model.tasks(), model.run.atMs);
    const sum = links.reduce((all, { idleMs, fromMs, toMs }) => all + idleMs + toMs - fromMs, endMs);
    expect(sum, `seed ${seed}`).toBeCloseTo(wallMs, 6);
    // Nothing that ended before it could have made room for the first one.
    const first = links[0];
    const ends = [...model.tasks()].flatMap(({ facts, result }) =>
      facts.service === true ? [] : (result?.attempts ?? []).filter(({ startedAtMs }) => startedAtMs >= 0),
    );
    const earlier = ends.find(
      ({ startedAtMs, durationMs }) =>
        first !== undefined &&
        startedAtMs < first.fromMs &&
        startedAtMs + durationMs > JITTER &&
        startedAtMs + durationMs <= first.fromMs,
    );
    expect(earlier, `seed ${seed}: ${JSON.stringify(first)}`).toBeUndefined();
    links.forEach((link, at) => {
      causes.set(link.cause, (causes.get(link.cause) ?? 0) + 1);
      const before = links[at - 1];
      const where = `seed ${seed}: ${before?.path} → ${JSON.stringify(link)}`;
      expect(before === undefined ? 'start' : link.cause, where).toBe(link.cause);
      if (before !== undefined) expect(isTrue(before, link, model), where).toBe(true);
    });
  }
  expect([...causes.keys()].sort()).toEqual(['dependency', 'resource', 'retry', 'start', 'worker']);
});

function isTrue(before: ChainLink, link: ChainLink, model: RunModel): boolean {
  const [one, other] = [model.task(before.path), model.task(link.path)];
  if (one === undefined || other === undefined || before.toMs > link.fromMs) return false;
  switch (link.cause) {
    case 'dependency':
      return (
        namesOf(other).some((name) => givenBy(one).includes(name)) ||
        (one.facts.before ?? []).some((name) => givenBy(other).includes(name))
      );
    case 'resource':
      return excludes(one, other);
    case 'worker':
      return one.facts.service !== true;
    case 'retry':
      return one === other && before.attempt === link.attempt - 1;
    default:
      return false;
  }
}

function namesOf({ facts: { requires = [], after = [], salvages = [], tearsDown = [] } }: RunTask): string[] {
  return [...requires.flatMap(({ capabilities }) => capabilities), ...after, ...salvages, ...tearsDown];
}

function givenBy({ path, facts }: RunTask): string[] {
  return [`task:${path}`, ...(facts.provides ?? [])];
}

/** One of them claims what the other one takes, or what is above or below it; or one of them runs alone. */
function excludes({ facts: one }: RunTask, { facts: other }: RunTask): boolean {
  if (one.exclusive === true || other.exclusive === true) return true;
  const taken = ({ claims = [], uses = [] }: RunTask['facts']): readonly string[] => [
    ...claims,
    ...uses.flatMap(({ resource, count }) => (count === undefined ? resource : [])),
  ];
  const isWithin = (inner: string, outer: string) =>
    inner === outer ||
    (inner.startsWith('/') && outer.startsWith('/') && inner.startsWith(outer === '/' ? '/' : `${outer}/`));
  const meet = (mine: readonly string[], theirs: readonly string[]) =>
    mine.some((each) => theirs.some((one) => isWithin(each, one) || isWithin(one, each)));
  return meet(one.claims ?? [], taken(other)) || meet(taken(one), other.claims ?? []);
}
