/** What can go wrong between us and a process that is nobody's fault inside it, said so that it can be mended. */
import { PexenError } from '@pexen/core';

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
export function workerDidNotStart(task: string, how: string, output: string): PexenError {
  const said = output.trim();
  return new PexenError([
    {
      code: 'PEXEN_WORKER_START',
      task,
      message: `its worker process did not come up: ${how}${said === '' ? '' : `\n${said}`}`,
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
