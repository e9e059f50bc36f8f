/** Runs a program as another user, which only root can: some servers refuse to run as root. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import { PexenError, type Problem } from '@pexen/core';
import type { Program } from '../serialized-work.ts';

export interface User {
  readonly uid: number;
  readonly gid: number;
}

const run = promisify(execFile);

/** The user of this name or number. @throws PexenError PEXEN_USER */
export async function findUser(name: string, task: string): Promise<User> {
  try {
    const [uid, gid] = await Promise.all(['-u', '-g'].map((flag) => run('id', [flag, '--', name])));
    return { uid: Number(uid?.stdout), gid: Number(gid?.stdout) };
  } catch {
    throw problem(
      task,
      `it runs as "${name}", and there is no such user`,
      'Create the user, or name another.',
    );
  }
}

/** The program, started by the one that changes the user and then becomes it. @throws PexenError PEXEN_USER */
export function throughSetpriv(program: Program, { uid, gid }: User, task: string): Program {
  const { user, file, argv } = program;
  if (process.getuid?.() !== 0)
    throw problem(
      task,
      `it runs as "${user}", and only root can run programs as another user`,
      'Run pexen as root, or leave out user.',
    );
  const setpriv = places.find((place) => existsSync(place));
  if (setpriv === undefined)
    throw problem(task, `it runs as "${user}", and setpriv is missing`, 'Install util-linux.');
  const flags = [`--reuid=${uid}`, `--regid=${gid}`, '--init-groups'];
  return { ...program, file: setpriv, argv: [...flags, '--', file, ...argv] };
}

const places: readonly string[] = ['/usr/bin/setpriv', '/bin/setpriv', '/usr/local/bin/setpriv'];

function problem(task: string, message: string, hint: string): PexenError {
  const found: Problem = { code: 'PEXEN_USER', task, message, hint };
  return new PexenError([found]);
}
