/**
 * Every option of a suite, declared once: which values it may have, how they are written as text, and where it may stand. The check of
 * configurations, the options of the command, the variables of the environment, `pexen config` and docs/configuration.md all come from here, so an
 * option that is declared is everywhere.
 */
import { isIP } from 'node:net';
import { checkMeta, isPexenError, type TaskMeta } from '@pexen/core';
import {
  byName,
  callable,
  flag,
  flaw,
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
import { fileReporters, terminalKinds } from '@pexen/report';
import { historyLimits } from '@pexen/store';
import type { ChecksChoice } from '../checks/built-in.ts';
import type { Check } from '../checks/checks.ts';
import {
  type ClusterChoice,
  durabilities,
  type LintChoice,
  mostWorkers,
  poolNames,
  type ResourceRules,
  type RetentionChoice,
  resourceScopes,
  type SuiteConfig,
  type SuiteGroup,
  type SuiteOverride,
  type SuiteProfile,
  type TerminalReporterOptions,
} from '../config/define-suite.ts';
import { lintRuleNames } from '../lint/rules.ts';
import { asksForLastRun, parseQuery } from '../query/parse.ts';
import { isReporter } from '../reporters/other-reporters.ts';
import {
  isFileReporterName,
  isOtherReporterName,
  isTerminalName,
  reporterForms,
  reportNames,
  terminalNames,
  unknownReporter,
} from '../reporters/reporter-names.ts';
import type { ExitCode } from '../verdict/exit-code.ts';
import {
  choiceText,
  durationText,
  flagText,
  limitText,
  listText,
  nameText,
  pathText,
  reportersText,
  type TextForm,
  wholeText,
} from './text-forms.ts';

/** The name of an option: a key of the configuration. */
export type OptionName = keyof SuiteConfig;

/** An option of `pexen run` that sets an option of the suite. */
export interface CommandOption {
  /** As in the help: `-j, --workers <n>`. */
  readonly flags: string;
  /** What it does, as in the help; default: the `about` of the option. */
  readonly about?: string;
  /** What it sets, where it takes no value. */
  readonly value?: unknown;
  /** What it means without a value; values then stand behind `=`. */
  readonly bare?: string;
}

/** One option of a suite. */
export interface OptionDeclaration {
  readonly kind: Kind;
  /** What it says, in a few words that start small. */
  readonly about: string;
  /** The value that is in effect where none is stated, or words for it. */
  readonly default: unknown;
  /** How it is written as text. Absent: it can be stated in the configuration only. */
  readonly text?: TextForm;
  readonly command?: readonly CommandOption[];
  /** May a task state it itself, and an override by pattern? Then the default of the option is that of the tasks. */
  readonly isOfTasks?: true;
  /** The exit code that a run may have because of it. */
  readonly exitCode?: ExitCode;
}

/** Words for a default that is not a value: `one for each processor`. */
export class Words {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

const none = new Words('none');

/** Hints for entries that have several forms or are easily misunderstood. */
const forms = {
  from: "Write from: { sys: executables({ dir: 'tests' }) }.",
  reporters: `Write ['terminal', ['junit', { file: 'out/junit.xml' }]]; there are ${reporterForms}.`,
  catalogue: "Write catalogue: modules({ dir: 'providers' }), or a list of factories and tasks.",
  pool: "Write pool: 'threads', or pool: (request) => threads({ ...request, workers: 2 }).",
  pools: 'Write pools: { quick: threads }.',
  resources: "Write resources: { '/dev/gpu': { scope: 'machine' } }.",
  cluster: "Write cluster: { servers: 'tls://hub:4222' }.",
  groups: 'Write groups: { vm: { pool: () => processes({ workers: 5 }) } }.',
  retries: 'Write a number, or { count: 2, delay: 1000 }.',
  overrides: "Write overrides: [{ match: 'net/**', set: { timeout: 60_000 } }].",
  profiles: 'Write profiles: { ci: { retries: 1 } }.',
  lint: "Write lint: { ignore: { 'costly-lock': ['/db', 'net/**'] } }.",
  checks: "Write checks: { processes: 'fail', files: { in: ['/tmp'], report: 'warn' } }.",
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

const isTask = (value: unknown): boolean =>
  typeof value === 'function' || (isRecord(value) && 'task' in value && 'under' in value);
const catalogued = listOf(
  'factories and tasks',
  isA('a factory or a task', (value) => isFactory(value) || isTask(value), forms.catalogue),
  forms.catalogue,
);
const catalogue: Kind = (value, path) => (isFactory(value) ? [] : catalogued(value, path));

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

const unitsOrProperty = isA(
  'a number above 0, or the name of a property of nodes',
  (value) => (typeof value === 'number' && value > 0) || (typeof value === 'string' && value !== ''),
);
const rules = table(
  { scope: oneOf(...resourceScopes), capacity: unitsOrProperty } satisfies KindsOf<ResourceRules>,
  [],
  forms.resources,
);
const addresses: Kind = (value, path) =>
  typeof value === 'string' ? text(value, path) : listOf('addresses', text)(value, path);
const cluster = table(
  {
    ...{ servers: addresses, pool: text, token: text, user: text, password: text, nkey: text, creds: text },
    tls: table({ ca: text, cert: text, key: text }),
    ...{ insecure: flag, leaseMs: whole(500), endingMs: whole(500) },
  } satisfies KindsOf<ClusterChoice>,
  [],
  forms.cluster,
);
const resources: Kind = (value, path) => {
  const flaws = byName(rules, forms.resources)(value, path);
  if (flaws.length > 0) return flaws;
  return Object.entries(value as Readonly<Record<string, ResourceRules>>).flatMap(
    ([name, { scope, capacity }]) => {
      const at = [...path, name, 'capacity'];
      if (capacity !== undefined && name.includes('*'))
        return [flaw(at, 'must be that of one resource, and this is a pattern')];
      if (typeof capacity !== 'string' || scope === 'node') return [];
      return [flaw(at, "is the name of a property of nodes, and the scope is not 'node'", 'Write a number.')];
    },
  );
};

const group = table(
  { pool: callable(forms.groups), spare: milliseconds, exclusive: flag } satisfies KindsOf<SuiteGroup>,
  ['pool'],
  forms.groups,
);

const pool = isA(
  `a function that makes a pool, or ${poolNames.join(', ')}`,
  (value) => typeof value === 'function' || poolNames.includes(value as never),
  forms.pool,
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
const notAReporter = isA('a name, a name with options, or a reporter', () => false, forms.reporters);

/** A name, a name with options, or a custom reporter. */
const reporter: Kind = (value, path) => {
  if (isReporter(value)) return [];
  const [name, options, ...rest]: unknown[] = Array.isArray(value) ? value : [value];
  const inside = [...path, '1'];
  if (typeof name !== 'string' || rest.length > 0) return notAReporter(value, path);
  const kind = optionsOf(name);
  if (kind === undefined) return [unknownFlaw(name, path)];
  return options === undefined ? [] : kind(options, inside);
};

function unknownFlaw(name: string, path: Parameters<Kind>[1]): ReturnType<typeof flaw> {
  const { message, hint } = unknownReporter(name);
  return flaw(path, message, hint);
}

/** The kind of the options of a reporter; undefined where there is no such reporter. */
function optionsOf(name: string): Kind | undefined {
  if (isTerminalName(name)) return terminalOptions;
  if (isFileReporterName(name)) return table(fileReporters[name].kinds);
  return isOtherReporterName(name) ? record : undefined;
}

const retention = table({
  runs: whole(1),
  days: units,
  mebibytes: units,
} satisfies KindsOf<RetentionChoice>);

const secret = isA(
  'the name of a variable or a regular expression',
  (value) => value instanceof RegExp || (typeof value === 'string' && value !== ''),
);

/** An entry that is checked as in the metadata of tasks. */
function asInMeta(name: keyof TaskMeta, hint?: string): Kind {
  return (value, path) =>
    checkMeta({ [name]: value }, '').map((found) =>
      flaw(path, found.message.replace(`${name} `, ''), found.hint ?? hint),
    );
}

/** The metadata that an override may set. What a task is, its name, its args, what it provides, salvages, tears down and cleans up, is its own. */
export const overridableMeta = [
  ...(['timeout', 'idleTimeout', 'grace', 'slowAfter', 'retries', 'rerunnable'] as const),
  ...([
    'priority',
    'preference',
    'weight',
    'exclusive',
    'group',
    'pool',
    'on',
    'scope',
    'mayReboot',
  ] as const),
  ...(['tags', 'requires', 'after', 'before', 'uses', 'claims', 'inputs', 'digestEnv', 'when'] as const),
] satisfies readonly (keyof TaskMeta)[];

/** A query that asks what tasks are. */
const query: Kind = (value, path) => {
  const flaws = text(value, path);
  if (flaws.length > 0 || typeof value !== 'string') return flaws;
  try {
    return asksForLastRun(parseQuery(value))
      ? [flaw(path, 'must not ask for the last run', 'Select by paths, names, files, text: and tag:.')]
      : [];
  } catch (error) {
    if (!isPexenError(error)) throw error;
    return error.problems.map(({ message, hint }) => flaw(path, `is wrong: ${message}`, hint));
  }
};
const queries = listOf('queries', query, forms.overrides);
const match: Kind = (value, path) => {
  if (!Array.isArray(value)) return query(value, path);
  return value.length === 0 ? [flaw(path, 'names no query', forms.overrides)] : queries(value, path);
};

const override = table(
  {
    match,
    set: table(Object.fromEntries(overridableMeta.map((name) => [name, asInMeta(name)]))),
  } satisfies KindsOf<SuiteOverride>,
  ['match', 'set'],
  forms.overrides,
);

const reported = oneOf('warn', 'fail');
const filesReported = table({
  in: listOf('directories', text, forms.checks),
  report: reported,
} satisfies KindsOf<Exclude<NonNullable<ChecksChoice['files']>, string>>);
const ownCheck = table(
  {
    name: text,
    report: reported,
    isDated: flag,
    blind: callable(),
    look: callable(forms.checks),
  } satisfies KindsOf<Check>,
  ['name', 'look'],
  forms.checks,
);
const checks = table(
  {
    ...{ processes: reported, ports: reported, kernelLog: reported, coreDumps: reported },
    files: (value, path) => (isRecord(value) ? filesReported : reported)(value, path),
    own: listOf('checks', ownCheck, forms.checks),
  } satisfies KindsOf<ChecksChoice>,
  [],
  forms.checks,
);

const patterns: Kind = (value, path) =>
  typeof value === 'string' ? text(value, path) : listOf('patterns', text, forms.lint)(value, path);
const lint = table(
  {
    ignore: table(Object.fromEntries(lintRuleNames.map((rule) => [rule, patterns])), [], forms.lint),
  } satisfies KindsOf<LintChoice>,
  [],
  forms.lint,
);

/** All options but the profiles, which have the same ones. */
const unprofiled = {
  from: { kind: from, about: 'where the tasks come from: call path → factory', default: none },
  overrides: {
    kind: listOf('overrides', override, forms.overrides),
    about: 'metadata by pattern; for each entry the first override that matches counts',
    default: [],
  },
  catalogue: {
    kind: catalogue,
    about: 'tasks that are pulled in where something requires what they provide and the suite does not',
    default: none,
  },
  facts: {
    kind: isA('an object or a function', (value) => isRecord(value) || typeof value === 'function'),
    about: 'facts for the conditions of tasks, besides the standard ones',
    default: none,
  },
  factsTimeout: {
    kind: limit,
    about: 'how long one of these facts may take',
    default: 10_000,
    text: durationText('above 0'),
    exitCode: 2,
  },
  pool: {
    kind: pool,
    about: 'where tests run that name no pool',
    default: 'processes',
    text: choiceText(poolNames),
    command: [{ flags: '--pool <name>' }],
  },
  pools: { kind: byName(callable(forms.pools), forms.pools), about: 'further pools, by name', default: none },
  groups: {
    kind: byName(group, forms.groups),
    about: 'groups of tasks that run in a pool of their own, by name',
    default: none,
  },
  capacities: { kind: capacities, about: 'how many units of a resource there are', default: none },
  resources: {
    kind: resources,
    about: 'who shares resources, and how many units there are, by name or pattern',
    default: none,
  },
  cluster: {
    kind: cluster,
    about: 'the server through which runs on several machines share locks',
    default: none,
  },
  sharedResources: {
    kind: listOf('names of resources', text, "Write sharedResources: ['/srv/db']."),
    about: 'resources that exist once for all machines: tasks that hold one run in one shard',
    default: [],
    text: listText,
  },
  checks: { kind: checks, about: 'what tests must not leave behind', default: none },
  workers: {
    kind: whole(1, mostWorkers),
    about: 'how many tasks run at the same time',
    default: new Words('one for each processor'),
    text: wholeText(1, mostWorkers),
    command: [{ flags: '-j, --workers <n>' }],
  },
  spare: {
    kind: milliseconds,
    about: 'how many more tasks are handed to a pool than it has workers',
    default: new Words('1, inline 0'),
    text: wholeText(0),
  },
  loader: {
    kind: text,
    about: "a module that loads what Node's type stripping cannot",
    default: none,
    text: nameText,
  },
  shared: { kind: record, about: "entries of every task's dictionary", default: none },
  digestEnv: {
    kind: listOf('names of variables', text, "Write digestEnv: ['DATABASE_URL']."),
    about: 'environment variables that are part of the digests of all tasks',
    default: [],
    text: listText,
  },
  watchIgnore: {
    kind: listOf('patterns of files', text, "Write watchIgnore: ['out/**']."),
    about: 'files whose changes start no run of --watch',
    default: [],
    text: listText,
  },
  timeout: {
    kind: limit,
    about: 'how long each test may take: 500ms, 20s, 5m',
    default: 300_000,
    text: limitText,
    command: [{ flags: '--timeout <time>' }],
    isOfTasks: true,
    exitCode: 1,
  },
  idleTimeout: {
    kind: limit,
    about: 'how long each test may be silent',
    default: none,
    text: limitText,
    isOfTasks: true,
    exitCode: 1,
  },
  grace: {
    kind: milliseconds,
    about: 'how long a test may continue after it was asked to stop',
    default: 10_000,
    text: durationText('any'),
    command: [{ flags: '--grace <time>' }],
    isOfTasks: true,
  },
  slowAfter: {
    kind: milliseconds,
    about: 'the duration from which on a test counts as slow',
    default: 60_000,
    text: durationText('any'),
    isOfTasks: true,
  },
  retries: {
    kind: asInMeta('retries', forms.retries),
    about: 'how often a test that failed is run again',
    default: 0,
    text: wholeText(0),
    command: [{ flags: '--retries <n>' }],
    isOfTasks: true,
  },
  rerunnable: {
    kind: flag,
    about: 'may a test start again after its worker was lost?',
    default: true,
    text: flagText,
    isOfTasks: true,
  },
  failOnFlaky: {
    kind: flag,
    about: 'a test that passed only after retries fails the run',
    default: false,
    text: flagText,
    command: [{ flags: '--fail-on-flaky', value: true }],
    exitCode: 1,
  },
  bail: {
    kind: whole(1),
    about: 'after so many failures nothing more is started',
    default: none,
    text: wholeText(1),
    command: [
      {
        flags: '--bail <n>',
        about: 'start nothing more after n failures; 1 without a number',
        bare: '1',
      },
    ],
    exitCode: 1,
  },
  deadline: {
    kind: limit,
    about: 'the longest duration of the whole run',
    default: none,
    text: limitText,
    exitCode: 75,
  },
  shuffle: {
    kind: isA(
      'a seed, or true for another one in each run',
      (value) => typeof value === 'boolean' || text(value, []).length === 0,
    ),
    about: 'start tests in a random order; a seed repeats one',
    default: false,
    text: { forms: 'a seed, true or false', read: (given) => flagText.read(given) ?? nameText.read(given) },
    command: [{ flags: '--shuffle <seed>', bare: 'true' }],
  },
  failedFirst: {
    kind: flag,
    about: 'start what failed in the last run before everything else',
    default: false,
    text: flagText,
    command: [{ flags: '--failed-first', value: true }],
  },
  repeat: {
    kind: whole(1),
    about: 'run everything n times, each time as a run of its own',
    default: 1,
    text: wholeText(1),
    command: [{ flags: '--repeat <n>' }],
    exitCode: 1,
  },
  untilFail: {
    kind: flag,
    about: 'repeat until a round fails, n times at the most with --repeat',
    default: false,
    text: flagText,
    command: [{ flags: '--until-fail', value: true }],
    exitCode: 1,
  },
  label: {
    kind: text,
    about: 'distinguishes this run from those of other machines in a merged report',
    default: none,
    text: nameText,
    command: [{ flags: '--label <name>' }],
  },
  rebootCommand: {
    kind: text,
    about: 'a command line that reboots the machine when a task asks for it',
    default: none,
    text: nameText,
    exitCode: 102,
  },
  keep: {
    kind: flag,
    about: 'keep the private working directories of programs that fail',
    default: false,
    text: flagText,
    command: [{ flags: '--keep', value: true }],
  },
  journal: {
    kind: flag,
    about: 'is the run recorded, so that it can be resumed?',
    default: true,
    text: flagText,
    command: [
      {
        flags: '--no-journal',
        about: 'do not record the run, so that it cannot be resumed',
        value: false,
      },
    ],
  },
  durability: {
    kind: oneOf(...durabilities),
    about: 'what recorded results survive: the death of the process, a power failure, or nothing: memory',
    default: 'process',
    text: choiceText(durabilities),
    command: [{ flags: '--durability <of>' }],
  },
  requireJournal: {
    kind: flag,
    about: 'stop, with exit code 3, if the run cannot be recorded',
    default: false,
    text: flagText,
    command: [{ flags: '--require-journal', value: true }],
    exitCode: 3,
  },
  stateDir: {
    kind: text,
    about: 'the folder for what runs leave behind',
    default: '.pexen',
    text: pathText,
    command: [{ flags: '--state-dir <dir>' }],
  },
  retention: {
    kind: retention,
    about: 'how much of recorded runs stays',
    default: { runs: 100, days: 30, mebibytes: 2048 },
  },
  history: {
    kind: (value, path) => (typeof value === 'boolean' ? [] : retention(value, path)),
    about: 'are durations and verdicts of runs kept, and of how many?',
    default: historyLimits,
    text: flagText,
  },
  secrets: {
    kind: listOf('names and expressions', secret, "Write secrets: ['*_TOKEN', /ghp_\\w+/]."),
    about: 'names of variables and expressions whose values are never recorded',
    default: [],
    text: listText,
  },
  lint: {
    kind: lint,
    about: 'what pexen lint does not report',
    default: none,
  },
  expectedFailures: {
    kind: byName(text),
    about: 'tests that cannot pass yet: pattern over call paths → reason',
    default: none,
  },
  reporters: {
    kind: listOf('reporters', reporter, forms.reporters),
    about: 'who shows and writes what happens',
    default: ['terminal'],
    text: reportersText,
    command: [
      {
        flags: '--reporter <name>',
        about: `${terminalNames.join(', ')}, or NAME[=FILE]: ${reportNames.join(', ')}, a package or a path; instead of those configured; may be given several times`,
      },
    ],
    exitCode: 3,
  },
  verbosity: {
    kind: oneOf('quiet', 'normal', 'verbose'),
    about: 'how much the reporters for terminals show',
    default: 'normal',
    text: choiceText(['quiet', 'normal', 'verbose']),
    command: [
      {
        flags: '-v, --verbose',
        about: 'also tests that passed, every finding, and all output',
        value: 'verbose',
      },
      { flags: '-q, --quiet', about: 'only failures and the summary', value: 'quiet' },
    ],
  },
  showOutput: {
    kind: oneOf('failed', 'all', 'live'),
    about: 'of which tests output is shown: of those that failed, of all, or live: each line as it comes',
    default: 'failed',
    text: choiceText(['failed', 'all', 'live']),
    command: [{ flags: '--show-output <of>' }],
  },
  failures: {
    kind: oneOf('full', 'short'),
    about: 'how the summary repeats failures',
    default: 'full',
    text: choiceText(['full', 'short']),
    command: [{ flags: '--failures <how>' }],
  },
  ui: {
    kind: isA(
      'true, false or a port from 1 to 65535',
      (value) => typeof value === 'boolean' || whole(1, 65_535)(value, []).length === 0,
    ),
    about: 'show the run in a browser while it goes on, at a free port unless one is stated',
    default: false,
    text: {
      forms: 'true, false or a port from 1 to 65535',
      read: (given) => flagText.read(given) ?? wholeText(1, 65_535).read(given),
    },
    command: [{ flags: '--ui <port>', bare: 'true' }],
    exitCode: 2,
  },
  uiHost: {
    kind: isA('an IP address', (value) => typeof value === 'string' && isIP(value) !== 0),
    about: 'the IP address at which it is shown; by default only this machine reaches it',
    default: '127.0.0.1',
    text: { forms: 'an IP address', read: (given) => (isIP(given) === 0 ? undefined : given) },
    command: [{ flags: '--ui-host <address>' }],
    exitCode: 2,
  },
  uiControl: {
    kind: flag,
    about: 'let the page stop the run and run tests again',
    default: false,
    text: flagText,
    command: [{ flags: '--ui-control', value: true }],
    exitCode: 2,
  },
} satisfies { readonly [Name in Exclude<OptionName, 'profiles'>]-?: OptionDeclaration };

/** The options, in the order in which people read them. */
export const suiteOptions: { readonly [Name in OptionName]-?: OptionDeclaration } = {
  ...unprofiled,
  profiles: {
    kind: byName(table(kindsOf(unprofiled) satisfies KindsOf<SuiteProfile>), forms.profiles),
    about: 'other values of options, by the name of the profile',
    default: none,
  },
};

/** Names and declarations, in order. */
export const declaredOptions = Object.entries(suiteOptions) as readonly (readonly [
  OptionName,
  OptionDeclaration,
])[];

/** The kinds of a whole configuration. */
export const configurationKind: Kind = table(kindsOf(suiteOptions), ['from']);

function kindsOf<Name extends string>(
  options: Readonly<Record<Name, OptionDeclaration>>,
): Record<Name, Kind> {
  const entries = Object.entries<OptionDeclaration>(options).map(([name, { kind }]) => [name, kind]);
  return Object.fromEntries(entries) as Record<Name, Kind>;
}

/** The variable of the environment that states an option: `PEXEN_FAIL_ON_FLAKY`. */
export function variableOf(name: string): string {
  return `PEXEN_${name.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}
