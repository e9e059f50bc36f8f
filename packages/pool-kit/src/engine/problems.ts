/** The problems between a pool and its workers, with hints. */
import { isPexenError, messageOf, PexenError, type Problem } from '@pexen/core';

/** A worker ended before it was ready. `how` continues a sentence about it. */
export function workerDidNotStart(name: string, how: string, hint: string): PexenError {
  return new PexenError([{ code: 'PEXEN_WORKER_START', message: `${name} did not start: it ${how}`, hint }]);
}

/** Several workers that had the attempt died before it started. */
export function workersDieOf(task: string, death: string): PexenError {
  const message = `every worker that got this attempt died before it started: the last one ${death}`;
  const hint = 'Look at its args and at what its module does when it is loaded.';
  return new PexenError([{ code: 'PEXEN_WORKER_DIES', task, message, hint }]);
}

/** The attempt runs a function, and the pool takes only programs. */
export function functionRefused(task: string, pool: string): PexenError {
  const message = `it is a function, and the pool "${pool}" takes none`;
  const hint = 'Run it in a pool that does.';
  return new PexenError([{ code: 'PEXEN_FUNCTION', task, message, hint }]);
}

/** The attempt is a service, and the pool runs none. */
export function serviceRefused(task: string, pool: string): PexenError {
  const message = `it is a service, and the pool "${pool}" takes none`;
  const hint = 'Run it in a pool that does.';
  return new PexenError([{ code: 'PEXEN_SERVICE', task, message, hint }]);
}

/** The attempt is a service, and the host runs it as an ordinary task. */
export function serviceUnknown(task: string): PexenError {
  const message = 'it is a service, and the scheduler runs no services';
  const hint = 'Use a newer version of @pexen/sched.';
  return new PexenError([{ code: 'PEXEN_SERVICE', task, message, hint }]);
}

/** A service cannot start: why its worker could not be set up. */
export function noWorkerForService(times: number, error: unknown): PexenError {
  if (isPexenError(error)) return error;
  const counted = times === 1 ? '' : `, ${times} times in a row`;
  const message = `no worker could be set up for it${counted}: ${messageOf(error)}`;
  const hint = isShortage(error)
    ? 'Use fewer workers, or raise the limits of memory, processes and open files.'
    : 'Look at the free space and the permissions of the temporary folder.';
  return new PexenError([{ code: 'PEXEN_NO_SLOT', message, hint }], { cause: error });
}

/** A slot was closed. */
export function slotClosed(slot: number, times: number, error: unknown): Problem {
  const counted = times === 1 ? '' : ` ${times} times in a row`;
  return {
    code: 'PEXEN_SLOT_CLOSED',
    message: `slot ${slot} is closed: it could not be set up${counted}: ${messageOf(error)}`,
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

/** True for the errors of a system that has no room: for open files, processes or memory. */
export function isShortage(error: unknown): boolean {
  const { code } = (error ?? {}) as { readonly code?: unknown };
  return typeof code === 'string' && shortages.has(code);
}

const shortages: ReadonlySet<string> = new Set(['EAGAIN', 'EMFILE', 'ENFILE', 'ENOMEM']);
