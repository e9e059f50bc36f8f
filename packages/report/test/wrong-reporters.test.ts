/** Proves the conformance kit of reporters: it passes a right reporter, and finds each of those that break a rule. */
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TaskInfo } from '@pexen/core';
import { describe, expect, it } from 'vitest';
import { reporterConformance, reporterContract } from '../src/conformance.ts';
import { printable, type Reporter } from '../src/index.ts';

const fileIn = (folder: string): string => join(folder, 'failures.txt');
const read = (folder: string): string => readFileSync(fileIn(folder), 'utf8');

/** Writes a line for each failure, when it is closed. Wrong ones replace some of its parts. */
function failures(folder: string, parts: Partial<Reporter> = {}): Reporter {
  let found: string[] | undefined;
  return {
    name: 'failures',
    update: (_model, change) => {
      found ??= [];
      if (change.kind !== 'task-ended') return;
      const { verdict, reason = '' } = change.task.result.judgement;
      if (verdict !== 'pass') found.push(`${verdict} ${change.task.path}: ${reason}`);
    },
    written: () => `Failures: ${fileIn(folder)}`,
    close: async () => {
      if (found !== undefined) writeFileSync(fileIn(folder), `${found.map(printable).join('\n')}\n`);
    },
    ...parts,
  };
}

/** The cases that fail, as `title: rule`. */
async function failing(make: (folder: string) => Reporter): Promise<string[]> {
  const cases: (readonly [name: string, body: () => Promise<void>])[] = [];
  reporterConformance({ make, read, timeoutMs: 200, test: (name, run) => cases.push([name, run]) });
  const failed: string[] = [];
  for (const [name, run] of cases) await run().catch(() => failed.push(name.replace(/^\w+: /, '')));
  return failed;
}

