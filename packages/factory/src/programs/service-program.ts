/** A program that goes on while tests need it, as one task: a database, a web server. Does not know how pools find out that it is ready. */
import { basename, resolve } from 'node:path';
import {
  type CallSite,
  type Capability,
  checkMeta,
  defined,
  executableTask,
  locationOf,
  metaKeys,
  type PlacedTask,
  type Problem,
  type ProgramService,
  refuse,
  type ServiceMeta,
  type SourceLocation,
  serviceMetaKeys,
  serviceRules,
} from '@pexen/core';
import { type Flaw, flaw, type Kind, optionProblems, problemsOf } from '@pexen/core/options';
import { createLoadContext, type LoadContext } from '../directory-factory.ts';
import type { Factory } from '../factory.ts';
import { realFiles } from '../files.ts';
import { type ServiceProgramOptions, serviceKinds } from '../options.ts';
import { interpreter } from './interpret.ts';
import { findCommand, serviceReading } from './program.ts';

/** Metadata is checked by itself: here it is only known. */
const unchecked: Kind = () => [];

/** The arguments of a program are in its command line. */
const metaNames: readonly string[] = serviceMetaKeys.filter((name) => name !== 'args');

/** Metadata of other tasks: the check of metadata says why a service has none of it. */
const otherNames: readonly string[] = metaKeys.filter((name) => name !== 'args' && !metaNames.includes(name));

const kinds: Readonly<Record<string, Kind>> = {
  ...Object.fromEntries(metaNames.map((name) => [name, unchecked])),
  ...serviceKinds,
};

/** The factory of one service. @throws PexenError PEXEN_BAD_OPTION, PEXEN_BAD_META with all problems */
export function serviceProgram(options: ServiceProgramOptions, site: CallSite): Factory {
  const words = commandOf(options.service);
  refuse(problemsIn(options, words));
  const command = words as Command;
  const describe = `service ${command.join(' ')}`;
  const location = locationOf(site);
  return {
    ...{ kind: 'programs', describe },
    async *make(context) {
      const problems: Problem[] = [];
      const loadContext = createLoadContext(describe, context.root, context, realFiles, problems);
      const task = taskOf(options, command, location, loadContext);
      if (task !== undefined) yield task;
      refuse(problems.map((each) => ({ ...(location && { location }), ...each })));
    },
  };
}

type Command = readonly [program: string, ...argv: string[]];

function problemsIn(options: ServiceProgramOptions, command: readonly string[] | Flaw): Problem[] {
  const flaws = 'complaint' in command ? [command] : [];
  const { stop: _, provides: __, ...meta } = pick(options, [...metaNames, ...otherNames]);
  const own = pick(
    options,
    Object.keys(options).filter((name) => !otherNames.includes(name)),
  );
  return [
    ...optionProblems('programs', own, kinds, ['ready', 'provides']),
    ...problemsOf('programs', flaws),
    ...checkMeta(meta, typeof options.name === 'string' ? options.name : 'a service', true),
  ];
}

function pick(options: object, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(options).filter(([name]) => names.includes(name)));
}

function taskOf(
  options: ServiceProgramOptions,
  command: Command,
  location: SourceLocation | undefined,
  loadContext: LoadContext,
): PlacedTask | undefined {
  const { ready, cwd = '.', env = {}, user, stop, provides } = options;
  // What does not apply here may be missing.
  const isAbsent = options.when === false || typeof options.when === 'string';
  const found = isAbsent
    ? { file: command[0], argv: command.slice(1) }
    : findCommand(command, loadContext, true);
  if (found === undefined) return undefined;
  const service: ProgramService = {
    ready,
    ...(stop !== undefined && stop !== 'kill' && { stopSignal: stop }),
  };
  const meta: ServiceMeta = {
    name: basename(command[0]),
    ...pick(options, metaNames),
    provides: listOf(provides),
    stop: stop === 'kill' ? stop : undefined,
  };
  const place =
    cwd === 'private'
      ? ({ cwd: loadContext.root, workspace: cwd } as const)
      : { cwd: resolve(loadContext.root, cwd) };
  const reading = serviceReading(service, user);
  const body = {
    ...{ ...found, ...place, env, service, interpret: interpreter(reading, place.cwd) },
    ...{ interpretOptions: reading, ...defined({ user }) },
  };
  const nameKind = options.name === undefined ? 'file' : 'explicit';
  const source = { nameKind, service: serviceRules(meta), ...(location && { location }) } as const;
  return { under: loadContext.under, task: executableTask(meta, body, source) };
}

function listOf(provides: ServiceProgramOptions['provides']): readonly Capability[] {
  return Array.isArray(provides) ? provides : [provides as Capability];
}

// The command line as one text.

const wordForm = /\s*(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|((?:[^\s"'\\]|\\.)+))/y;
/** What only a shell understands. */
const shellSigns = /[|&;<>()$`*?~#]/;
const shellHint = `A shell would run it: service: ['sh', '-c', '…'], with exec before the server.`;

/** The words of the command line, or what is wrong with it. */
function commandOf(service: unknown): readonly string[] | Flaw {
  if (Array.isArray(service)) return isCommand(service) ? service : notACommand(service);
  if (typeof service !== 'string') return notACommand(service);
  const words: string[] = [];
  for (let at = 0; service.slice(at).trim() !== ''; ) {
    wordForm.lastIndex = at;
    const [whole, double, single, bare] = wordForm.exec(service) ?? [];
    if (whole === undefined)
      return flaw(['service'], 'has a quote that is not closed', 'Write it as a list of words.');
    const sign = shellSigns.exec((bare ?? '').replaceAll(/\\./g, ''));
    if (sign !== null) return flaw(['service'], `contains "${sign[0]}", and no shell runs it`, shellHint);
    at = wordForm.lastIndex;
    const text = single ?? (double ?? bare ?? '').replaceAll(/\\(.)/g, '$1');
    const isGlued = words.length > 0 && !/^\s/.test(whole);
    if (isGlued) words.push(`${words.pop()}${text}`);
    else words.push(text);
  }
  return words.length > 0 ? words : notACommand(service);
}

function isCommand(words: readonly unknown[]): words is Command {
  return words.length > 0 && words.every((word) => typeof word === 'string') && words[0] !== '';
}

function notACommand(value: unknown): Flaw {
  const what = value === '' || (Array.isArray(value) && value.length === 0) ? 'an empty one' : typeof value;
  return flaw(
    ['service'],
    `must be a command line, not ${what}`,
    `Write service: 'redis-server --port {port}', or a list of words.`,
  );
}
