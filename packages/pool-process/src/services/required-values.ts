/**
 * What a program finds of the tasks that it requires: the values of typed keys, and the entries of its dictionary that have the names of what it
 * requires, as JSON in `$PEXEN_VALUES`; where a value has a port, a host or a URL, these also in variables of their own. Pure.
 */
import {
  type Assignment,
  type Capability,
  capabilitiesOf,
  formOf,
  isKey,
  PexenError,
  type Problem,
  tornDown,
  tornDownBy,
} from '@pexen/core';
import { describeViolation, findViolation } from '@pexen/pool-kit';

/** By the names of what it requires. */
export type RequiredValues = Readonly<Record<string, unknown>>;

/** Systems allow 128 KiB for one variable. */
const longestValues = 100_000;

type Source = Pick<Assignment, 'definition' | 'received' | 'shared' | 'path'>;

/** Undefined if there are none; the error PEXEN_CANNOT_CROSS or PEXEN_VALUES_TOO_LONG if they cannot be handed to a program. */
export function requiredValues(assignment: Source): RequiredValues | PexenError | undefined {
  const found = Object.entries(foundValues(assignment));
  if (found.length === 0) return undefined;
  const values = Object.fromEntries(found);
  for (const [name, value] of found) {
    const violation = findViolation(value, name, { json: true });
    if (violation !== undefined) return unfit(assignment.path, `${describeViolation(violation)}`);
  }
  const bytes = Buffer.byteLength(JSON.stringify(values));
  return bytes > longestValues ? tooLong(assignment.path, bytes) : values;
}

/** The variables of a program with these values. */
export function valueVariables(values: RequiredValues = {}): Readonly<Record<string, string>> {
  const entries = Object.entries(values);
  if (entries.length === 0) return {};
  const own = entries.flatMap(([name, value]) =>
    ['port', 'host', 'url'].flatMap((field) => {
      const given = (value as Readonly<Record<string, unknown>> | null)?.[field];
      const isText = typeof given === 'string' || typeof given === 'number';
      return isText ? [[`PEXEN_${variableOf(name)}_${field.toUpperCase()}`, String(given)]] : [];
    }),
  );
  return { ...Object.fromEntries(own), PEXEN_VALUES: JSON.stringify(values) };
}

/** `my-db` is `MY_DB`. */
function variableOf(name: string): string {
  return name
    .toUpperCase()
    .replaceAll(/[^A-Z0-9]+/g, '_')
    .replaceAll(/^_|_$/g, '');
}

/** The first requirement with a name counts. */
function foundValues({ definition: { meta }, received, shared }: Source): Record<string, unknown> {
  const found: Record<string, unknown> = Object.create(null);
  const note = (capability: Capability, requirement: number, member: number, isList: boolean): void => {
    const name = nameOf(capability);
    if (name === undefined || name in found) return;
    const got = received.find((each) => each.requirement === requirement && each.member === member);
    if (got !== undefined) found[name] = isList ? got.values : got.values[0];
    else if (typeof capability === 'string' && Object.hasOwn(shared, name)) found[name] = shared[name];
  };
  for (const [at, requirement] of (meta.requires ?? []).entries())
    for (const [member, capability] of capabilitiesOf(requirement).entries())
      note(capability, at, member, formOf(requirement) === 'every');
  for (const [member, capability] of tornDownBy(meta).entries()) note(capability, tornDown, member, false);
  return found;
}

function nameOf(capability: Capability): string | undefined {
  if (typeof capability === 'string') return capability;
  return isKey(capability) ? capability.name : undefined;
}

function unfit(task: string, what: string): PexenError {
  return refusal({
    code: 'PEXEN_CANNOT_CROSS',
    task,
    message: `${what} and cannot be handed to a program, which gets values as JSON`,
    hint: 'Provide plain data, such as a path or an address.',
  });
}

function tooLong(task: string, bytes: number): PexenError {
  return refusal({
    code: 'PEXEN_VALUES_TOO_LONG',
    task,
    message: `the values of what it requires have ${bytes} bytes as JSON, and a program can be handed ${longestValues}`,
    hint: 'Write long values into a file, and provide its path.',
  });
}

function refusal(problem: Problem): PexenError {
  return new PexenError([problem]);
}