const shared: string[] = [];
const timers: ReturnType<typeof setInterval>[] = [];
const later = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** What the reporter does wrong, the rules that it breaks, and the reporter. */
const wrong: readonly (readonly [
  does: string,
  breaks: readonly string[],
  make: (folder: string) => Reporter,
])[] = [
  [
    'has no function that takes events',
    [
      'has close, and update, event or taskUpdate',
      'has written everything when close resolves',
      'names every task that did not pass',
      'shares nothing with another one of its kind',
      'writes no control characters of tasks, and no broken Unicode',
    ],
    (folder) => ({ name: 'deaf', close: failures(folder).close }),
  ],
  ['has no name', ['has a name for messages, of one line'], (folder) => ({ ...failures(folder), name: '' })],
  [
    'writes when it is made',
    ['does nothing before the run starts'],
    (folder) => {
      writeFileSync(fileIn(folder), '');
      return failures(folder);
    },
  ],
  [
    'throws at a kind of change',
    ['changes nothing of what it is given', 'stands every kind of event and update'],
    (folder) => {
      const right = failures(folder);
      return {
        ...right,
        update: (model, change) => {
          if (change.kind === 'late-error') throw new Error('what is that?');
          return right.update?.(model, change);
        },
      };
    },
  ],
  [
    'needs the first event',
    ['stands a run of which it missed the start'],
    (folder) => {
      const right = failures(folder);
      let hasStarted = false;
      return {
        ...right,
        event: (event) => {
          hasStarted ||= event.type === 'run-started';
          if (!hasStarted) throw new Error('the run has not started');
        },
      };
    },
  ],
  [
    'throws at what it does not know',
    ['stands events, changes and updates that it does not know'],
    (folder) => ({
      ...failures(folder),
      event: ({ type }) => {
        if (type.startsWith('of-')) throw new Error(`unknown event ${type}`);
      },
    }),
  ],
  [
    'sorts the lists that it is given',
    ['changes nothing of what it is given'],
    (folder) => ({
      ...failures(folder),
      event: (event) => {
        if (event.type === 'tasks-added')
          (event.tasks as TaskInfo[]).sort((a, b) => (a.path < b.path ? -1 : 1));
      },
    }),
  ],
  [
    'is asynchronous now and then',
    ['returns promises from its first call on, or never'],
    (folder) => ({
      ...failures(folder),
      event: (event) => (event.type === 'task-finished' ? later() : undefined),
    }),
  ],
  [
    'closes only after the end of the run',
    [
      'closes a run that was aborted in the middle',
      'does nothing before the run starts',
      'has a name for messages, of one line',
      'has close, and update, event or taskUpdate',
    ],
    (folder) => {
      let hasEnded = false;
      const right = failures(folder);
      return {
        ...right,
        event: ({ type }) => {
          hasEnded ||= type === 'run-ended';
        },
        close: async () => {
          if (!hasEnded) await new Promise(() => {});
          await right.close();
        },
      };
    },
  ],
  [
    'leaves a timer behind',
    ['leaves no timer, no connection and no listener of the process behind'],
    (folder) => {
      const right = failures(folder);
      return {
        ...right,
        update: (model, change) => {
          if (timers.length < 1_000 && change.kind === 'run-started')
            timers.push(setInterval(() => {}, 100_000));
          return right.update?.(model, change);
        },
      };
    },
  ],
  [
    'leaves a listener of the process behind',
    ['leaves no timer, no connection and no listener of the process behind'],
    (folder) => {
      const right = failures(folder);
      return {
        ...right,
        update: (model, change) => {
          if (change.kind === 'run-ended' && process.listenerCount('beforeExit') < 9)
            process.on('beforeExit', noop);
          return right.update?.(model, change);
        },
      };
    },
  ],
  [
    'keeps its lines in its module',
    ['shares nothing with another one of its kind'],
    (folder) => {
      const right = failures(folder);
      return {
        ...right,
        update: (model, change) => {
          if (change.kind === 'task-ended' && /apples|pears/.test(change.task.path))
            shared.push(change.task.path);
          return right.update?.(model, change);
        },
        close: async () => {
          await right.close();
          if (shared.length > 0) appendFileSync(fileIn(folder), shared.join('\n'));
        },
      };
    },
  ],
  [
    'says in two lines what it wrote',
    ['says in one line what it wrote, or nothing'],
    (folder) => ({ ...failures(folder), written: () => 'It wrote\na file.' }),
  ],
  [
    'prints how it goes',
    ['prints nothing to the terminal, where reporters for terminals write'],
    (folder) => ({
      ...failures(folder),
      event: ({ type }) => {
        if (type === 'run-ended') process.stdout.write('');
      },
    }),
  ],
  [
    'goes on writing after it was closed',
    ['has written everything when close resolves'],
    (folder) => {
      const right = failures(folder);
      return {
        ...right,
        close: async () => {
          await right.close();
          setImmediate(() => appendLater(folder));
        },
      };
    },
  ],
  [
    'names the first failure only',
    ['names every task that did not pass'],
    (folder) => {
      const right = failures(folder);
      let isDone = false;
      return {
        ...right,
        update: (model, change) => {
          const isFailure = change.kind === 'task-ended' && change.task.result.judgement.verdict !== 'pass';
          if (isFailure && isDone) return;
          isDone ||= isFailure;
          return right.update?.(model, change);
        },
      };
    },
  ],
  [
    'writes names as they are',
    ['writes no control characters of tasks, and no broken Unicode'],
    (folder) => {
      const names: string[] = [];
      const right = failures(folder);
      return {
        ...right,
        update: (model, change) => {
          if (change.kind === 'task-ended') names.push(change.task.path);
          return right.update?.(model, change);
        },
        close: async () => {
          await right.close();
          if (names.length > 0) appendFileSync(fileIn(folder), names.join('\n'));
        },
      };
    },
  ],
];

function noop(): void {}

/** Its folder may be gone by then. */
function appendLater(folder: string): void {
  try {
    appendFileSync(fileIn(folder), 'one more thing\n');
  } catch {
    // The case is over.
  }
}

describe('the conformance kit of reporters', () => {
  it('passes a right reporter', async () => {
    expect(await failing((folder) => failures(folder))).toEqual([]);
  });

  it.each(wrong)('finds one that %s', async (_does, breaks, make) => {
    try {
      expect((await failing(make)).sort()).toEqual([...breaks].sort());
    } finally {
      for (const timer of timers.splice(0)) clearInterval(timer);
      process.removeAllListeners('beforeExit');
      shared.length = 0;
    }
  });

  it('has a wrong reporter for every rule', () => {
    const rules = reporterContract.flatMap(({ cases }) => cases.map(({ name }) => name));
    const broken = new Set(wrong.flatMap(([, breaks]) => breaks));
    expect(rules.filter((name) => !broken.has(name))).toEqual([]);
  });
});
