/** Checks the shape of a configuration, all of it at once. */
import { checkMeta, didYouMean, numberHint, type Problem, refuse } from '@pexen/core';
import type { JUnitOptions } from '@pexen/report';
import * as z from 'zod/mini';
import {
  mostWorkers,
  type SuiteConfig,
  type SuiteGroup,
  type TerminalReporterOptions,
} from './define-suite.ts';

const ms = z.number().check(z.nonnegative());
const limit = z.custom(
  (value) => typeof value === 'number' && value > 0,
  'must be milliseconds above 0; for none, Infinity',
);
const msOrNever = z.custom(
  (value) => typeof value === 'number' && value >= 0,
  'must be milliseconds, 0 or more; for never, Infinity',
);
const count = z.int().check(z.positive(), z.maximum(mostWorkers));
const callable = z.custom((value) => typeof value === 'function', 'must be a function');
const isFactory = (value: unknown): boolean => typeof value === 'object' && value !== null && 'make' in value;
const factory = z.custom(isFactory, 'must be a factory: executables({ … }), modules({ … }), tree({ … })');
const isReporter = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  'close' in value &&
  ['update', 'event', 'news'].some((name) => name in value);
const reporterName = z.enum(['terminal', 'live', 'lines']);
const lines = z.int().check(z.nonnegative());
const terminalEntries = {
  color: z.optional(z.boolean()),
  passes: z.optional(z.boolean()),
  outputLines: z.optional(lines),
  slowAfter: z.optional(ms),
} satisfies Record<keyof TerminalReporterOptions, unknown>;
const terminalOptions = z.strictObject(terminalEntries);
const groupEntries = {
  pool: callable,
  spare: z.optional(ms),
  exclusive: z.optional(z.boolean()),
} satisfies Record<keyof SuiteGroup, unknown>;
const junitEntries = {
  file: z.string().check(z.minLength(1)),
  strict: z.optional(z.boolean()),
  name: z.optional(z.string()),
  properties: z.optional(z.record(z.string(), z.string())),
  output: z.optional(z.enum(['failed', 'all', 'none'])),
  outputLimit: z.optional(lines),
  findings: z.optional(z.boolean()),
} satisfies Record<keyof JUnitOptions, unknown>;
const junitOptions = z.strictObject(junitEntries);
const reporter = z.union([
  reporterName,
  z.tuple([reporterName]),
  z.tuple([reporterName, terminalOptions]),
  z.tuple([z.literal('junit'), junitOptions]),
  z.custom(isReporter),
]);

const shape = {
  from: z.record(z.string(), factory),
  facts: z.optional(z.union([callable, z.record(z.string(), z.unknown())])),
  pool: z.optional(callable),
  pools: z.optional(z.record(z.string(), callable)),
  groups: z.optional(z.record(z.string(), z.strictObject(groupEntries))),
  capacities: z.optional(z.union([z.map(z.unknown(), ms), z.record(z.string(), ms)])),
  workers: z.optional(count),
  loader: z.optional(z.string().check(z.minLength(1))),
  spare: z.optional(ms),
  shared: z.optional(z.record(z.string(), z.unknown())),
  deadline: z.optional(limit),
  /** As in the metadata of tasks; see `wrongRetries`. */
  retries: z.optional(z.unknown()),
  timeout: z.optional(limit),
  idleTimeout: z.optional(limit),
  grace: z.optional(ms),
  slowAfter: z.optional(msOrNever),
  rerunnable: z.optional(z.boolean()),
  expectedFailures: z.optional(z.record(z.string(), z.string())),
  reporters: z.optional(z.array(reporter)),
} satisfies Record<keyof SuiteConfig, unknown>;

const schema = z.strictObject(shape);

/**
 * The configuration, if it is one.
 * @throws PexenError PEXEN_BAD_CONFIG with every problem, each with its place in the configuration.
 */
export function checkConfig(config: unknown, file?: string): SuiteConfig {
  z.config(z.locales.en());
  const checked = schema.safeParse(config);
  const tell = teller(config, file);
  const issues = checked.success ? [] : checked.error.issues;
  refuse([...withoutRepeats(issues.flatMap((issue) => problemsOf(issue, tell))), ...wrongRetries(tell)]);
  return config as SuiteConfig;
}

/** Makes a problem of what is wrong at a place of the configuration. */
interface Teller {
  (path: Path, message: string, hint?: string): Problem;
  /** What is there. */
  valueAt(path: Path): unknown;
}

type Path = readonly PropertyKey[];

function teller(config: unknown, file: string | undefined): Teller {
  const tell = (path: Path, message: string, hint = forms[String(path[0])]): Problem => ({
    code: 'PEXEN_BAD_CONFIG',
    ...(file !== undefined && { location: { file } }),
    message: path.length === 0 ? message : `${path.map(String).join('.')}: ${message}`,
    ...(hint !== undefined && { hint }),
  });
  const valueAt = (path: Path): unknown =>
    path.reduce<unknown>((value, key) => (value as Record<PropertyKey, unknown> | undefined)?.[key], config);
  return Object.assign(tell, { valueAt });
}

