/** Pools that do not give up as they should what they cannot end. */
import type { PoolContext, PoolOutcome } from '@pexen/core';
import * as rules from '../../src/conformance/abandoning.ts';
import { InProcess, type Job } from './in-process.ts';
import { nameOf, type WrongPool, wrong } from './wrong.ts';

const lingers = ({ assignment }: Job): boolean => nameOf(assignment) === 'lingers';

/** Waits for a body forever once its grace period is over. */
class NeverGivesUp extends InProcess {
  #isClosing = false;
  override async open(context: PoolContext): Promise<void> {
    this.#isClosing = false;
    await super.open(context);
  }
  override async close(how: 'drain' | 'kill'): Promise<void> {
    this.#isClosing = true;
    await super.close(how);
  }
  override abandon(job: Job): void {
    const isOneOfMany = job.assignment.path.startsWith('attempt ');
    if (this.#isClosing || !isOneOfMany) super.abandon(job);
  }
}

/** Gives a body up, and keeps its slot. */
class KeepsSlots extends InProcess {
  override end(job: Job, outcome: PoolOutcome): void {
    super.end(job, outcome);
    if (outcome.kind === 'stopped' && outcome.how === 'abandoned' && lingers(job)) this.slots--;
  }
  override async open(context: PoolContext): Promise<void> {
    this.slots = 2;
    await super.open(context);
  }
}

/** Calls killed what it only has given up. */
class CallsKilled extends InProcess {
  override end(job: Job, outcome: PoolOutcome): void {
    const isAbandoned = outcome.kind === 'stopped' && outcome.how === 'abandoned';
    const isOneOfMany = job.assignment.path.startsWith('attempt ');
    super.end(job, isAbandoned && isOneOfMany ? { kind: 'stopped', how: 'killed' } : outcome);
  }
}

class OpensBesideAbandoned extends InProcess {
  override isTaken(): boolean {
    return false;
  }
}

/** Never notices that a body has ended that it gave up. */
class RefusesForEver extends InProcess {
  #wasAbandoned = false;
  override abandon(job: Job): void {
    this.#wasAbandoned = true;
    super.abandon(job);
  }
  override isTaken(): boolean {
    return this.#wasAbandoned;
  }
}

/** Gives a body all of its grace though it is closed by force. */
class KillIsPatient extends InProcess {
  override abandon(job: Job): void {
    if (job.assignment.graceMs < 100_000) super.abandon(job);
  }
}

export const wrongAbandoning: readonly WrongPool[] = [
  wrong(rules.abandons, 'waits forever for a body that cannot be ended', () => new NeverGivesUp('reference')),
  wrong(rules.abandons, 'gives a body up and keeps its slot', () => new KeepsSlots('reference')),
  wrong(rules.abandons, 'reports bodies as killed that it cannot end', () => new CallsKilled('reference')),
  wrong(
    rules.refusesToOpen,
    'opens while an abandoned body runs in it',
    () => new OpensBesideAbandoned('reference'),
  ),
  wrong(
    rules.refusesToOpen,
    'never opens again once it has abandoned a body',
    () => new RefusesForEver('reference'),
  ),
  wrong(
    rules.killAbandons,
    'waits for the grace period although it is closed by force',
    () => new KillIsPatient('reference'),
  ),
];
