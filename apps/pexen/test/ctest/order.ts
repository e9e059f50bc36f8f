/** Checks the order in which the tests of a generated build started and ended, against their properties. Reads only what the tests noted themselves. */
import type { GeneratedTest } from './generated-build.ts';

/** One line for each rule that the order breaks. Tests that did not run have no order. */
export function brokenRules(
  tests: readonly GeneratedTest[],
  order: readonly string[],
  workers: number,
): readonly string[] {
  const known = new Map(tests.map((test) => [test.name, propertiesOf(test)]));
  const startOf = new Map<string, number>();
  const endOf = new Map<string, number>();
  const running = new Set<string>();
  const broken: string[] = [];
  for (const [at, line] of order.entries()) {
    const [, what, name = ''] = /^(start|end) (.*)$/.exec(line) ?? [];
    if (what === 'end') {
      running.delete(name);
      if (!endOf.has(name)) endOf.set(name, at);
      continue;
    }
    startOf.set(name, at);
    broken.push(...clashes(name, [...running], known, workers));
    if (!isKilled(known.get(name))) running.add(name);
  }
  const isBefore = (one: string, other: string): boolean => {
    const [end, start] = [endOf.get(one), startOf.get(other)];
    return end === undefined || start === undefined || end < start;
  };
  return [...broken, ...misplaced(known, isBefore)];
}

type Properties = Readonly<Record<string, readonly string[]>>;

function propertiesOf({ properties = {} }: GeneratedTest): Properties {
  return Object.fromEntries(Object.entries(properties).map(([name, text]) => [name, text.split(';')]));
}

/** It may never note its end. */
function isKilled(properties: Properties | undefined): boolean {
  return properties?.TIMEOUT !== undefined || properties?.TIMEOUT_AFTER_MATCH !== undefined;
}

/** What must not run at the same time. */
function clashes(
  name: string,
  running: readonly string[],
  known: ReadonlyMap<string, Properties>,
  workers: number,
): readonly string[] {
  const own = known.get(name) ?? {};
  const others = running.map((each) => [each, known.get(each) ?? {}] as const);
  const locks = others.filter(([, { RESOURCE_LOCK = [] }]) =>
    RESOURCE_LOCK.some((lock) => own.RESOURCE_LOCK?.includes(lock)),
  );
  const serial = others.filter(([, each]) => isOn(own) || isOn(each));
  const processors = [own, ...others.map(([, each]) => each)]
    .map(({ PROCESSORS: [count = '1'] = [] }) => Math.min(Number(count), workers))
    .reduce((sum, count) => sum + count, 0);
  return [
    ...locks.map(([other]) => `"${name}" ran beside "${other}", and both have a RESOURCE_LOCK`),
    ...serial.map(([other]) => `"${name}" ran beside "${other}", and one of them has RUN_SERIAL`),
    ...(processors > workers
      ? [`"${name}" ran where ${processors} of ${workers} processors were taken`]
      : []),
  ];
}

function isOn({ RUN_SERIAL }: Properties): boolean {
  return RUN_SERIAL?.[0] === 'ON';
}

/** What must run after something else. */
function misplaced(
  known: ReadonlyMap<string, Properties>,
  isBefore: (one: string, other: string) => boolean,
): readonly string[] {
  const all = [...known].filter(([, { DISABLED }]) => DISABLED === undefined);
  const having = (property: string, fixture: string): readonly string[] =>
    all.flatMap(([name, properties]) => (properties[property]?.includes(fixture) ? [name] : []));
  const pairs = all.flatMap(([name, own]) => [
    ...(own.DEPENDS ?? []).map((first) => [first, name, 'DEPENDS'] as const),
    ...(own.FIXTURES_REQUIRED ?? [])
      .flatMap((fixture) => having('FIXTURES_SETUP', fixture))
      .map((first) => [first, name, 'FIXTURES_REQUIRED'] as const),
    ...(own.FIXTURES_CLEANUP ?? [])
      .flatMap((fixture) => [...having('FIXTURES_SETUP', fixture), ...having('FIXTURES_REQUIRED', fixture)])
      .map((first) => [first, name, 'FIXTURES_CLEANUP'] as const),
  ]);
  return pairs.flatMap(([first, then, why]) =>
    first === then || isBefore(first, then) ? [] : [`"${then}" ran before "${first}" had ended: ${why}`],
  );
}
