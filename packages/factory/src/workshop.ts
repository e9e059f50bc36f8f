/** What the makers of tasks share while a factory works: where they are, and where they tell problems. */
import { type CallPath, type Facts, messageOf, type Problem, type TaskMeta } from '@pexen/core';
import type { FactoryContext } from './factory.ts';
import type { Files } from './files.ts';
import type { DefaultMeta, WalkedFile } from './options.ts';

/** One use of one factory. */
export interface Workshop {
  /** Absolute: the directory that is walked. */
  readonly dir: string;
  readonly root: string;
  readonly under: CallPath;
  readonly facts: Facts;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly files: Files;
  readonly problem: (problem: Problem) => void;
  readonly warn: (warning: Problem) => void;
}

/** A workshop in `dir` that puts its problems into `problems`. */
export function openWorkshop(
  dir: string,
  { root, under = [], facts = {}, env = process.env, warn = () => {} }: FactoryContext,
  files: Files,
  problems: Problem[],
): Workshop {
  return { dir, root, under, facts, env, files, warn, problem: (problem) => void problems.push(problem) };
}

/** What the options say for a file. What they throw is a problem of that file. */
export function defaultMetaOf(meta: DefaultMeta | undefined, file: WalkedFile, workshop: Workshop): TaskMeta {
  if (typeof meta !== 'function') return meta ?? {};
  try {
    return meta(file, workshop.facts) ?? {};
  } catch (error) {
    workshop.problem({
      code: 'PEXEN_META_FAILED',
      location: { file: file.path },
      message: `the function "meta" threw: ${messageOf(error)}`,
      hint: 'Fix it where the factory is configured.',
    });
    return {};
  }
}
