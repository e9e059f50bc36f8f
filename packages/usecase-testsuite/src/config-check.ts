/** Validates the shape of a configuration and reports all problems together. */
import { checkMeta, didYouMean, type Problem, refuse } from '@pexen/core';
import {
  byName,
  callable,
  type Flaw,
  flag,
  flaw,
  hasMethods,
  isA,
  isRecord,
  type Kind,
  type KindsOf,
  listOf,
  number,
  oneOf,
  record,
  table,
  text,
  whole,
} from '@pexen/core/options';
import { junitKinds, terminalKinds } from '@pexen/report';
import {
  durabilities,
  mostWorkers,
  type ReporterName,
  type RetentionChoice,
  type SuiteConfig,
  type SuiteGroup,
  type TerminalReporterOptions,
} from './define-suite.ts';

/** Hints for entries that have several forms or are easily misunderstood. */
const forms = {
  from: "Write from: { sys: executables({ dir: 'tests' }) }.",
  reporters:
    "Write ['terminal', ['junit', { file: 'out/junit.xml' }]]; the reporters are terminal, live, lines and junit.",
  pool: 'Write pool: threads, or pool: (request) => threads({ ...request, workers: 2 }).',
  pools: 'Write pools: { quick: threads }.',
  groups: 'Write groups: { vm: { pool: () => processes({ workers: 5 }) } }.',
  retries: 'Write a number, or { count: 2, delay: 1000 }.',
};

const isFactory = (value: unknown): boolean => isRecord(value) && 'make' in value;
const factories = byName(
  isA('a factory: executables({ … }), modules({ … }), tree({ … })', isFactory, forms.from),
  forms.from,
);
const from: Kind = (value, path) =>
  isFactory(value)
    ? [flaw(path, 'is a factory itself', "Give its tasks a call path: from: { '': tree({ dir: '.' }) }.")]
    : factories(value, path);

const limit = isA(
  'a number of milliseconds above 0',
  (value) => typeof value === 'number' && value > 0,
  'For none, write Infinity.',
);
const milliseconds = number(0);
const units = isA('a number above 0', (value) => typeof value === 'number' && value > 0);
const capacities: Kind = (value, path) =>
  value instanceof Map
    ? [...value].flatMap(([resource, count]) => units(count, [...path, String(resource)]))
    : byName(units)(value, path);

const group = table(
  { pool: callable(forms.groups), spare: milliseconds, exclusive: flag } satisfies KindsOf<SuiteGroup>,
  ['pool'],
  forms.groups,
);

const { color, passes, outputLines, slowAfter, failures, showOutput, verbosity } = terminalKinds;
const terminalOptions = table({
  color,
  passes,
  outputLines,
  slowAfter,
  failures,
  showOutput,
  verbosity,
} satisfies KindsOf<TerminalReporterOptions>);
const writeJUnit = "Write ['junit', { file: 'out/junit.xml' }].";
const junitOptions = table(junitKinds, ['file'], writeJUnit);
const terminals: readonly ReporterName[] = ['terminal', 'live', 'lines'];

const notAReporter = isA('a name, a name with options, or a reporter', () => false, forms.reporters);

/** Methods of which a custom reporter has at least one. */
const handlers = ['update', 'event', 'taskUpdate'];

/** A name, a name with options, or a custom reporter. */
const reporter: Kind = (value, path) => {
  if (hasMethods(value, ['close']) && handlers.some((name) => hasMethods(value, [name]))) return [];
  const [name, options, ...rest]: unknown[] = Array.isArray(value) ? value : [value];
  const names = [...terminals, 'junit'];
  const inside = [...path, '1'];
  if (typeof name !== 'string' || rest.length > 0) return notAReporter(value, path);
  if (!names.includes(name))
    return [flaw(path, `there is no reporter "${name}"`, didYouMean(name, names) ?? forms.reporters)];
  if (name === 'junit' && options === undefined) return [flaw(inside, 'needs the option "file"', writeJUnit)];
  if (name === 'junit') return junitOptions(options, inside);
  return options === undefined ? [] : terminalOptions(options, inside);
};

/** As in the metadata of tasks. */
const retries: Kind = (value, path) =>
  checkMeta({ retries: value }, '').map(({ message, hint }) =>
    flaw(path, message.replace(/^retries /, ''), hint ?? forms.retries),
  );

const retention = table({
  runs: whole(1),
  days: units,
  mebibytes: units,
} satisfies KindsOf<RetentionChoice>);
const history: Kind = (value, path) => (typeof value === 'boolean' ? [] : retention(value, path));

const secret = isA(
  'the name of a variable or a regular expression',
  (value) => value instanceof RegExp || (typeof value === 'string' && value !== ''),
);

const configuration = table(
  {
    from,
    facts: isA('an object or a function', (value) => isRecord(value) || typeof value === 'function'),
    factsTimeout: limit,
    pool: callable(forms.pool),
    pools: byName(callable(forms.pools), forms.pools),
    groups: byName(group, forms.groups),
    capacities,
    sharedResources: listOf('names of resources', text, "Write sharedResources: ['/srv/db']."),
    workers: whole(1, mostWorkers),
    loader: text,
    spare: milliseconds,
    shared: record,
    digestEnv: listOf('names of variables', text, "Write digestEnv: ['DATABASE_URL']."),
    watchIgnore: listOf('patterns of files', text, "Write watchIgnore: ['out/**']."),
    deadline: limit,
    retries,
    timeout: limit,
    bail: whole(1),
    failOnFlaky: flag,
    idleTimeout: limit,
    grace: milliseconds,
    slowAfter: milliseconds,
    rerunnable: flag,
    rebootCommand: text,
    keep: flag,
    journal: flag,
    durability: oneOf(...durabilities),
    stateDir: text,
    requireJournal: flag,
    retention,
    history,
    secrets: listOf('names and expressions', secret, "Write secrets: ['*_TOKEN', /ghp_\\w+/]."),
    expectedFailures: byName(text),
    reporters: listOf('reporters', reporter, forms.reporters),
  } satisfies KindsOf<SuiteConfig>,
  ['from'],
);

/**
 * Returns the configuration if it is valid.
 * @throws PexenError PEXEN_BAD_CONFIG with every problem and its path in the configuration.
 */
export function checkConfig(config: unknown, file?: string): SuiteConfig {
  refuse(configuration(config, []).map((each) => problemOf(each, file)));
  return config as SuiteConfig;
}

function problemOf({ path, complaint, hint }: Flaw, file: string | undefined): Problem {
  return {
    code: 'PEXEN_BAD_CONFIG',
    ...(file !== undefined && { location: { file } }),
    message: path.length === 0 ? `the configuration ${complaint}` : `${path.join('.')}: ${complaint}`,
    ...(hint !== undefined && { hint }),
  };
}
