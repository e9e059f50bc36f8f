/** Pools that run programs wrongly. */
import type { Assignment, ExecutableFacts, PoolOutcome } from '@pexen/core';
import * as rules from '../../src/conformance/programs.ts';
import { InProcess, type Job } from './in-process.ts';
import { changed, onlyErrors, onlyOf, otherwise, type WrongPool, wrong } from './wrong.ts';

/** A right pool that runs nothing but programs. */
export class ProgramsOnly extends InProcess {
  constructor() {
    super('reference', true, false);
    this.manifest = { ...this.manifest, kills: true };
  }
  override async begin(job: Job): Promise<PoolOutcome> {
    return await super.begin(job);
  }
}

class CountsTwice extends ProgramsOnly {
  override async begin(job: Job): Promise<PoolOutcome> {
    job.ticket.started('in-process worker');
    return await super.begin(job);
  }
}

class RunsAllPrograms extends ProgramsOnly {
  override accept(job: Job): void {
    this.slots = job.assignment.path.startsWith('program ') ? 10 : 2;
    super.accept(job);
  }
}

class KeepsStopped extends ProgramsOnly {
  override giveBack(): void {}
}

class KillForgets extends ProgramsOnly {
  override async close(how: 'drain' | 'kill'): Promise<void> {
    if (how === 'kill') this.queue.length = 0;
    await super.close(how);
  }
}

class LeavesTimer extends ProgramsOnly {
  override async begin(job: Job): Promise<PoolOutcome> {
    setInterval(() => {}, 60_000);
    return await super.begin(job);
  }
}

class LosesFunctions extends ProgramsOnly {
  override async begin(job: Job): Promise<PoolOutcome> {
    const outcome = await super.begin(job);
    const isFunction = typeof job.assignment.definition.body === 'function';
    return isFunction ? { kind: 'crashed', reason: 'it is not a program' } : outcome;
  }
}

const spoilsFacts = (change: (facts: ExecutableFacts) => ExecutableFacts) => () =>
  changed({
    executables: true,
    outcome: onlyOf('returned', (each, { address }) =>
      address?.kind === 'executable' ? { ...each, value: change(each.value as ExecutableFacts) } : each,
    ),
  });

export const wrongPrograms: readonly WrongPool[] = [
  wrong(
    rules.bringsAllOutput,
    'drops long output without counting it',
    spoilsFacts((facts) => {
      const { head, totalBytes } = facts.stdout;
      return totalBytes < 65_536
        ? facts
        : { ...facts, stdout: { head: head.slice(0, 65_536), tail: '', totalBytes: 65_536 } };
    }),
  ),
  wrong(
    rules.collectsReports,
    'reads no reports',
    spoilsFacts((facts) => ({ ...facts, report: '' })),
  ),
  wrong(rules.startsProgram, 'reports twice that a program has started', () => new CountsTwice()),
  wrong(rules.keepsProgramsApart, 'runs all programs at once', () => new RunsAllPrograms()),
  wrong(rules.returnsPrograms, 'keeps a program that was stopped while it waited', () => new KeepsStopped()),
  wrong(rules.endsPrograms, 'forgets programs that wait when it is closed by force', () => new KillForgets()),
  wrong(rules.leavesNoProgram, 'leaves a timer behind for each program', () => new LeavesTimer()),
  wrong(rules.refusesFunctions, 'treats a function as a crash', () => new LosesFunctions()),
  wrong(
    rules.bringsFacts,
    'treats every exit code but 0 as 1',
    spoilsFacts((facts) => ({ ...facts, exitCode: facts.exitCode === 3 ? 1 : facts.exitCode })),
  ),
  wrong(rules.givesEnvironment, 'runs programs in its own working directory', () =>
    changed({
      executables: true,
      assignment: (assignment) =>
        assignment.address?.kind === 'executable' && assignment.address.workspace === undefined
          ? otherwise(assignment, { address: { ...assignment.address, cwd: process.cwd() } })
          : assignment,
    }),
  ),
  wrong(rules.givesWorkspace, 'runs all programs in the directory that is shared', () =>
    changed({
      executables: true,
      assignment: (assignment) => {
        const { workspace: _, ...address } = { workspace: undefined, ...assignment.address };
        return assignment.address?.kind === 'executable'
          ? otherwise(assignment, { address: address as Assignment['address'] })
          : assignment;
      },
    }),
  ),
  wrong(
    rules.reportsSignal,
    'makes an exit code of a signal',
    spoilsFacts((facts) => ({ ...facts, exitCode: facts.exitCode ?? 137, signal: null })),
  ),
  wrong(rules.missesProgram, 'does not say that a program is missing', () =>
    changed({
      executables: true,
      outcome: onlyErrors((error) =>
        /no such program/.test(error.message) ? { kind: 'crashed', reason: 'ENOENT' } : undefined,
      ),
    }),
  ),
  wrong(rules.killsProgram, 'reports a program that it killed as crashed', () =>
    changed({
      executables: true,
      outcome: onlyOf('stopped', (each, { address }) =>
        address?.kind === 'executable' ? { kind: 'crashed', reason: 'SIGKILL' } : each,
      ),
    }),
  ),
];
