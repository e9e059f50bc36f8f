/** What can go wrong between us and a process that is nobody's fault inside it, said so that it can be mended. */
import { messageOf, PexenError, type Problem } from '@pexen/core';

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
