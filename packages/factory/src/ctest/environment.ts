/** The environment of a test: its ENVIRONMENT, and its ENVIRONMENT_MODIFICATION, by the rules of CMake. Knows no test. */

/** Variables; null: the variable is removed. */
export type Variables = Readonly<Record<string, string | null>>;

/** How one operation changes the value of a variable, which is undefined where there is none. */
type Change = (value: string | undefined, operand: string) => string | null;

const operations: Readonly<Record<string, Change>> = {
  set: (_, operand) => operand,
  unset: () => null,
  string_append: (value = '', operand) => value + operand,
  string_prepend: (value = '', operand) => operand + value,
  path_list_append: appending(':'),
  path_list_prepend: prepending(':'),
  cmake_list_append: appending(';'),
  cmake_list_prepend: prepending(';'),
};

function appending(separator: string): Change {
  return (value = '', operand) => (value === '' ? operand : `${value}${separator}${operand}`);
}

function prepending(separator: string): Change {
  return (value = '', operand) => (value === '' ? operand : `${operand}${separator}${value}`);
}

/** What cannot be read in ENVIRONMENT_MODIFICATION: CTest does not run such a test. */
export class BadModification extends Error {}

/**
 * What differs from `base`. An entry of `environment` without `=` removes the variable.
 * @throws BadModification
 */
export function variablesOf(
  environment: readonly string[],
  modifications: readonly string[],
  base: Readonly<Record<string, string | undefined>>,
): Variables {
  const changed: Record<string, string | null> = {};
  for (const entry of environment) {
    const at = entry.indexOf('=');
    if (at < 0) changed[entry] = null;
    else changed[entry.slice(0, at)] = entry.slice(at + 1);
  }
  for (const { name, change, operand } of withoutReset(modifications.map(parsed))) {
    const value = name in changed ? (changed[name] ?? undefined) : base[name];
    changed[name] = change(value, operand);
  }
  return changed;
}

interface Modification {
  readonly name: string;
  /** Undefined for `reset`. */
  readonly change: Change | undefined;
  readonly operand: string;
}

function parsed(text: string): Modification {
  const [, name, operation = '', operand = ''] = /^([^=]*)=([^:]*):(.*)$/s.exec(text) ?? [];
  if (name === undefined) throw new BadModification(`"${text}" is not of the form NAME=OPERATION:VALUE`);
  if (operation === 'reset') return { name, change: undefined, operand };
  if (!Object.hasOwn(operations, operation))
    throw new BadModification(
      `"${operation}" in "${text}" is not one of ${Object.keys(operations).join(', ')}`,
    );
  return { name, change: operations[operation], operand };
}

/** `reset` undoes all modifications of the variable that stand before it. */
function withoutReset(all: readonly Modification[]): (Modification & { readonly change: Change })[] {
  return all.filter(
    (each, at): each is Modification & { readonly change: Change } =>
      each.change !== undefined &&
      !all.slice(at).some(({ name, change }) => change === undefined && name === each.name),
  );
}
