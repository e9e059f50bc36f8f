/** The command line: its commands and options. */
import { didYouMean } from '@pexen/core';
import {
  declaredOptions,
  defaultRerunClasses,
  type ExitCode,
  exitCodes,
  type GraphLayer,
  graphLayers,
  type LintRule,
  lintRuleNames,
  type OptionName,
  rerunClasses,
} from '@pexen/usecase-testsuite';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import type { AskOptions } from './commands/asked-run.ts';
import { type BisectOptions, bisect } from './commands/bisect.ts';
import { type ConfigOptions, config, optionsHelp } from './commands/config.ts';
import { type FactsOptions, facts } from './commands/facts.ts';
import { type GraphCommandOptions, graph, graphFormats } from './commands/graph.ts';
import { type HistoryOptions, history } from './commands/history.ts';
import { type InitOptions, init } from './commands/init.ts';
import { type InitSecurityOptions, initSecurity } from './commands/init-security.ts';
import { type LintCommandOptions, lint, lintHelp } from './commands/lint.ts';
import { type ListOptions, list } from './commands/list.ts';
import { locks } from './commands/locks.ts';
import { runChoice } from './commands/memory-options.ts';
import { type NatsOptions, type NodeOptions, nats, node } from './commands/node.ts';
import { type NodesOptions, nodes } from './commands/nodes.ts';
import { resumePending } from './commands/pending.ts';
import { replay } from './commands/replay.ts';
import { type ReportOptions, report } from './commands/report.ts';
import { resumeUnit } from './commands/resume-unit.ts';
import { type RunOptions, run } from './commands/run.ts';
import { type RunsOptions, runs } from './commands/runs.ts';
import { addStatedOptions, all, allNames, bareValues } from './commands/stated-options.ts';
import { status } from './commands/status.ts';
import { why } from './commands/why.ts';
import { ownVersion } from './own-version.ts';
import { printProblems } from './print-problems.ts';
import { parseShard } from './shard-argument.ts';

/** Runs the command that the arguments name and resolves with its exit code. Never rejects. */
export async function main(words: readonly string[]): Promise<ExitCode> {
  let exitCode: ExitCode = exitCodes.ok;
  const completes = words[0] === completeCommand;
  const program = commandLine((code) => {
    exitCode = code;
  }, completes);
  try {
    if (completes) await (await import('./completion.ts')).addCompletion(program, process.cwd());
    await program.parseAsync(withOptionalValues(words), { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof UsageError) {
      process.stderr.write(`error: ${error.message}\n(see pexen run --help)\n`);
      return exitCodes.usage;
    }
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    return printProblems(error, process.stderr);
  }
}

/** `completes`: the command `complete` is added by the library that carries it out. */
function commandLine(leave: (exitCode: ExitCode) => void, completes: boolean): Command {
  const program = new Command('pexen')
    .description('Runs test suites in parallel, respecting dependencies and locks.')
    .version(ownVersion())
    .showSuggestionAfterError()
    .configureHelp({ showGlobalOptions: true, optionTerm })
    .exitOverride();
  addRun(program, leave);
  addResume(program, leave);
  addRuns(program, leave);
  addWhy(program, leave);
  addStatus(program, leave);
  addLocks(program, leave);
  addList(program, leave);
  addGraph(program, leave);
  addHistory(program, leave);
  addLint(program, leave);
  addReport(program, leave);
  addFacts(program, leave);
  addConfig(program, leave);
  addNode(program, leave);
  addNodes(program, leave);
  addNats(program, leave);
  addBisect(program, leave);
  addReplay(program, leave);
  addInit(program, leave);
  if (!completes) addComplete(program);
  for (const each of [program, ...program.commands]) {
    const words = each === program ? 'pexen' : `pexen ${each.name()}`;
    each.showHelpAfterError(`(see ${words} --help)`);
    each.configureOutput({ outputError: (text, write) => write(withSuggestion(text)) });
  }
  return program;
}

const completeCommand = 'complete';

/** For the help, and for its mistakes: the command itself is loaded on demand. */
function addComplete(program: Command): void {
  program
    .command(completeCommand)
    .description('print the completion script for a shell: source <(pexen complete bash)')
    .argument('<shell>', 'bash, zsh or fish');
}

/** Names of options in other test runners; misspelled names are suggested by similarity. */
const otherNames: Readonly<Record<string, string>> = {
  ...named('--workers', [
    'jobs',
    'parallel',
    'concurrency',
    'threads',
    'processes',
    'max-workers',
    'maxWorkers',
  ]),
  ...named('--reporter', ['format', 'formatter', 'output-format']),
  ...named('--junit', ['xml', 'junitxml', 'junit-xml', 'output']),
  ...named('--tag', ['mark', 'group']),
  ...named("a query, as in: pexen run 'net/**'", ['filter', 'only', 'test', 'testNamePattern']),
  ...named('NO_COLOR=1, or color in the options of the reporter', [
    'color',
    'colour',
    'no-color',
    'no-colour',
  ]),
};

function named(ours: string, theirs: readonly string[]): Record<string, string> {
  return Object.fromEntries(theirs.map((name) => [name, ours]));
}

function withSuggestion(text: string): string {
  const [, name = ''] = /^error: unknown option '--?([^=']+)/.exec(text) ?? [];
  const ours = Object.hasOwn(otherNames, name) ? otherNames[name] : undefined;
  return ours === undefined ? text : `${text.split('\n', 1)[0]}\n(Did you mean ${ours}?)\n`;
}

