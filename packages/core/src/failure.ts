/** How a body fails in a controlled way, or skips itself. */

const failBrand = Symbol.for('pexen.TaskFailError');
const skipBrand = Symbol.for('pexen.SkipSignal');
const rebootBrand = Symbol.for('pexen.RebootSignal');

/** What a controlled failure leaves behind. Both default to true: dependents may go on, resources are fine. */
export interface TaskFailOptions extends ErrorOptions {
  /** May the tasks that require what this one provides go on? */
  readonly depsOk?: boolean | undefined;
  /** Are the resources it held in order? If not, they are poisoned. */
  readonly locksOk?: boolean | undefined;
  /** Data for the consumer of the result; must be cloneable to leave the process or thread. */
  readonly data?: unknown;
}

/**
 * A controlled failure: the task did not succeed, and states what may continue. Subclasses may add their own properties.
 *
 * @example throw new TaskFailError('3 of 80 checks failed', { depsOk: false, data: failures });
 */
export class TaskFailError extends Error {
  override name = 'TaskFailError';
  readonly depsOk: boolean;
  readonly locksOk: boolean;
  readonly data: unknown;

  constructor(message?: string, options: TaskFailOptions = {}) {
    super(message, options);
    this.depsOk = options.depsOk ?? true;
    this.locksOk = options.locksOk ?? true;
    this.data = options.data;
    Object.defineProperty(this, failBrand, { value: true });
  }
}

/** True for a TaskFailError of this or any other copy of the package, and for one that came from another process or thread. */
export function isTaskFailError(error: unknown): error is TaskFailError {
  return bears(failBrand, error);
}

/** Thrown by `context.skip(reason)`; a body that throws it has skipped itself. */
export class SkipSignal extends Error {
  override readonly name = 'SkipSignal';

  constructor(reason: string) {
    super(reason);
    Object.defineProperty(this, skipBrand, { value: true });
  }
}

/** True for a SkipSignal of this or any other copy of the package. */
export function isSkipSignal(error: unknown): error is SkipSignal {
  return bears(skipBrand, error);
}

/** How the machine is rebooted for a task that asks for it. */
export interface RebootOptions {
  /** A command line for the shell. Default: that of the configuration; where there is none, pexen ends with exit code 102. */
  readonly command?: string | undefined;
  /** How long the reboot may take to end pexen, ms. Default 600,000. */
  readonly timeoutMs?: number | undefined;
}

/** Thrown by `context.reboot()`; a body that throws it has asked for a reboot, after which its attempt starts again. */
export class RebootSignal extends Error {
  override readonly name = 'RebootSignal';
  readonly command: string | undefined;
  readonly timeoutMs: number | undefined;

  constructor({ command, timeoutMs }: RebootOptions = {}) {
    super('the task asks for a reboot of the machine');
    this.command = command;
    this.timeoutMs = timeoutMs;
    Object.defineProperty(this, rebootBrand, { value: true });
  }
}

/** True for a RebootSignal of this or any other copy of the package. */
export function isRebootSignal(error: unknown): error is RebootSignal {
  return bears(rebootBrand, error);
}

/** False also for a proxy whose properties cannot be read. */
function bears(brand: symbol, error: unknown): boolean {
  try {
    return error instanceof Error && brand in error;
  } catch {
    return false;
  }
}

/** The message of an error, or any other thrown value as text. Never throws, whatever was thrown. */
export function messageOf(error: unknown): string {
  try {
    return String(error instanceof Error ? error.message : error);
  } catch {
    return unreadable;
  }
}

/** The message for an error that cannot be read: one of its getters throws, or it has no text form. */
export const unreadable = 'an error that cannot be read';

/** True for promises and everything that can be awaited like one, functions too. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false;
  return typeof (value as { readonly then?: unknown }).then === 'function';
}
