/** Pools that do not open and close as they should. */
import { createServer } from 'node:net';
import type { PoolContext, PoolOutcome } from '@pexen/core';
import * as rules from '../../src/conformance/life.ts';
import { InProcess, type Job } from './in-process.ts';
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
  #isOpened = false;
  #wasDrained = false;
  override async open(context: PoolContext): Promise<void> {
    this.#wasDrained = false;
    await super.open(context);
    this.#isOpened = true;
  }
  override async close(how: 'drain' | 'kill'): Promise<void> {
    const wasOpen = this.#isOpened;
    this.#isOpened = false;
    await super.close(how);
    this.#wasDrained = wasOpen && how === 'drain';
  }
  override run(...[assignment, ticket]: Parameters<InProcess['run']>): ReturnType<InProcess['run']> {
    if (!this.#wasDrained) return super.run(assignment, ticket);
    return new Promise((settle) => this.accept({ assignment, ticket, settle }));
  }
}

/** Cannot be opened again, at least if it was never used. */
class OpensOnce extends InProcess {
  #wasOpen = false;
  #wasUsed = false;
  override async open(context: PoolContext): Promise<void> {
    if (this.#wasOpen && !this.#wasUsed) throw new Error('a pool opens once');
    this.#wasOpen = true;
    await super.open(context);
  }
  override run(...parts: Parameters<InProcess['run']>): ReturnType<InProcess['run']> {
    this.#wasUsed = true;
    return super.run(...parts);
  }
}

class OpensForAll extends InProcess {
  override async open(context: PoolContext): Promise<void> {
    this.context = undefined;
    await super.open(context);
  }
}

class DrainAbandons extends InProcess {
  override async close(how: 'drain' | 'kill'): Promise<void> {
    if (how === 'kill') {
      await super.close(how);
      return;
    }
    this.context = undefined;
    for (const job of this.queue.splice(0)) job.settle({ kind: 'not-started', reason: 'closed' });
    for (const job of this.running) job.settle({ kind: 'crashed', reason: 'closed' });
  }
}

class DrainRunsAll extends InProcess {
  override async close(how: 'drain' | 'kill'): Promise<void> {
    const all = how === 'drain' ? [...this.running, ...this.queue] : [];
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

/** Is closed a little before it has settled the attempts that it returns. */
class SettlesLate extends InProcess {
  override giveBackAll(): void {
    const waiting = this.queue.splice(0);
    if (waiting.length === 0) return;
    setTimeout(() => {
      for (const job of waiting) job.settle({ kind: 'not-started', reason: 'closed' });
    }, 250);
  }
}

/** Goes on talking of an attempt that is over. */
class TalksOn extends InProcess {
  override end(job: Job, outcome: PoolOutcome): void {
    super.end(job, outcome);
    if (this.context !== undefined) return;
    setTimeout(() => job.ticket.report({ kind: 'heartbeat' }), 20);
  }
}

class LeavesHiddenTimer extends InProcess {
  override async open(context: PoolContext): Promise<void> {
    setInterval(() => {}, 60_000).unref();
    await super.open(context);
  }
}

class LeavesHiddenServer extends InProcess {
  override async open(context: PoolContext): Promise<void> {
    await super.open(context);
    createServer().listen(0).unref();
  }
}

/** Is open although it was closed meanwhile. */
class OpensAfterClose extends InProcess {
  override async open(context: PoolContext): Promise<void> {
    if (this.context === undefined) await new Promise((resolve) => setTimeout(resolve, 20));
    await super.open(context);
  }
}

/** Never comes to an end of opening when it was closed meanwhile. */
class OpensForEver extends InProcess {
  #closes = 0;
  override async open(context: PoolContext): Promise<void> {
    const closes = this.#closes;
    if (this.context === undefined) await new Promise((resolve) => setTimeout(resolve, 20));
    if (closes < this.#closes) await new Promise(() => {});
    await super.open(context);
  }
  override async close(how: 'drain' | 'kill'): Promise<void> {
    this.#closes++;
    await super.close(how);
  }
}

class ListensForEver extends InProcess {
  override async open(context: PoolContext): Promise<void> {
    if (process.listenerCount('SIGWINCH') < 9) process.on('SIGWINCH', () => {});
    await super.open(context);
  }
}

class LeavesTimerOfCrash extends InProcess {
  override crashed(): void {
    super.crashed();
    setInterval(() => {}, 60_000);
  }
}

export const wrongLife: readonly WrongPool[] = [
  wrong(rules.openSaysSlots, 'reports its slots a little late', () => new SaysSlotsLate('reference')),
  wrong(rules.runBeforeOpen, 'runs before it is open', () => new RunsBeforeOpen('reference')),
  wrong(rules.runAfterClose, 'runs after it was closed', () => new RunsAfterClose('reference')),
  wrong(rules.reopens, 'opens only once', () => new OpensOnce('reference')),
  wrong(rules.opensForOne, 'can be opened twice at the same time', () => new OpensForAll('reference')),
  wrong(
    rules.drainLetsEnd,
    'abandons running attempts when it is drained',
    () => new DrainAbandons('reference'),
  ),
  wrong(rules.drainReturns, 'runs waiting attempts when it is drained', () => new DrainRunsAll('reference')),
  wrong(rules.killEnds, 'waits for a busy body when it is closed by force', () => new KillWaits()),
  wrong(
    rules.killReturns,
    'forgets waiting attempts when it is closed by force',
    () => new KillForgetsQueue(),
  ),
  wrong(rules.killInterruptsDrain, 'keeps draining when it is killed', () => new KillLetsDrain()),
  wrong(
    rules.settlesAll,
    'is closed before it has returned the attempts that wait',
    () => new SettlesLate('reference'),
  ),
  wrong(rules.settlesAll, 'reports attempts after their outcome', () => new TalksOn('reference')),
  wrong(rules.leavesNothing, 'leaves a timer behind', () => new LeavesTimer('clone')),
  wrong(rules.leavesNothing, 'leaves a timer behind for each crash', () => new LeavesTimerOfCrash('clone')),
  wrong(rules.leavesNothing, 'listens to the process once more each time', () => new ListensForEver('clone')),
  wrong(
    rules.leavesNothingHidden,
    'leaves an unreferenced timer behind',
    () => new LeavesHiddenTimer('reference'),
  ),
  wrong(
    rules.leavesNothingHidden,
    'leaves an unreferenced server behind',
    () => new LeavesHiddenServer('reference'),
  ),
  wrong(
    rules.closesWhileOpening,
    'is open although it was closed while it was opening',
    () => new OpensAfterClose('reference'),
  ),
  wrong(
    rules.closesWhileOpening,
    'never ends opening when it was closed meanwhile',
    () => new OpensForEver('reference'),
  ),
];
