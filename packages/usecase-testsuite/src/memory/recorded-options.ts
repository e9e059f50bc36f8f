/**
 * What the description of a recorded run says of how it was asked for: which tasks it selects, and which options its resumes take over, so that
 * their verdicts and reports are those of an uninterrupted run. Knows nothing of plans and journals.
 */
import { crc32 } from 'node:zlib';
import { defined } from '@pexen/core';
import type { Json, RunDescription } from '@pexen/store';
import type { ReporterChoice } from '../config/define-suite.ts';
import { withFile } from '../reporters/reporter-names.ts';
import { fileOfRound } from '../reporters/reporters.ts';
import type { StatedOptions } from '../run-options.ts';

/** The tasks of a run, by their call paths. */
export interface RecordedSelection {
  /** Those that were selected themselves; undefined: all. */
  readonly selected: ReadonlySet<string> | undefined;
  /** The tasks of the suite that were not in the run. */
  readonly leftOut: ReadonlySet<string>;
  /** The candidates of the catalogue that were pulled in. Default: none. */
  readonly candidates?: ReadonlySet<string>;
}

/** As an entry of the description. */
export function selectionAsJson({ selected, leftOut, candidates }: RecordedSelection): Json {
  return {
    ...(selected !== undefined && { selected: [...selected] }),
    leftOut: [...leftOut],
    ...(candidates !== undefined && candidates.size > 0 && { candidates: [...candidates] }),
  };
}

/** The selection of a run; all tasks where its description does not say anything else. */
export function selectionOf({ selection }: RunDescription): RecordedSelection {
  const { selected, leftOut, candidates } = (selection ?? {}) as { readonly [name: string]: unknown };
  return {
    selected: selected === undefined ? undefined : new Set(texts(selected)),
    ...{ leftOut: new Set(texts(leftOut)), candidates: new Set(texts(candidates)) },
  };
}

/** Where a run stands among others: a rerun takes the place of the run that it repeats. */
export function placeOf({ label, shard, shardPaths, planDigest }: RunDescription): Partial<RunDescription> {
  return defined({ label, shard, shardPaths, planDigest });
}

/** True for tasks that are new since the suite was divided, and belong to another shard than that of the run. */
export function elsewhere(description: RunDescription): (path: string) => boolean {
  const { shard = '', shardPaths = [] } = description;
  const index = Number(shard.split('/')[0]);
  const known = new Set([...shardPaths.flat(), ...(selectionOf(description).candidates ?? [])]);
  return (path) =>
    shardPaths.length > 0 && !known.has(path) && (crc32(path) % shardPaths.length) + 1 !== index;
}

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [];
}

/** Options of a run that its resumes take over, unless they are stated again. */
export interface RememberedOptions extends Omit<StatedOptions, 'inspectPort'> {
  /** The chosen profiles of the configuration, in order. */
  readonly profiles?: readonly string[];
  readonly bail?: number;
  readonly failOnFlaky?: boolean;
  readonly keep?: boolean;
  readonly shuffle?: string;
  readonly reporters?: readonly ReporterChoice[];
  readonly moreReporters?: readonly ReporterChoice[];
}

const names = [
  ...(['workers', 'retries', 'timeout', 'idleTimeout', 'grace', 'slowAfter', 'rerunnable', 'pool'] as const),
  ...(['profiles', 'bail', 'failOnFlaky', 'keep', 'shuffle', 'reporters', 'moreReporters'] as const),
] satisfies readonly (keyof RememberedOptions)[];

/** As an entry of the description. Reporters that are objects cannot be written down: a resume makes those of the configuration. */
export function optionsAsJson(options: RememberedOptions, round: number): Json {
  const entries = names.map((name) => {
    const value = options[name];
    const isReporters = name === 'reporters' || name === 'moreReporters';
    return [name, isReporters ? choicesAsJson(options[name], round) : value] as const;
  });
  return JSON.parse(JSON.stringify(Object.fromEntries(entries))) as Json;
}

/** The options that a run was started with. */
export function optionsOf({ options }: RunDescription): RememberedOptions {
  return (options ?? {}) as RememberedOptions;
}

/** Undefined where one of them is an object. The files are those of the round. */
function choicesAsJson(
  choices: readonly ReporterChoice[] | undefined,
  round: number,
): readonly ReporterChoice[] | undefined {
  if (choices === undefined || choices.some((choice) => typeof choice === 'object' && 'close' in choice))
    return undefined;
  return choices.map((choice) => withFile(choice, (file) => fileOfRound(file, round)));
}
