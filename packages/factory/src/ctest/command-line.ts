/** How a test is started: by itself, or through programs in front of it that remove variables, look for files, or do what only the launcher can. */
import { fileURLToPath } from 'node:url';
import { launchMarks } from './launch-report.ts';
import type { LaunchOrder } from './launcher.ts';

/** A program, absolute, and its arguments. */
export type CommandLine = readonly [string, ...string[]];

/** The launcher, which does the rest. */
export function throughLauncher(order: LaunchOrder): CommandLine {
  const program = fileURLToPath(import.meta.resolve('@pexen/factory/ctest-launcher'));
  return [process.execPath, ...ownConditions(), program, JSON.stringify(order)];
}

/** Node's arguments for the package conditions of this process. */
function ownConditions(): readonly string[] {
  return process.execArgv.filter((argument) => /^(?:-C|--conditions)=/.test(argument));
}

/** The command without these variables. */
export function withoutVariables(command: CommandLine, names: readonly string[]): CommandLine {
  return names.length === 0
    ? command
    : ['/usr/bin/env', ...names.flatMap((name) => ['-u', name]), ...command];
}

const lookForFiles = `n=$1; shift
while [ "$n" -gt 0 ]; do
  [ -e "$1" ] || { why="$1 does not exist"; echo "$why" >&2; echo "${launchMarks.notRun}$why" >&3; exit 1; }
  shift; n=$((n - 1))
done
exec "$@"`;

/** The command, if these files exist when it starts. */
export function requiringFiles(command: CommandLine, files: readonly string[]): CommandLine {
  if (files.length === 0) return command;
  return ['/bin/sh', '-c', lookForFiles, 'sh', String(files.length), ...files, ...command];
}

/** What stands for a test that cannot run: it only says why. */
export function sayingWhy(reason: string): CommandLine {
  const script = `echo "$1" >&2; echo "${launchMarks.notRun}$1" >&3; exit 1`;
  return ['/bin/sh', '-c', script, 'sh', reason.replaceAll(/\s+/g, ' ')];
}
