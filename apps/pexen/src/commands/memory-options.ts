/** The options about recorded runs: how a run is recorded, and which one is continued or repeated in part. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { didYouMean, PexenError, type Problem, refuse } from '@pexen/core';
import { type Repetition, type ReplayChoice, rerunClasses } from '@pexen/usecase-testsuite';
import { workingDirectory } from '../working-directory.ts';
import type { ConfiguredOptions } from './stated-options.ts';

/** The options of all commands that read or write the record of runs. */
export interface StateOptions extends ConfiguredOptions {
  /** Relative to the current directory. */
  readonly stateDir?: string;
}

/** Those of a run that continues another, or repeats a part of it. */
export interface RepeatOptions {
  /** Which run is continued. */
  readonly resume?: string;
  /** The classes of results that are not kept, with commas. */
  readonly rerun?: string;
  /** The run that is repeated. */
  readonly of?: string;
  readonly dryRun?: boolean;
  /** Which run is replayed, or a file with a schedule. */
  readonly replay?: string;
}

/** The other options of a run, as far as they exclude a repetition. */
interface Others {
  readonly queries: readonly string[];
  readonly tag?: readonly string[];
  readonly grep?: readonly string[];
  readonly watch?: boolean;
  readonly repeat?: number;
  readonly untilFail?: boolean;
  readonly shard?: unknown;
  readonly shuffle?: unknown;
  readonly failedFirst?: boolean;
}

/** Which schedule the options replay; undefined if none. @throws PexenError PEXEN_BAD_OPTION with all problems */
export function replayOf({ replay, resume, rerun }: RepeatOptions, others: Others): ReplayChoice | undefined {
  if (replay === undefined) return undefined;
  const hasOrder = others.shuffle !== undefined || others.failedFirst === true;
  const isSeveral = others.watch === true || others.repeat !== undefined || others.untilFail === true;
  refuse([
    ...(resume !== undefined || rerun !== undefined
      ? [bad('--replay starts a new run, and takes no results of others', 'Leave out --resume and --rerun.')]
      : []),
    ...(hasOrder ? [bad('--replay has an order of its own', 'Leave out --shuffle and --failed-first.')] : []),
    ...(isSeveral ? [bad('a run is replayed once', 'Leave out --watch, --repeat and --until-fail.')] : []),
    ...(others.shard === undefined ? [] : [bad('a replay has the tasks of its run', 'Leave out --shard.')]),
  ]);
  const file = resolve(workingDirectory(), replay);
  return existsSync(file) && !/^\d+$/.test(replay) ? { file } : { run: runChoice(replay) };
}

/** Which run the options continue or repeat; undefined for a new run. @throws PexenError PEXEN_BAD_OPTION with all problems */
export function repetitionOf(options: RepeatOptions, others: Others): Repetition | undefined {
  const { resume, rerun, of } = options;
  refuse(problemsOf(options, others));
  if (resume !== undefined) return { kind: 'resume', run: runChoice(resume) };
  return rerun === undefined
    ? undefined
    : { kind: 'rerun', of: runChoice(of ?? 'latest'), classes: classesIn(rerun) };
}

function problemsOf({ resume, rerun, of, dryRun }: RepeatOptions, others: Others): Problem[] {
  const isSelecting = others.queries.length > 0 || others.tag !== undefined || others.grep !== undefined;
  const isRepeating = resume !== undefined || rerun !== undefined;
  const isPart = others.shard !== undefined;
  const isSeveral = others.watch === true || others.repeat !== undefined || others.untilFail === true;
  return [
    ...(resume !== undefined && isSelecting ? [resumesAll(others.queries)] : []),
    ...(resume !== undefined && rerun !== undefined
      ? [bad('--resume continues a run, and --rerun starts a new one', 'Use one of them.')]
      : []),
    ...(isRepeating && isPart
      ? [bad('the run of a shard is resumed and repeated as it was divided', 'Leave out --shard.')]
      : []),
    ...(isRepeating && isSeveral
      ? [bad('a run is resumed or repeated once', 'Leave out --watch, --repeat and --until-fail.')]
      : []),
    ...(of !== undefined && rerun === undefined
      ? [bad('--of names the run that is repeated', `Write: pexen run --rerun --of ${of}`)]
      : []),
    ...(dryRun === true && !isRepeating
      ? [bad('--dry-run shows what a resume or a rerun does', 'What a new run does is shown by: pexen list')]
      : []),
  ];
}

function resumesAll([query = '']: readonly string[]): Problem {
  const message = 'a resume runs what its run selected, and takes no patterns';
  return bad(message, `To run a part of an earlier run again: pexen run --rerun ${query}`.trim());
}

function bad(message: string, hint: string): Problem {
  return { code: 'PEXEN_BAD_OPTION', message, hint };
}

/**
 * A run by its number, its id or the beginning of that, or `latest`.
 * @throws PexenError PEXEN_BAD_OPTION for other texts
 */
export function runChoice(text: string): Extract<Repetition, { readonly kind: 'resume' }>['run'] {
  if (/^[1-9]\d{0,6}$/.test(text)) return Number(text);
  if (text === 'latest' || /^[\da-f-]{4,36}$/.test(text)) return text;
  const hint =
    'Write its number or its id, as pexen runs shows them. To run a part of a run again: pexen run --rerun QUERY.';
  throw new PexenError([bad(`"${text}" is not a run`, hint)]);
}

function classesIn(text: string): readonly (typeof rerunClasses)[number][] {
  const names = text.split(',');
  const unknown = names.filter((name) => !rerunClasses.some((known) => known === name));
  refuse(
    unknown.map((name) =>
      bad(
        `--rerun: there is no class of results "${name}"`,
        didYouMean(name, rerunClasses) ?? `There are: ${rerunClasses.join(', ')}.`,
      ),
    ),
  );
  return rerunClasses.filter((known) => names.includes(known));
}
