/** Where Node keeps compiled code, as a host hands it to its workers. */
import { getCompileCacheDir } from 'node:module';
import { dirname } from 'node:path';
import process from 'node:process';

const variable = 'PEXEN_COMPILED_CODE';

/**
 * Variables for a worker that starts with this environment. None where this process keeps none, where Node's own variable reaches the worker anyway, and where
 * coverage is collected, which compiled code makes less precise.
 */
export function codeDirectory(env: Readonly<Record<string, string>>): Record<string, string> {
  const directory = getCompileCacheDir();
  const isNodes = env.NODE_COMPILE_CACHE !== undefined || env.NODE_DISABLE_COMPILE_CACHE !== undefined;
  if (directory === undefined || isNodes || env.NODE_V8_COVERAGE !== undefined) return {};
  // Node adds a directory for its version.
  return { [variable]: dirname(directory) };
}

/** In a worker: the directory, if there is one. No body sees the variable. */
export function takeCodeDirectory(): string | undefined {
  const directory = process.env[variable];
  delete process.env[variable];
  return directory;
}
