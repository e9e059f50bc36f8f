/** The command line that starts an agent through a launcher. */
import { basename } from 'node:path';
import type { Settings } from './options.ts';
import { ownProgram } from './process-line.ts';

export interface Command {
  readonly command: string;
  readonly argv: readonly string[];
}

/** `launcher… node … agent`. ssh hands its arguments to a shell, so they are quoted for it; other launchers take them as they are. */
export function launchCommand({ launcher, node, execArgv }: Settings, url: string): Command {
  const [command = '', ...before] = launcher;
  const isSsh = basename(command) === 'ssh';
  const own = ownProgram(url, execArgv);
  const rest = [node ?? (isSsh ? 'node' : own.command), ...own.argv];
  return { command, argv: [...before, ...(isSsh ? rest.map(quote) : rest)] };
}

function quote(argument: string): string {
  return /^[\w@%+=:,./-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", `'\\''`)}'`;
}