function wrongRetries(tell: Teller): Problem[] {
  const retries = tell.valueAt(['retries']);
  if (retries === undefined) return [];
  return checkMeta({ retries }, '').map(({ message, hint }) =>
    tell(['retries'], message.replace(/^retries /, ''), hint ?? forms.retries),
  );
}

function problemsOf(issue: z.core.$ZodIssue, tell: Teller): Problem[] {
  const { path } = issue;
  if (path[0] === 'from' && isFactory(tell.valueAt(['from']))) {
    return [
      tell(
        ['from'],
        'it is a factory itself',
        "Say where its tasks stand: from: { '': tree({ dir: '.' }) }.",
      ),
    ];
  }
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey([...path, key], tell));
  if (issue.code === 'invalid_union') {
    const inside = meantForm(issue).map((each) => ({ ...each, path: [...path, ...each.path] }));
    if (inside.length > 0) return inside.flatMap((each) => problemsOf(each, tell));
    return [
      path[0] === 'reporters' ? wrongReporter(path, tell) : tell(path, 'is none of the forms it may have'),
    ];
  }
  const message = `${path.length === 0 ? 'the configuration ' : ''}${plain(issue.message)}`;
  return [tell(path, message, isOfNumber(issue) ? asNumber(path, tell) : undefined)];
}

function wrongReporter(path: Path, tell: Teller): Problem {
  const value = tell.valueAt(path);
  const name: unknown = Array.isArray(value) ? value[0] : value;
  if (name === 'junit')
    return tell(path, 'junit needs a file', "Write ['junit', { file: 'out/junit.xml' }].");
  if (typeof name !== 'string') return tell(path, 'is none of the forms it may have');
  return tell(
    path,
    `there is no reporter "${name}"`,
    didYouMean(name, ['terminal', 'live', 'lines', 'junit']),
  );
}

function isOfNumber({ message }: z.core.$ZodIssue): boolean {
  return /expected (?:number|int)\b|milliseconds/.test(message);
}

/** How the number is written that a text there means. */
function asNumber(path: Path, tell: Teller): string | undefined {
  return numberHint(String(path.at(-1)), tell.valueAt(path), (number) =>
    (number as number) > 0 ? undefined : 'none',
  );
}

/** One mistake may show at several places. */
function withoutRepeats(problems: readonly Problem[]): Problem[] {
  return [...new Map(problems.map((each) => [each.message, each])).values()];
}

/** In our words what zod says in its own. */
function plain(message: string): string {
  const words: readonly [RegExp, string][] = [
    [/^Invalid input: expected (\w+), received undefined$/, 'is missing'],
    [/^Invalid input: expected int, received (\w+)$/, 'must be a whole number'],
    [/^Invalid input: expected (?:object|record|map), received (\w+)$/, 'must be an object, not $1'],
    [/^Invalid input: expected array, received (\w+)$/, 'must be a list, not $1'],
    [/^Invalid input: expected (\w+), received (\w+)$/, 'must be a $1, not $2'],
    [/^Too small: expected (?:number|int) to be >=(.+)$/, 'must be $1 or more'],
    [/^Too small: expected (?:number|int) to be >(.+)$/, 'must be above $1'],
    [/^Too big: expected (?:number|int) to be <=(.+)$/, 'must be $1 or less'],
    [/^Invalid option: expected one of (.+)$/, 'must be one of $1'],
  ];
  const [form, said] = words.find(([each]) => each.test(message)) ?? [];
  return form === undefined || said === undefined ? message : message.replace(form, said);
}

/** What may stand where the last part of the path does. */
function entriesAround(path: Path, tell: Teller): object {
  if (path.length === 1) return shape;
  if (path[0] === 'groups') return groupEntries;
  return tell.valueAt([...path.slice(0, -2), 0]) === 'junit' ? junitEntries : terminalEntries;
}

/** How the entries are written that have several forms, or one that is easily mistaken. */
const forms: Readonly<Record<string, string>> = {
  from: "Write from: { sys: executables({ dir: 'tests' }) }.",
  reporters:
    "Write ['terminal', ['junit', { file: 'out/junit.xml' }]]; there are terminal, live, lines and junit.",
  pool: 'Write pool: threads, or pool: (request) => threads({ ...request, workers: 2 }).',
  pools: 'Write pools: { quick: threads }.',
  groups: 'Write groups: { vm: { pool: () => processes({ workers: 5 }) } }.',
  retries: 'Write a number, or { count: 2, delay: 1000 }.',
};

/** What is wrong within the form that was meant: the one whose first part is right. Nothing where no form was meant. */
function meantForm({ errors }: z.core.$ZodIssueInvalidUnion): z.core.$ZodIssue[] {
  return (
    errors.find((issues) => issues.every(({ path: [first] }) => first !== undefined && first !== 0)) ?? []
  );
}

function unknownKey(path: Path, tell: Teller): Problem {
  const known = Object.keys(entriesAround(path, tell));
  const hint = didYouMean(String(path.at(-1)), known) ?? `There are: ${known.join(', ')}.`;
  return {
    ...tell([], `there is no entry "${path.map(String).join('.')}"`),
    ...(hint !== undefined && { hint }),
  };
}
