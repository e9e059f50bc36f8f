/**
 * Reboots of the machine that tasks ask for. A task that asks runs alone, so the run is stopped, the request is recorded, and the machine is rebooted by a
 * command, or by the caller, who sees exit code 102. After that the run is resumed, and the attempt starts again. Each step is recorded before the next one,
 * so that a run which is cut in between goes on with the step that is missing.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Clock, messageOf, type PoolOutcome, type Problem, TaskFailError } from '@pexen/core';
import type { Run } from '@pexen/sched';
import { listRuns, type PendingReboot, type RebootRequest, type RecordedRun } from '@pexen/store';
import type { LoadedConfig } from '../config/config.ts';
import { type ExitCode, exitCodes } from '../verdict/exit-code.ts';

/** A reboot may take so long to end this process, ms. */
const usualTimeoutMs = 600_000;
/** A reboot by a command that did not happen is ordered once more. */
const mostOrders = 2;
const fileName = 'resume-pending';

/** What is needed to reboot. */
export interface RebootContext {
  /** The run; undefined where it is not recorded on the disk, so that it cannot go on. */
  readonly recorded: RecordedRun | undefined;
  readonly loaded: LoadedConfig;
  readonly stateDirectory: string;
  readonly clock: Clock;
  readonly onWarning: (warning: Problem) => void;
}

type Asked = RebootRequest & Pick<PendingReboot, 'path' | 'count'>;

/** The reboots of one session of a run. */
export class Reboots {
  readonly #context: RebootContext;
  #stop: (why: string) => void = () => {};
  #asked: Asked | undefined;

  constructor(context: RebootContext) {
    this.#context = context;
  }

  /** True once a task has asked: the run is being stopped. */
  get isAsked(): boolean {
    return this.#asked !== undefined;
  }

  /**
   * Before anything runs: carries out what an earlier session did not. Resolves with the exit code of the command, or with undefined if the run
   * may go on.
   */
  async before(): Promise<ExitCode | undefined> {
    const pending = this.#context.recorded?.pendingReboot;
    if (pending === undefined) {
      this.#removePending();
      return undefined;
    }
    this.#asked = pending;
    if (this.#commandOf(pending) !== undefined && pending.timesIssued >= mostOrders)
      return await this.#fail(
        `the machine has not rebooted, although that was ordered ${pending.timesIssued} times`,
      );
    return await this.carryOut();
  }

  /** Follows the run, to stop it when a task asks. */
  attach(execution: Run): void {
    this.#stop = (why) => execution.kill(why);
  }

  /** Takes the request of the body of a task; other outcomes stay as they are. */
  reinterpret(outcome: PoolOutcome, path: string): PoolOutcome {
    if (outcome.kind !== 'reboot-asked') return outcome;
    const { recorded } = this.#context;
    const { command, timeoutMs } = outcome;
    const request = {
      ...(command !== undefined && { command }),
      ...(timeoutMs !== undefined && { timeoutMs }),
    };
    if (recorded === undefined) return refused('the run is not recorded, and cannot go on after a reboot');
    const count = recorded.askReboot(path, request);
    if (count === undefined) return refused('it has asked for ten reboots already');
    this.#asked = { ...request, path, count };
    this.#stop(`${path} asks for reboot ${count} of the machine`);
    return outcome;
  }

  /** Orders the reboot, once everything has ended. Resolves with the exit code if this process still lives afterwards. */
  async carryOut(): Promise<ExitCode> {
    const { recorded } = this.#context;
    if (this.#asked === undefined || recorded === undefined) return exitCodes.ok;
    const other = this.#otherRun(recorded);
    if (other !== undefined) return await this.#fail(`run ${other} of this folder goes on`);
    const command = this.#commandOf(this.#asked);
    try {
      this.#writePending(recorded);
    } catch (error) {
      return await this.#fail(`it cannot be noted how the run goes on: ${messageOf(error)}`);
    }
    await recorded.issueReboot();
    if (command !== undefined) return await this.#order(command, this.#asked.timeoutMs ?? usualTimeoutMs);
    await recorded.end({ exitCode: exitCodes.reboot, isResumable: true, reason: 'a reboot was asked for' });
    return exitCodes.reboot;
  }

  #commandOf({ command }: RebootRequest): string | undefined {
    return command ?? this.#context.loaded.config.rebootCommand;
  }

