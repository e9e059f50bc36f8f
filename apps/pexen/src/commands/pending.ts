/** `pexen resume --pending`: continues the run that a reboot of the machine interrupted, if there is one. */
import { join, resolve } from 'node:path';
import { type ExitCode, exitCodes, pendingResume, suiteRoot } from '@pexen/usecase-testsuite';
import type { Output } from '../print-problems.ts';
import { workingDirectory } from '../working-directory.ts';
import { type RunOptions, run } from './run.ts';

/** Resolves with the exit code of the run; 0 where no reboot is pending. */
export async function resumePending(options: RunOptions, output: Output): Promise<ExitCode> {
  const directory = workingDirectory();
  const { stateDir = join(suiteRoot(directory), '.pexen') } = options;
  const pending = pendingResume(resolve(directory, stateDir));
  if (pending === undefined) {
    output.write('No run waits for a reboot.\n');
    return exitCodes.ok;
  }
  process.chdir(pending.root);
  return await run([], {
    ...options,
    ...{ resume: pending.run, stateDir: resolve(directory, stateDir) },
    ...(pending.config !== undefined && { config: pending.config }),
  });
}