function addInit(program: Command, leave: (exitCode: ExitCode) => void): void {
  program
    .command('init')
    .description('write a first configuration, and add pexen and a script to package.json')
    .option('--dir <dir>', 'the folder', '.')
    .option('--with-test', 'write a first test as well')
    .addOption(new Option('--yaml', 'write a suite in YAML, with two tests').conflicts('withTest'))
    .action(async (options: InitOptions) => leave(await init(options, process.stdout)));
}

function addRun(program: Command, leave: (exitCode: ExitCode) => void): void {
  const command = selecting(program.command('run')).description(
    'run the suite, or the tasks that a query selects and everything they need',
  );
  running(addStatedOptions(command))
    .option('--watch', 'run again what changes affect, until q or Ctrl-C')
    .option('--resume <run>', 'continue a run that was interrupted: pexen resume')
    .option(
      '--rerun <what>',
      'run again what failed, flaky, skipped, not-run or changed; several with commas; by default failed, not-run and changed',
    )
    .option(
      '--replay <run>',
      'run the tasks of a run again, in its order and with its overlaps; of the last one without a number',
    )
    .option('--of <run>', 'with --rerun: of this run, by its number or id; default: the last one')
    .action(async (queries: string[], options: RunOptions) => leave(await run(queries, options)))
    .addHelpText('after', runHelp);
}

/** Options of new runs, which a resume takes over from its run. */
const ofNewRuns: ReadonlySet<OptionName> = new Set<OptionName>([
  ...(['shuffle', 'failedFirst', 'repeat', 'untilFail', 'label', 'journal'] as const),
]);

interface ResumeOptions extends RunOptions {
  readonly pending?: boolean;
  readonly installUnit?: boolean;
}

function addResume(program: Command, leave: (exitCode: ExitCode) => void): void {
  const command = program
    .command('resume')
    .description('continue a run that was interrupted: keep its results, and run the rest')
    .argument('[run]', 'the run, by its number or id; default: the last one')
    .allowExcessArguments();
  const others = declaredOptions.map(([name]) => name).filter((name) => !ofNewRuns.has(name));
  running(addStatedOptions(configured(command), others))
    .option('--pending', 'the run that waits for a reboot, if there is one')
    .option('--install-unit', 'print the unit of systemd that continues runs after a reboot')
    .action(async (which: string | undefined, options: ResumeOptions, { args }: Command) => {
      if (options.installUnit === true) return void process.stdout.write(resumeUnit(options.stateDir));
      if (options.pending === true) return leave(await resumePending(options, process.stdout));
      if (args.length > 1) runChoice(args.join(' '));
      leave(await run([], { ...options, resume: which ?? 'latest' }));
    })
    .addHelpText('after', runHelp);
}

