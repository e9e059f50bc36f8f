/** Recorders with mistakes, each of which the cuts have to find. */
import type { Recall, RecalledTask, TaskInfo, TaskOrigin } from '@pexen/core';
import type { JournalEntry } from '../../src/index.ts';
import { RunRecorder } from '../../src/run/recorder.ts';
import type { MakeRecorder } from './play.ts';

/** A mistake, and the first seed of a suite in which it shows. */
export interface Planted {
  readonly what: string;
  readonly from?: number;
  readonly makeRecorder: MakeRecorder;
}

function recalling(what: string, change: (recall: Recall) => Recall): Planted {
  class Mistaken extends RunRecorder {
    override added(origin: TaskOrigin, tasks: readonly TaskInfo[]): Recall {
      return change(super.added(origin, tasks));
    }
  }
  return { what, makeRecorder: (options) => new Mistaken(options) };
}

function changing(what: string, change: (task: RecalledTask) => RecalledTask | undefined): Planted {
  return recalling(what, (recall) => ({
    ...recall,
    tasks: recall.tasks.flatMap((each) => change(each) ?? []),
  }));
}

class Impatient extends RunRecorder {
  override get recorded(): number {
    return Number.MAX_SAFE_INTEGER;
  }
}

class Hasty extends RunRecorder {
  override get expectsMore(): boolean {
    return false;
  }
}

class Oblivious extends RunRecorder {
  override get pendingReboot(): undefined {
    return undefined;
  }
}

class Unbelieving extends RunRecorder {
  override failReboot(): void {}
}

class Silent extends RunRecorder {
  override async issueReboot(): Promise<void> {}
}

const crashed = { kind: 'crashed', locksOk: true } as const;

/** Does not look at digests. */
export const forgettingEdits: MakeRecorder = (options) => {
  const entries = options.entries.map((entry): JournalEntry => {
    const { event } = entry;
    if (event.type === 'tasks-added')
      return { ...entry, event: { ...event, tasks: event.tasks.map(withoutDigests) } };
    if (event.type !== 'task-finished') return entry;
    const { code: _code, ...rest } = event;
    return { ...entry, event: rest };
  });
  class Forgetting extends RunRecorder {
    override added(origin: TaskOrigin, tasks: readonly TaskInfo[]): Recall {
      return super.added(origin, tasks.map(withoutDigests));
    }
  }
  return new Forgetting({ ...options, entries });
};

function withoutDigests({ digests: _digests, ...info }: TaskInfo): TaskInfo {
  return info;
}

export const planted: readonly Planted[] = [
  {
    what: 'results and starts do not wait for their records',
    makeRecorder: (options) => new Impatient(options),
  },
  {
    what: 'tasks start before the loop has handled what was recalled',
    from: 55,
    makeRecorder: (options) => new Hasty(options),
  },
  {
    what: 'in the same boot, a run goes on without the reboot that was asked for',
    makeRecorder: (options) => new Oblivious(options),
  },
  {
    what: 'a reboot that failed is ordered again and again',
    makeRecorder: (options) => new Unbelieving(options),
  },
  { what: 'a reboot is ordered without a record', makeRecorder: (options) => new Silent(options) },
  {
    what: 'all boots look the same',
    makeRecorder: (options) => new RunRecorder({ ...options, boot: 'boot 1' }),
  },
  changing('reboots are not counted', (task) => (task.kind === 'start' ? { ...task, rebootCount: 0 } : task)),
  changing('a reboot counts as an interruption', (task) =>
    task.kind === 'start' ? { ...task, rebootCount: (task.rebootCount ?? 0) + task.interruptions } : task,
  ),
  recalling('nothing is guarded', (recall) => ({ ...recall, guards: [] })),
  recalling('nothing is recalled', (recall) => ({ ...recall, tasks: [] })),
  changing('an interruption counts as an attempt', (task) => {
    if (task.kind !== 'start' || task.interruptions === 0 || task.crashed !== undefined) return task;
    const attempt = {
      attempt: task.attempts.length + 1,
      outcome: crashed,
      worker: '',
      startedAtMs: 0,
      durationMs: 0,
    };
    return { ...task, attempts: [...task.attempts, attempt] };
  }),
  changing('what may not start twice starts again', (task) => {
    if (task.kind !== 'start') return task;
    const { crashed: _crashed, ...start } = task;
    return start;
  }),
  changing('attempts that ended are forgotten', (task) =>
    task.kind === 'start' && task.crashed === undefined ? { ...task, attempts: [] } : task,
  ),
  changing('nothing that was recalled provides', (task) =>
    task.kind === 'result' ? { ...task, provides: false } : task,
  ),
  changing('dictionaries are forgotten', (task) => {
    if (task.kind !== 'result') return task;
    const { shared: _shared, ...result } = task;
    return result;
  }),
  changing('values are forgotten', (task) => (task.kind === 'result' ? { ...task, value: undefined } : task)),
  changing('values of keys are forgotten', (task) =>
    task.kind === 'result' ? { ...task, provided: [] } : task,
  ),
];
