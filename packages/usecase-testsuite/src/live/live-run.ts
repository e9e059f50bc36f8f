/** What a run that goes on says of itself to other processes: the questions, the answers, and who asks. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Explanation, type Inspection, misuse, type Verdict } from '@pexen/core';
import { systemClock } from '@pexen/core/timers';
import type { RunListener } from '@pexen/report';
import type { Run } from '@pexen/sched';
import { answerQuestions, askQuestion, type Reply, socketName } from './status-socket.ts';

/** Grows by one with every change of a question or an answer: a run of another version is not asked. */
const liveVersion = 1;

/** What can be asked. */
type Question =
  | { readonly ask: 'status' }
  | { readonly ask: 'paths' }
  | { readonly ask: 'explain'; readonly paths: readonly string[] };

/** A run that goes on, at one moment. Times ending in `Ms` are milliseconds. */
export interface LiveStatus {
  readonly version: typeof liveVersion;
  readonly id: string;
  /** Milliseconds since 1970; absent before its first event. */
  readonly startedAt?: number;
  readonly counts: RunListener['model']['counts'];
  readonly verdicts: Readonly<Partial<Record<Verdict, number>>>;
  /** The share of the work that is done, 0 to 1. */
  readonly fraction: number;
  /** The estimated remaining time; absent while too little is known. */
  readonly remainingMs?: number;
  readonly inspection: Inspection;
}

/** The first socket of a process loads parts of Node that take milliseconds: short runs end before that. */
const firstAskedMs = 200;

/**
 * Answers questions about the run until the returned function is called. `directory` is that of the run. `afterMs`: from then on; a run that is shorter
 * pays nothing.
 */
export function answerAbout(
  execution: Run,
  listener: RunListener,
  directory: string,
  afterMs: number = firstAskedMs,
): () => void {
  let stop: (() => void) | undefined;
  const start = (): void => {
    if (existsSync(directory)) stop = answerNow(execution, listener, directory);
  };
  if (afterMs === 0) start();
  const cancel = afterMs === 0 ? undefined : systemClock.after(afterMs, start, { keepsAlive: false });
  return () => {
    cancel?.();
    stop?.();
  };
}

function answerNow(execution: Run, { model }: RunListener, directory: string): () => void {
  return answerQuestions(directory, (given) => {
    const question = given as Question & { readonly version?: unknown };
    if (question.version !== liveVersion) throw new Error('it is of another version of pexen');
    switch (question.ask) {
      case 'status':
        return statusOf(execution, model);
      case 'paths':
        return execution.paths;
      case 'explain':
        return question.paths.map((path) => execution.explain(path));
      default:
        throw new Error(`it does not know the question ${JSON.stringify(question satisfies never)}`);
    }
  });
}

function statusOf(execution: Run, model: RunListener['model']): LiveStatus {
  const inspection = execution.inspect();
  const remainingMs = model.remainingMs(inspection.atMs);
  const { startedAt } = model.run;
  return {
    ...{ version: liveVersion, id: execution.id, counts: model.counts, verdicts: model.totals.verdicts },
    ...(startedAt !== undefined && { startedAt }),
    ...{ fraction: model.fraction(inspection.atMs), inspection },
    ...(remainingMs !== undefined && { remainingMs }),
  };
}

/** How long a run may take to answer, ms: a body that runs inline may keep it from doing so. */
const longestAnswerMs = 10_000;

/** A run that goes on, as another process sees it. */
export class LiveRun {
  readonly id: string;
  readonly #directory: string;

  /** `directory`: that of the run, whether or not the run goes on. */
  constructor(id: string, directory: string) {
    this.id = id;
    this.#directory = directory;
  }

  /** Undefined where the run does not go on any more. @throws PexenError PEXEN_RUN_SILENT */
  async status(): Promise<LiveStatus | undefined> {
    return (await this.#ask({ ask: 'status' })) as LiveStatus | undefined;
  }

  /** The call paths of its tasks; undefined where the run does not go on any more. @throws PexenError PEXEN_RUN_SILENT */
  async paths(): Promise<readonly string[] | undefined> {
    return (await this.#ask({ ask: 'paths' })) as readonly string[] | undefined;
  }

  /** Undefined where the run does not go on any more. @throws PexenError PEXEN_RUN_SILENT */
  async explain(paths: readonly string[]): Promise<readonly Explanation[] | undefined> {
    return (await this.#ask({ ask: 'explain', paths })) as readonly Explanation[] | undefined;
  }

  async #ask(question: Question): Promise<unknown> {
    if (!existsSync(join(this.#directory, socketName))) return undefined;
    const reply = await askQuestion(this.#directory, { version: liveVersion, ...question }, longestAnswerMs);
    return answerOf(reply, this.id);
  }
}

function answerOf(reply: Reply, id: string): unknown {
  switch (reply.kind) {
    case 'answer':
      return reply.answer;
    case 'absent':
      return undefined;
    case 'problem':
      throw misuse('PEXEN_RUN_SILENT', `the run ${id} does not answer: ${reply.problem}`, later);
    case 'silent':
      throw misuse(
        'PEXEN_RUN_SILENT',
        `the run ${id} has not answered for ${longestAnswerMs / 1000} s`,
        later,
      );
    default:
      return reply satisfies never;
  }
}

const later =
  'Ask again when the test has ended that runs in its process, or ask what it has recorded, with the version of pexen that runs it.';