function addRuns(program: Command, leave: (exitCode: ExitCode) => void): void {
  stateful(configured(program.command('runs')))
    .description('show the recorded runs')
    .option('--json', 'one JSON document instead of lines')
    .option('--prune', 'remove the runs that are beyond the limits of the configuration, or beyond these:')
    .option('--keep-runs <n>', 'with --prune: so many, the newest', number('runs', 1))
    .option('--keep-days <n>', 'with --prune: of so many days', number('days', 1))
    .option('--keep-mebibytes <n>', 'with --prune: as many as take so much room', number('mebibytes', 1))
    .option('--dry-run', 'with --prune: only show what would be removed')
    .action(async (options: RunsOptions) => leave(await runs(options, process.stdout)));
}

/** The options of commands that run a suite, besides those that state options of the suite. */
function running(command: Command): Command {
  return command
    .option('--junit <file>', 'write JUnit XML as well')
    .option('--inspect <port>', 'run one test in a worker that waits for a debugger; port 9229', port)
    .option('--record <file>', 'write what the run decides, for pexen replay')
    .option('--dry-run', 'show what a resume or a rerun would do with each task, and why');
}

function stateful(command: Command): Command {
  return addStatedOptions(command, ['stateDir']);
}

function addList(program: Command, leave: (exitCode: ExitCode) => void): void {
  stateful(selecting(program.command('list')))
    .description('show what would run, in which order, and which task pulled in which; runs no task')
    .option(
      '--explain',
      'why each task is in the list and where it runs, and what was chosen from the catalogue',
    )
    .option('--json', 'one JSON document instead of lines')
    .action(async (queries: string[], options: ListOptions) =>
      leave(await list(queries, options, process.stdout)),
    );
}

function addGraph(program: Command, leave: (exitCode: ExitCode) => void): void {
  stateful(selecting(program.command('graph')))
    .description('show the tasks as a graph, for Graphviz or Mermaid; runs no task')
    .addOption(new Option('--format <format>', 'the language').choices(graphFormats).default('dot'))
    .addOption(
      new Option(
        '--layers <names>',
        `what is shown besides requirements: ${graphLayers.join(', ')}; default: all`,
      ).argParser(layersIn),
    )
    .option('--most-nodes <n>', 'with more tasks, folders stand for them; default: 100', number('nodes', 1))
    .action(async (queries: string[], options: GraphCommandOptions) =>
      leave(await graph(queries, options, process.stdout)),
    );
}

function layersIn(text: string): readonly GraphLayer[] {
  const names = allNames(text);
  const wrong = names.find((name) => !graphLayers.some((layer) => layer === name) && name !== 'none');
  if (wrong !== undefined)
    throw new InvalidArgumentError(`"${wrong}" is not one of ${graphLayers.join(', ')}, none.`);
  return graphLayers.filter((layer) => names.includes(layer));
}

/** The options of commands that ask a run. */
function asking(command: Command): Command {
  return stateful(located(command))
    .option('--run <run>', 'the run, by its number or id; default: the one that goes on, else the last one')
    .option('--json', 'one JSON document instead of lines');
}

function addWhy(program: Command, leave: (exitCode: ExitCode) => void): void {
  asking(program.command('why'))
    .description('show why tasks of a run wait, down to what holds them, or why they ended as they did')
    .argument('<query...>', 'call paths, names and globs: net/ping')
    .action(async (queries: string[], options: AskOptions) =>
      leave(await why(queries, options, process.stdout)),
    );
}

function addStatus(program: Command, leave: (exitCode: ExitCode) => void): void {
  asking(program.command('status'))
    .description(
      'show the runs that go on: what runs, what waits for what, what is held, and how far they are',
    )
    .action(async (options: AskOptions) => leave(await status(options, process.stdout)));
}

function addLocks(program: Command, leave: (exitCode: ExitCode) => void): void {
  asking(program.command('locks'))
    .description('show the resources of a run: who holds them, who waits or waited, and their state')
    .action(async (options: AskOptions) => leave(await locks(options, process.stdout)));
}

