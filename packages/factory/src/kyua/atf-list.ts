/** Asks ATF test programs for their test cases. Starts programs; does not run tests. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { messageOf } from '@pexen/core';
import { isolatedEnvironment } from './isolation.ts';
import { type KyuaMetadata, MetadataError, metadataOfAtf } from './metadata.ts';

/** A test case as its program describes it. */
export interface AtfCase {
  readonly name: string;
  readonly metadata: KyuaMetadata;
}

/** The test cases of a program, or why there is no list of them. */
export type AtfList = readonly AtfCase[] | { readonly broken: string };

/** How a program is asked. */
export interface AtfQuestion {
  readonly path: string;
  /** Configuration variables, as arguments. */
  readonly variables: readonly string[];
}

/** As in Kyua, ms. */
const listMs = 300_000;
const longestList = 16 * 1024 * 1024;

/** Asks all programs, as many at a time as there are processors; the answers are in their order. */
export async function listAtfCases(
  questions: readonly AtfQuestion[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<AtfList[]> {
  if (questions.length === 0) return [];
  const folder = mkdtempSync(join(tmpdir(), 'pexen-list-'));
  const lists: AtfList[] = [];
  const rest = questions.entries();
  const ask = async (): Promise<void> => {
    for (const [at, question] of rest) lists[at] = await listOf(question, folder, env);
  };
  try {
    await Promise.all(Array.from({ length: availableParallelism() }, ask));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return lists;
}

async function listOf(
  { path, variables }: AtfQuestion,
  cwd: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<AtfList> {
  const options = { cwd, timeout: listMs, killSignal: 'SIGKILL', maxBuffer: longestList } as const;
  const own = { ...isolatedEnvironment(env, cwd), __RUNNING_INSIDE_ATF_RUN: 'internal-yes-value' };
  return await new Promise((resolve) => {
    execFile(path, [...variables, '-l'], { ...options, env: own }, (error, stdout, stderr) => {
      const complaint = error === null ? undefined : complaintOf(error);
      if (complaint !== undefined) resolve({ broken: complaint });
      else if (stderr !== '')
        resolve({ broken: `Test case list wrote to stderr: ${stderr.trim().split('\n')[0]}` });
      else resolve(readAtfList(stdout));
    });
  });
}

const refusals: Readonly<Record<string, string>> = {
  EACCES: 'Permission denied to run test program',
  ENOENT: 'Cannot find test program',
  ENOEXEC: 'Invalid test program format',
};

function complaintOf(error: Error & { code?: unknown; killed?: boolean; signal?: unknown }): string {
  const refusal = refusals[String(error.code)];
  if (refusal !== undefined) return refusal;
  if (error.killed === true) return 'Test case list timed out';
  return error.signal ? 'Test program received signal' : 'Test program did not exit cleanly';
}

const header = 'Content-Type: application/X-atf-tp; version="1"';

/** Reads the output of `-l`. */
export function readAtfList(output: string): AtfList {
  const [first, blank, ...lines] = output.split('\n');
  if (first !== header || blank !== '')
    return {
      broken: `Invalid header for test case list; expecting Content-Type for application/X-atf-tp version 1, got '${first}'`,
    };
  try {
    const blocks = lines.join('\n').split('\n\n');
    const cases = blocks.filter((block) => block.trim() !== '').map(readCase);
    return cases.length > 0 ? cases : { broken: 'No test cases' };
  } catch (error) {
    if (!(error instanceof MetadataError)) throw error;
    return { broken: messageOf(error) };
  }
}

function readCase(block: string): AtfCase {
  const entries = block
    .split('\n')
    .filter((line) => line !== '')
    .map(readProperty);
  const [[first, name] = ['', ''], ...others] = entries;
  if (first !== 'ident' || name === '')
    throw new MetadataError('Invalid test case definition; must be preceeded by the identifier');
  const twice = others.find(([property], at) => others.findIndex(([each]) => each === property) !== at);
  if (twice !== undefined) throw new MetadataError(`Duplicate value for property ${twice[0]}`);
  return { name, metadata: metadataOfAtf(others) };
}

function readProperty(line: string): readonly [name: string, value: string] {
  const at = line.indexOf(': ');
  if (at < 0) throw new MetadataError("Invalid property line; expecting line of the form 'name: value'");
  return [line.slice(0, at), line.slice(at + 2)];
}