  /** The number of another run that would be cut. */
  #otherRun({ id }: RecordedRun): number | undefined {
    const runs = listRuns(this.#context.stateDirectory);
    return runs.find((run) => run.id !== id && run.state === 'going-on')?.number;
  }

  /** Waits until the reboot ends this process. */
  async #order(command: string, timeoutMs: number): Promise<ExitCode> {
    const ignore = (): void => {};
    process.on('SIGTERM', ignore);
    try {
      return await this.#fail(await this.#whyNot(command, timeoutMs));
    } finally {
      process.off('SIGTERM', ignore);
    }
  }

  async #whyNot(command: string, timeoutMs: number): Promise<string> {
    const child: ChildProcess = spawn(command, { shell: true, stdio: ['ignore', 2, 2] });
    return await new Promise((settle) => {
      const cancel = this.#context.clock.after(timeoutMs, () =>
        settle(`the machine has not rebooted within ${timeoutMs / 1000} s after: ${command}`),
      );
      const failed = (why: string): void => {
        cancel();
        settle(`the command ${command} ${why}`);
      };
      child.on('error', (error) => failed(`cannot be started: ${error.message}`));
      child.on('exit', (code) => {
        if (code !== 0) failed(code === null ? 'was ended by a signal' : `ended with exit code ${code}`);
      });
    });
  }

  async #fail(why: string): Promise<ExitCode> {
    const { recorded, onWarning } = this.#context;
    recorded?.failReboot(why);
    this.#removePending();
    await recorded?.end({ exitCode: exitCodes.infrastructure, isResumable: true, reason: why });
    onWarning({
      code: 'PEXEN_REBOOT_FAILED',
      message: `${this.#asked?.path ?? 'a task'} asks for a reboot of the machine: ${why}`,
      hint: 'Reboot the machine, or correct the command; then continue with: pexen resume',
    });
    return exitCodes.infrastructure;
  }

  /** How the run goes on after the reboot; on the disk when this returns. */
  #writePending({ id }: RecordedRun): void {
    const { stateDirectory, loaded } = this.#context;
    const file = join(stateDirectory, fileName);
    const pending: PendingResume = {
      ...{ version: 1, run: id, root: loaded.root },
      ...(loaded.file !== undefined && { config: resolve(loaded.root, loaded.file) }),
    };
    const descriptor = openSync(`${file}-new`, 'w', 0o600);
    writeFileSync(descriptor, `${JSON.stringify(pending)}\n`);
    fsyncSync(descriptor);
    closeSync(descriptor);
    renameSync(`${file}-new`, file);
    const folder = openSync(stateDirectory, 'r');
    fsyncSync(folder);
    closeSync(folder);
  }

  #removePending(): void {
    const { stateDirectory, recorded } = this.#context;
    if (recorded !== undefined && pendingResume(stateDirectory)?.run === recorded.id)
      rmSync(join(stateDirectory, fileName), { force: true });
  }
}

/** The run that a reboot interrupted. */
export interface PendingResume {
  readonly version: 1;
  /** Its id. */
  readonly run: string;
  /** The root of the suite: an absolute path. */
  readonly root: string;
  /** The configuration: an absolute path. */
  readonly config?: string;
}

/** The run that is to be resumed after a reboot; undefined where there is none. */
export function pendingResume(stateDirectory: string): PendingResume | undefined {
  try {
    const pending = JSON.parse(readFileSync(join(stateDirectory, fileName), 'utf8')) as PendingResume;
    return pending.version === 1 && typeof pending.run === 'string' ? pending : undefined;
  } catch {
    return undefined;
  }
}

function refused(why: string): PoolOutcome {
  const error = new TaskFailError(`asks for a reboot of the machine: ${why}`, { depsOk: false });
  error.stack = `${error.name}: ${error.message}`;
  return { kind: 'failed', error, depsOk: false, locksOk: true };
}