function addHistory(program: Command, leave: (exitCode: ExitCode) => void): void {
  stateful(configured(program.command('history')))
    .description('show how long tasks take, how they ended in the last runs, and which are flaky')
    .argument(
      '[query...]',
      "call paths, names, globs and conditions: net/ping, 'status:failed'; one task: all of its runs",
    )
    .option('--json', 'one JSON document instead of lines')
    .option('--export <file>', 'write the history as lines of JSON, for another machine or for --weights')
    .option('--import <file>', `add the runs of an export${again}`, all)
    .action(async (queries: string[], options: HistoryOptions) =>
      leave(await history(queries, options, process.stdout)),
    );
}

function addLint(program: Command, leave: (exitCode: ExitCode) => void): void {
  const command = querying(program.command('lint'));
  addStatedOptions(command, ['workers', 'stateDir'])
    .description(
      'find what could be better: costly and useless locks, requirements, priorities, timeouts, tests that always or never fail; runs no task',
    )
    .addOption(new Option('--rule <name>', `only what this rule finds${again}`).argParser(ruleIn))
    .option('--json', 'one JSON document instead of lines')
    .action(async (queries: string[], options: LintCommandOptions) =>
      leave(await lint(queries, options, process.stdout)),
    )
    .addHelpText('after', lintHelp);
}

function ruleIn(text: string, before: readonly LintRule[] = []): readonly LintRule[] {
  const rule = lintRuleNames.find((name) => name === text);
  if (rule !== undefined) return [...before, rule];
  throw new InvalidArgumentError(
    didYouMean(text, lintRuleNames) ?? `There are: ${lintRuleNames.join(', ')}.`,
  );
}

function addReport(program: Command, leave: (exitCode: ExitCode) => void): void {
  addStatedOptions(located(program.command('report')), ['stateDir', 'ui', 'uiHost'])
    .description('merge the reports of runs: shards, reruns, machines; runs no task')
    .argument(
      '[run...]',
      'directories of runs, copies of these, saved reports, or numbers; default: the latest run',
    )
    .option('--reporter <name>', `as of pexen run, instead of lines${again}`, all)
    .option('--junit <file>', 'write JUnit XML as well')
    .option('--save <file>', 'only write one file with these runs, to be merged with others later')
    .option('-v, --verbose', 'also tests that passed')
    .action(async (places: string[], options: ReportOptions) => leave(await report(places, options)));
}

function addFacts(program: Command, leave: (exitCode: ExitCode) => void): void {
  configured(program.command('facts'))
    .description('show what conditions of tests can ask for on this machine; runs no task')
    .option('--json', 'one JSON document instead of lines')
    .action(async (options: FactsOptions) => leave(await facts(options, process.stdout)));
}

function addConfig(program: Command, leave: (exitCode: ExitCode) => void): void {
  addStatedOptions(configured(program.command('config')))
    .description('show the value of each option and where it comes from; runs no task')
    .argument('[task]', 'a query: show the metadata of these tasks instead')
    .option('--print', 'show them; the default')
    .option('--json', 'one JSON document instead of lines')
    .addHelpText('after', () => `\n${optionsHelp().join('\n')}`)
    .action(async (query: string | undefined, options: ConfigOptions) =>
      leave(await config(query, options, process.stdout)),
    );
}

function option(flags: string, text: string, name: string): Option {
  return new Option(flags, text).env(`PEXEN_NODE_${name}`);
}

/**
 * The options of commands that reach nodes. Passwords are read from the environment and from the file only: others on the machine can read command
 * lines.
 */
