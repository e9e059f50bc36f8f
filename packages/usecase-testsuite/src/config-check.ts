/** Checks the shape of a configuration, all of it at once. */
import { didYouMean, type Problem, refuse } from '@pexen/core';
import type { JUnitOptions } from '@pexen/report';
import * as z from 'zod/mini';
import { mostWorkers, type SuiteConfig, type TerminalReporterOptions } from './define-suite.ts';

const ms = z.number().check(z.nonnegative());
const count = z.int().check(z.positive(), z.maximum(mostWorkers));
const callable = z.custom((value) => typeof value === 'function', 'must be a function');
const factory = z.custom(
  (value) => typeof value === 'object' && value !== null && 'make' in value,
  'must be a factory: executables({ … }), modules({ … }), tree({ … })',
);
const reporterName = z.enum(['terminal', 'live', 'lines']);
const lines = z.int().check(z.nonnegative());
const terminalOptions = z.strictObject({
  color: z.optional(z.boolean()),
  passes: z.optional(z.boolean()),
  outputLines: z.optional(lines),
  slowAfter: z.optional(ms),
} satisfies Record<keyof TerminalReporterOptions, unknown>);
const junitOptions = z.strictObject({
  file: z.string().check(z.minLength(1)),
  strict: z.optional(z.boolean()),
  name: z.optional(z.string()),
  properties: z.optional(z.record(z.string(), z.string())),
  output: z.optional(z.enum(['failed', 'all', 'none'])),
  outputLimit: z.optional(lines),
  findings: z.optional(z.boolean()),
} satisfies Record<keyof JUnitOptions, unknown>);
const reporter = z.union([
  reporterName,
  z.tuple([reporterName]),
  z.tuple([reporterName, terminalOptions]),
  z.tuple([z.literal('junit'), junitOptions]),
  z.custom((value) => typeof value === 'object' && value !== null && 'event' in value && 'close' in value),
]);

const shape = {
  from: z.record(z.string(), factory),
  facts: z.optional(z.union([callable, z.record(z.string(), z.unknown())])),
  pool: z.optional(callable),
  pools: z.optional(z.record(z.string(), callable)),
  groups: z.optional(
    z.record(
      z.string(),
      z.strictObject({ pool: callable, spare: z.optional(ms), exclusive: z.optional(z.boolean()) }),
    ),
  ),
  capacities: z.optional(z.union([z.map(z.unknown(), ms), z.record(z.string(), ms)])),
  workers: z.optional(count),
  loader: z.optional(z.string().check(z.minLength(1))),
  spare: z.optional(ms),
  shared: z.optional(z.record(z.string(), z.unknown())),
  deadline: z.optional(ms),
  retries: z.optional(z.union([ms, z.looseObject({ count: ms })])),
  timeout: z.optional(ms),
  idleTimeout: z.optional(ms),
  grace: z.optional(ms),
  slowAfter: z.optional(ms),
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
  if (!checked.success) refuse(checked.error.issues.flatMap((issue) => problemsOf(issue, file)));
  return config as SuiteConfig;
}

function problemsOf(issue: z.core.$ZodIssue, file: string | undefined): Problem[] {
  const where = issue.path.map(String).join('.');
  const location = file === undefined ? {} : { location: { file } };
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => unknownKey(key, where, location));
  }
  if (issue.code === 'invalid_union') {
    const inside = meantForm(issue).map((each) => ({ ...each, path: [...issue.path, ...each.path] }));
    if (inside.length > 0) return inside.flatMap((each) => problemsOf(each, file));
  }
  const message = issue.code === 'invalid_union' ? 'is none of the forms it may have' : issue.message;
  const hint = forms[String(issue.path[0])];
  return [
    {
      code: 'PEXEN_BAD_CONFIG',
      ...location,
      message: `${where === '' ? 'the configuration' : where}: ${message}`,
      ...(hint !== undefined && { hint }),
    },
  ];
}

/** How the entries are written that have several forms, or one that is easily mistaken. */
const forms: Readonly<Record<string, string>> = {
  from: "Write from: { sys: executables({ dir: 'tests' }) }.",
  reporters:
    "Write ['terminal', ['junit', { file: 'out/junit.xml' }]]; there are terminal, live, lines and junit.",
  retries: 'Write a number, or { count: 2, delay: 1000 }.',
};

/** What is wrong within the form that was meant: the one whose first part is right. Nothing where no form was meant. */
function meantForm({ errors }: z.core.$ZodIssueInvalidUnion): z.core.$ZodIssue[] {
  return (
    errors.find((issues) => issues.every(({ path: [first] }) => first !== undefined && first !== 0)) ?? []
  );
}

function unknownKey(key: string, where: string, location: Pick<Problem, 'location'>): Problem {
  const hint =
    where === ''
      ? (didYouMean(key, Object.keys(shape)) ?? `There are: ${Object.keys(shape).join(', ')}.`)
      : undefined;
  const path = where === '' ? key : `${where}.${key}`;
  return {
    code: 'PEXEN_BAD_CONFIG',
    ...location,
    message: `there is no entry "${path}"`,
    ...(hint !== undefined && { hint }),
  };
}
