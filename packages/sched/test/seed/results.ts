/** Runs tasks to the end, for tests that look at results. */
import { isPexenError, type Result } from '@pexen/core';
import { type Entry, type RunOptions, run } from '../../src/index.ts';

/** All results, in the order in which they came. */
export async function resultsOf(tasks: Iterable<Entry>, options?: RunOptions): Promise<Result[]> {
  const results: Result[] = [];
  for await (const result of run(tasks, options)) results.push(result);
  return results;
}

/** `path status`, in the order in which they came. */
export async function statusesOf(tasks: Iterable<Entry>, options?: RunOptions): Promise<string[]> {
  return (await resultsOf(tasks, options)).map(({ path, status }) => `${path} ${status}`);
}

/** The result of the task with this path. */
export async function resultOf(
  path: string,
  tasks: Iterable<Entry>,
  options?: RunOptions,
): Promise<Result | undefined> {
  return (await resultsOf(tasks, options)).find((result) => result.path === path);
}

/** The codes of the problems, each with its task. */
export function refusalOf(attempt: () => unknown): string[] {
  try {
    attempt();
  } catch (error) {
    if (isPexenError(error)) return error.problems.map(({ code, task }) => `${code} ${task}`);
    throw error;
  }
  return [];
}
