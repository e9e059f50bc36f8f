/** The arguments of a task: their type, and how they are checked when they are bound. */
import { misuse, problem, refuse } from './errors.ts';

/** The part of the Standard Schema interface (https://standardschema.dev, version 1) that is used here; zod, valibot and others implement it. */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

/** What a schema returns for a value. */
export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

/** One reason for which a schema refuses a value. */
export interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** A schema that checks nothing at run time and everything at compile time: `args: type<{ to: string }>()`. */
export function type<T>(): StandardSchema<T, T> {
  return { '~standard': { version: 1, vendor: 'pexen', validate: (value) => ({ value: value as T }) } };
}

/** True for anything that implements the Standard Schema interface. */
export function isSchema(value: unknown): value is StandardSchema {
  return value !== null && (typeof value === 'object' || typeof value === 'function') && '~standard' in value;
}

/**
 * The arguments as the schema returns them.
 * @throws PexenError PEXEN_BAD_ARGS with one problem for each issue; PEXEN_ASYNC_SCHEMA if the schema returns a promise.
 */
export function checkArgs(schema: StandardSchema, args: unknown, task: string): unknown {
  const checked = schema['~standard'].validate(args);
  if ('then' in checked)
    throw misuse(
      'PEXEN_ASYNC_SCHEMA',
      'the schema of its args is asynchronous',
      'Use a schema that validates synchronously.',
      task,
    );
  const { issues } = checked;
  if (issues === undefined) return checked.value;
  refuse(
    issues.map((issue) =>
      problem(
        'PEXEN_BAD_ARGS',
        `${issue.message}${formatIssuePath(issue)}`,
        'Fix the value handed to with().',
        task,
      ),
    ),
  );
  throw misuse('PEXEN_BAD_ARGS', 'the args were refused', undefined, task);
}

function formatIssuePath(issue: SchemaIssue): string {
  const parts = (issue.path ?? []).map((part) => String(typeof part === 'object' ? part.key : part));
  return parts.length === 0 ? '' : ` at args.${parts.join('.')}`;
}