function reaching(command: Command): Command {
  return command
    .addOption(option('--servers <urls>', 'the NATS servers, with commas; default: this machine', 'SERVERS'))
    .addOption(option('--pool <name>', 'the pool of the nodes; default: default', 'POOL'))
    .addOption(option('--tls-ca <file>', 'the authorities to trust, in PEM', 'TLS_CA'))
    .addOption(option('--tls-cert <file>', 'the certificate of this side', 'TLS_CERT'))
    .addOption(option('--tls-key <file>', 'the key of this certificate', 'TLS_KEY'))
    .addOption(
      option('--nkey <file>', 'a file with the key of this side, as --init-security writes it', 'NKEY'),
    )
    .addOption(option('--creds <file>', 'a file with credentials for the servers', 'CREDS'))
    .addOption(option('--token <token>', 'the token for the servers', 'TOKEN').hideHelp())
    .addOption(option('--user <name>', 'the user for the servers', 'USER').hideHelp())
    .addOption(option('--password <text>', 'the password for the servers', 'PASSWORD').hideHelp())
    .option('--insecure', 'connect to other machines without TLS');
}

function addNodes(program: Command, leave: (exitCode: ExitCode) => void): void {
  reaching(program.command('nodes'))
    .description('show the nodes of a pool, and what they are and have; runs no task')
    .option('--on <condition>', 'what each lacks for this, as in: arch=arm64 && has=kvm')
    .option('--probe', 'they run their probes first')
    .option('--json', 'one JSON document instead of lines')
    .action(async (options: NodesOptions) => leave(await nodes(options, process.stdout)));
}

function addNode(program: Command, leave: (exitCode: ExitCode) => void): void {
  reaching(program.command('node'))
    .description('run tests for other machines: a node of a pool over NATS')
    .addOption(option('--name <name>', 'the name of the node; default: that of the machine', 'NAME'))
    .addOption(
      option('--label <name=value>', `what is special about it${again}`, 'LABELS').argParser(withCommas),
    )
    .addOption(
      option('--probe <name=command>', `a command that finds out what it has${again}`, 'PROBES').argParser(
        inLines,
      ),
    )
    .addOption(
      option(
        '--slots <n>',
        'how many tests run at the same time; default: the number of cores',
        'SLOTS',
      ).argParser(number('slots', 1)),
    )
    .addOption(
      option('--root <dir>', `only modules in this folder are run; default: here${again}`, 'ROOT').argParser(
        all,
      ),
    )
    .addOption(option('--file <file>', 'these options, and token, user and password, as JSON', 'FILE'))
    .option('--init-security <dir>', 'write keys and the configuration of a server for --pool and --servers')
    .option('--nodes <names>', 'with --init-security: the nodes that get a key, with commas', withCommas)
    .option(
      '--revoke <names>',
      'with --init-security: the nodes whose keys are removed, with commas',
      withCommas,
    )
    .action(async (options: NodeOptions & InitSecurityOptions) =>
      leave(await (options.initSecurity === undefined ? node(options) : initSecurity(options))),
    )
    .addHelpText('after', nodeHelp);
}

/** `arch=arm64,disk=ssd` */
function withCommas(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, ...text.split(',')];
}

/** Commands may have commas. */
function inLines(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, ...text.split('\n').filter((line) => line.trim() !== '')];
}

const nodeHelp = `
The first Ctrl-C waits for what runs; the second ends it. Secrets: PEXEN_NODE_TOKEN, PEXEN_NODE_USER, PEXEN_NODE_PASSWORD.`;

function addNats(program: Command, leave: (exitCode: ExitCode) => void): void {
  program
    .command('nats')
    .description('run a NATS server for first steps, which only this machine can reach')
    .option('--port <n>', 'its port, 0 for a free one; default: 4222', (text) =>
      text === '0' ? 0 : port(text),
    )
    .option('--config <file>', 'its configuration, as pexen node --init-security writes it')
    .action(async (options: NatsOptions) => leave(await nats(options)));
}

function addBisect(program: Command, leave: (exitCode: ExitCode) => void): void {
  addStatedOptions(configured(program.command('bisect')), ['workers', 'stateDir'])
    .description(
      'find the test that makes another one fail, by its order or its overlap: runs parts of a recorded run again',
    )
    .argument('[query...]', 'the tests that failed: net/ping; default: all that failed in the run')
    .option('--run <run>', 'the run, by its number or id; default: the last one in which one of them failed')
    .option('--runs <n>', 'run at most so many times; default: 100', number('runs', 1))
    .action(async (queries: string[], options: BisectOptions) =>
      leave(await bisect(queries, options, process.stdout)),
    )
    .addHelpText(
      'after',
      '\nCtrl-C stops the search; the same command goes on with it. Exit codes: 0 the search is over, 75 it is not, 2 there is nothing to search.',
    );
}

