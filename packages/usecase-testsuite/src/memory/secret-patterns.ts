/** What a configuration calls secret, as patterns over texts. Does not know where texts come from. */

/** Shorter values of variables do not count: `***` in the place of each `1` would make records unreadable. */
const shortest = 4;

/**
 * One pattern for each expression, and for each line of the values of variables with one of these names, since outputs are read line by line. Names may
 * contain `*`. What contains another value comes before it, so that nothing of it is left.
 */
export function secretPatterns(
  secrets: readonly (string | RegExp)[],
  env: Readonly<Record<string, string | undefined>>,
): readonly RegExp[] {
  const isNamed = secrets.filter((each) => typeof each === 'string').map(patternOfName);
  const values = Object.entries(env)
    .filter(([name]) => isNamed.some((pattern) => pattern.test(name)))
    .flatMap(([, value = '']) => value.split(/\r?\n/))
    .filter(({ length }) => length >= shortest)
    .sort((one, other) => other.length - one.length);
  const expressions = secrets.filter((each) => each instanceof RegExp);
  return [...[...new Set(values)].map((value) => new RegExp(literal(value))), ...expressions];
}

function patternOfName(name: string): RegExp {
  return new RegExp(`^${name.split('*').map(literal).join('.*')}$`);
}

function literal(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}
