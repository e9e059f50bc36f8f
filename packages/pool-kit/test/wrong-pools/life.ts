/** Pools that do not open and close as they should. */
import type { PoolContext } from '@pexen/core';
import * as rules from '../../src/conformance/life.ts';
import { InProcess } from './in-process.ts';
import { Threaded } from './threaded.ts';
import { type WrongPool, wrong } from './wrong.ts';

class SaysSlotsLate extends InProcess {
  override async open(context: PoolContext): Promise<void> {
    const slotsChanged = (slots: number): void => void setImmediate(() => context.slotsChanged(slots));
    await super.open({ ...context, slotsChanged, workerLost: context.workerLost });
  }
}

class RunsBeforeOpen extends InProcess {
  #wasOpen = false;
  override async open(context: PoolContext): Promise<void> {
    this.#wasOpen = true;
    await super.open(context);
  }
  override run(...[assignment, ticket]: Parameters<InProcess['run']>): ReturnType<InProcess['run']> {
    if (this.#wasOpen) return super.run(assignment, ticket);
    return new Promise((settle) => this.accept({ assignment, ticket, settle }));
  }
}

class RunsAfterClose extends InProcess {
  #wasClosed = false;
  override async close(how: 'drain' | 'kill'): Promise<void> {
    await super.close(how);
    this.#wasClosed = true;
  }
  override run(...[assignment, ticket]: Parameters<InProcess['run']>): ReturnType<InProcess['run']> {
    if (!this.#wasClosed) return super.run(assignment, ticket);
    return new Promise((settle) => this.accept({ assignment, ticket, settle }));
  }
}

class OpensOnce extends InProcess {
  #wasOpen = false;
  override async open(context: PoolContext): Promise<void> {
    if (this.#wasOpen) throw new Error('a pool opens once');
    this.#wasOpen = true;
    await super.open(context);
  }
}

class OpensForAll extends InProcess {
  override async open(context: PoolContext): Promise<void> {
    this.context = undefined;
    await super.open(context);
  }
}

class DrainAbandons extends InProcess {
  override async close(): Promise<void> {
    this.context = undefined;
    for (const job of this.queue.splice(0)) job.settle({ kind: 'not-started', reason: 'closed' });
    for (const job of this.running) job.settle({ kind: 'crashed', reason: 'closed' });
  }
}

class DrainRunsAll extends InProcess {
  override async close(how: 'drain' | 'kill'): Promise<void> {
    const all = [...this.running, ...this.queue];
    await Promise.all(all.map((job) => new Promise<void>((resolve) => this.onSettled(job, resolve))));
    await super.close(how);
  }
  onSettled(job: { settle: (outcome: never) => void }, listener: () => void): void {
    const { settle } = job;
    Object.assign(job, {
      settle: (outcome: never) => {
        settle(outcome);
        listener();
      },
    });
  }
}

class KillWaits extends Threaded {
  override async close(how: 'drain' | 'kill'): Promise<void> {
    const isBusy = [...this.busy.values()].some(({ assignment }) => assignment.path === 'blocks');
    await super.close(isBusy && how === 'kill' ? 'drain' : how);
  }
}

class KillForgetsQueue extends Threaded {
  override async close(how: 'drain' | 'kill'): Promise<void> {
    if (how === 'kill') this.queue.length = 0;
    await super.close(how);
  }
}

class KillLetsDrain extends Threaded {
  #isDraining = false;
  override async close(how: 'drain' | 'kill'): Promise<void> {
    if (this.#isDraining) return;
    this.#isDraining = how === 'drain';
    await super.close(how);
    this.#isDraining = false;
  }
}

class LeavesTimer extends InProcess {
  override async open(context: PoolContext): Promise<void> {
    setInterval(() => {}, 60_000);
    await super.open(context);
  }
}

export const wrongLife: readonly WrongPool[] = [
  wrong(rules.openSaysSlots, 'says its slots a little late', () => new SaysSlotsLate('reference')),
  wrong(rules.runBeforeOpen, 'runs before it is open', () => new RunsBeforeOpen('reference')),
  wrong(rules.runAfterClose, 'runs after it was closed', () => new RunsAfterClose('reference')),
  wrong(rules.reopens, 'opens only once', () => new OpensOnce('reference')),
  wrong(rules.opensForOne, 'lets two have it at the same time', () => new OpensForAll('reference')),
  wrong(rules.drainLetsEnd, 'abandons what runs when it is drained', () => new DrainAbandons('reference')),
  wrong(rules.drainGivesBack, 'runs all that waits when it is drained', () => new DrainRunsAll('reference')),
  wrong(rules.killEnds, 'waits for a busy body when it is closed by force', () => new KillWaits()),
  wrong(rules.killGivesBack, 'forgets what waits when it is closed by force', () => new KillForgetsQueue()),
  wrong(rules.killOvertakesDrain, 'drains on when it is told to hurry', () => new KillLetsDrain()),
  wrong(rules.leavesNothing, 'leaves a timer behind', () => new LeavesTimer('clone')),
];