function addReplay(program: Command, leave: (exitCode: ExitCode) => void): void {
  program
    .command('replay')
    .description('repeat the decisions of a recorded run and compare them; runs no task')
    .argument('<file>', 'what pexen run --record wrote')
    .action((file: string) => leave(replay(file, process.stdout)));
}

function selecting(command: Command): Command {
  return querying(command)
    .option('--shard <i/n>', 'only the i-th of n parts of these tasks, and what it needs', parseShard)
    .option('--weights <file>', 'with --shard: expected durations, the same file for all shards');
}

/** The options of commands that select tasks of the whole suite. */
function querying(command: Command): Command {
  return configured(command)
    .argument(
      '[query...]',
      "paths, files, names, globs and conditions: net/ping, tests/a.ts:12, 'status:failed !tag:slow'",
    )
    .option('-t, --tag <tag>', `only tasks with this tag${again}, any of them is enough`, all)
    .option(
      '-g, --grep <text>',
      `only tasks whose call path contains this text${again}, any of them is enough`,
      all,
    );
}

function configured(command: Command): Command {
  return located(command)
    .option('--profile <name>', `a profile of the configuration${again}; the last one comes first`, allNames)
    .option('--set <name=value>', `any option of the configuration, as in retries=2${again}`, all);
}

function located(command: Command): Command {
  return command.option('-c, --config <file>', configText);
}

const runHelp = `
Exit codes: 0 success, 1 failures, 2 usage or configuration, 3 could not run, 4 nothing selected, 75 interrupted: pexen resume,
102 a test asks for a reboot.
Ctrl-C waits for what runs; twice cancels it; three times kills it.`;

const configText = 'the configuration; default: pexen.config.{ts,mts,js,mjs}, or none';

/** Not `<name...>`: that would take the queries behind it for more names. */
const again = '; may be given several times';

/** The values that options have without one. A value stands behind `=` only, since the next word may be a query. */
const valueOfBare: Readonly<Record<string, string>> = {
  ...bareValues,
  '--inspect': '9229',
  '--resume': 'latest',
  '--replay': 'latest',
  '--rerun': defaultRerunClasses.join(','),
};

/** The commands that have such options. */
const withBareOptions: ReadonlySet<string> = new Set(['run', 'resume', 'config', 'report']);

/** What can only be meant for `--rerun`. */
const areClasses = new RegExp(`^(?:${rerunClasses.join('|')})(?:,|$)`);

/** `--bail` as `--bail=1`; what follows `--` is left alone. */
function withOptionalValues(words: readonly string[]): string[] {
  if (!withBareOptions.has(words[0] ?? '')) return [...words];
  const end = words.indexOf('--');
  return words.map((word, at) => {
    const value = end >= 0 && at > end ? undefined : valueOfBare[word];
    if (value === undefined) return word;
    const next = words[at + 1] ?? '';
    if ((word === '--rerun' ? areClasses : /^\d+$/).test(next))
      throw new UsageError(`write ${word}=${next}: a value that may be left out stands behind "="`);
    return `${word}=${value}`;
  });
}

/** A mistake on the command line that the parser cannot know of. */
class UsageError extends Error {}

/** `--bail[=n]` where the value may be left out. */
function optionTerm({ flags, long }: Option): string {
  return Object.hasOwn(valueOfBare, long ?? '') ? flags.replace(/ <(.*)>/, '[=$1]') : flags;
}

/** A parser of whole numbers. */
function number(of: string, least: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : -1;
    if (value >= least) return value;
    throw new InvalidArgumentError(`"${text}" is not a number of ${of}: ${least} or more.`);
  };
}

function port(text: string): number {
  const value = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (value > 0 && value < 65_536) return value;
  throw new InvalidArgumentError(`"${text}" is not a port from 1 to 65535.`);
}
