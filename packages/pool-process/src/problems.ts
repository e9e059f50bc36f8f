/** What can go wrong between us and a process that is nobody's fault inside it, said so that it can be mended. */
import { isPexenError, messageOf, PexenError, type Problem } from '@pexen/core';
import { isShortage } from './platform.ts';

/** The cleanup of a program is a function, which has no address. */
export function cleanupOfProgram(task: string): PexenError {
  return new PexenError([
    {
      code: 'PEXEN_CLOSURE',
      task,
      message: 'its cleanup is a function, which no worker can find: the body is a program',
      hint: 'Tidy up in a task that tears down what this one provides.',
    },
  ]);
}

/** A worker ended before it was ready for anything. */
export function workerDidNotStart(how: string, output: string): PexenError {
  const said = output.trim();
  return new PexenError([
    {
      code: 'PEXEN_WORKER_START',
      message: `a worker process did not come up: ${how}${said === '' ? '' : `\n${said}`}`,
      hint: 'Look at the options loader, execArgv, env, launcher and memoryLimitMb of the pool.',
    },
  ]);
}

/** One worker after the other died when it was handed the attempt. */
export function workersDieOf(task: string, death: string): PexenError {
  return new PexenError([
    {
      code: 'PEXEN_WORKER_DIES',
      task,
      message: `every worker process that is handed it dies before it begins: it ${death}`,
      hint: 'Look at its args and at what its module does when it is loaded.',
    },
  ]);
}

/** A slot is used no more. */
export function slotClosed(slot: number, times: number, error: unknown): Problem {
  return {
    code: 'PEXEN_SLOT_CLOSED',
    message: `slot ${slot} is closed: it could not be set up ${times} times in a row: ${messageOf(error)}`,
    hint: 'The other slots go on. Look at the limits of the system and at the options of the pool.',
  };
}

/** Nothing can run any more: why the last slot could not be set up. */
export function noSlotLeft(error: unknown): PexenError {
  if (isPexenError(error)) return error;
  const hint = isShortage(error)
    ? 'Use fewer workers, or raise the limits of memory, processes and open files.'
    : 'Look at the free space and the permissions of the temporary folder.';
  const message = `no slot is left to run anything in: ${messageOf(error)}`;
  return new PexenError([{ code: 'PEXEN_NO_SLOT', message, hint }], { cause: error });
}

/** Something below the pool's folder cannot be removed. */
export function folderLeft(folder: string, error: unknown): Problem {
  return {
    code: 'PEXEN_FOLDER_LEFT',
    message: `the temporary folder ${folder} could not be removed: ${messageOf(error)}`,
    hint: 'A task mounted something there, or made it immutable: unmount it (umount), or allow it (chattr -i), and remove the folder.',
  };
}

/** Processes that left their group stay, since they cannot be found. */
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
