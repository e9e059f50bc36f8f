/** Problems of the environment in which processes run, with hints. */

import { accessSync, closeSync, constants, openSync, readSync, statSync } from 'node:fs';
import { messageOf, PexenError, type Problem } from '@pexen/core';
import type { Program } from './serialized-work.ts';

/** The cleanup of a program is a function, which has no address. */
export function cleanupOfProgram(task: string): PexenError {
  return new PexenError([
    {
      code: 'PEXEN_CLOSURE',
      task,
      message: 'its cleanup is a function, which no worker can find: the body is a program',
      hint: 'Clean up in a task that tears down what this one provides.',
    },
  ]);
}

/** Something below the pool's folder cannot be removed. */
export function folderLeft(folder: string, error: unknown): Problem {
  return {
    code: 'PEXEN_FOLDER_LEFT',
    message: `the temporary folder ${folder} could not be removed: ${messageOf(error)}`,
    hint: 'A task mounted something there, or made it immutable: unmount it (umount), or allow it (chattr -i), and remove the folder.',
  };
}

/** Processes that left their group cannot be found, so they stay. */
export function noSweep(): Problem {
  return {
    code: 'PEXEN_NO_SWEEP',
    message:
      'processes that leave their process group cannot be found here, so they may outlive their task: /proc is missing',
    hint: 'On Linux, mount /proc. Elsewhere, let no test start daemons.',
  };
}

/** The operating system lacks what processes need. */
export function unsupportedSystem(): PexenError {
  return new PexenError([
    {
      code: 'PEXEN_WINDOWS',
      message: 'pexen does not run on Windows',
      hint: 'Use it in the Windows Subsystem for Linux.',
    },
  ]);
}

// Why a program could not be started, with hints for its author.

/** A PexenError PEXEN_CANNOT_START for the error of `spawn`. */
export function cannotStart({ file, cwd }: Program, task: string, cause: unknown): PexenError {
  const { code = 'unknown' } = cause as NodeJS.ErrnoException;
  const { message, hint } = explain(file, cwd, code, cause);
  const problem: Problem = {
    code: 'PEXEN_CANNOT_START',
    task,
    location: { file },
    message: `the program cannot be started: ${message}`,
    hint,
  };
  return new PexenError([problem], { cause });
}

/** A PexenError PEXEN_NO_WORKSPACE: the directory that the program should have for itself cannot be made. */
export function noWorkspace({ cwd, workspace }: Program, task: string, cause: unknown): PexenError {
  const what =
    workspace === 'copy' ? `its directory ${cwd} cannot be copied` : 'no private directory can be made';
  const problem: Problem = {
    code: 'PEXEN_NO_WORKSPACE',
    task,
    message: `${what}: ${messageOf(cause)}`,
    hint:
      workspace === 'copy' ? 'Make everything in it readable, or use cwd: private.' : 'Make room in TMPDIR.',
  };
  return new PexenError([problem], { cause });
}

interface Explanation {
  readonly message: string;
  readonly hint: string;
}

function explain(file: string, cwd: string, code: string, cause: unknown): Explanation {
  if (!isDirectory(cwd)) {
    return {
      message: `its directory ${cwd} does not exist`,
      hint: 'Create it, or fix the cwd of the task.',
    };
  }
  switch (code) {
    case 'ENOENT':
      return whyNotFound(file);
    case 'EACCES':
    case 'EPERM':
      return whyForbidden(file);
    case 'ENOEXEC':
      return {
        message: 'its format is not supported on this machine',
        hint: 'Begin it with a line like #!/bin/sh, or build it for this machine.',
      };
    case 'ETXTBSY':
      return { message: 'another process is writing to it', hint: 'Start it when it is complete.' };
    case 'E2BIG':
      return { message: 'its arguments and environment are too long', hint: 'Hand them over in a file.' };
    case 'ENOMEM':
    case 'EAGAIN':
    case 'EMFILE':
    case 'ENFILE':
      return {
        message: `the system has no room for another process (${code})`,
        hint: 'Use fewer workers, or raise the limits of memory, processes and open files.',
      };
    default:
      return {
        message: messageOf(cause),
        hint: 'Check its path and its permissions.',
      };
  }
}

function whyNotFound(file: string): Explanation {
  const interpreter = interpreterOf(file);
  if (interpreter !== undefined) {
    return {
      message: `its first line names ${JSON.stringify(interpreter)}, which is not there`,
      hint: shebangHint(interpreter),
    };
  }
  return isThere(file)
    ? { message: 'what it needs to be loaded is not there', hint: 'Build it for this machine.' }
    : {
        message: 'there is no such file',
        hint: 'Fix its path, or list the tasks again: it may have been moved.',
      };
}

function shebangHint(interpreter: string): string {
  return interpreter.endsWith('\r')
    ? 'Its lines end as on Windows: save it with plain line feeds.'
    : 'Install it, or fix the line after #!.';
}

function whyForbidden(file: string): Explanation {
  if (isDirectory(file)) return { message: 'it is a directory', hint: 'Name a file.' };
  const interpreter = interpreterOf(file);
  return interpreter !== undefined && isExecutable(file)
    ? {
        message: `its first line names ${interpreter}, which is not executable`,
        hint: 'Fix the line after #!.',
      }
    : { message: 'it is not executable', hint: `Make it executable: chmod +x ${file}` };
}

/** The interpreter that the first line names after `#!`, if there is one. */
function interpreterOf(file: string): string | undefined {
  try {
    const fd = openSync(file, 'r');
    try {
      const bytes = Buffer.alloc(256);
      const text = bytes.toString('utf8', 0, readSync(fd, bytes, 0, bytes.length, 0));
      return /^#![ \t]*([^ \t\n]+)/.exec(text)?.[1];
    } finally {
      closeSync(fd);
    }
  } catch {
    return undefined;
  }
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

function isThere(path: string): boolean {
  return can(path, constants.F_OK);
}

function isExecutable(path: string): boolean {
  return can(path, constants.X_OK);
}

function can(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}
