/**
 * When each task was ready as far as other tasks are concerned, and which of them decided that: from the descriptions of the tasks and the times of
 * their attempts, so that it is known for a run of any time. Does not know resources or workers.
 */
import type { RequirementInfo } from '@pexen/core';
import type { RunTask } from '../model/run-task.ts';
import { isGreen } from '../report-facts.ts';

/** The end of the last condition that other tasks had to meet. */
export interface Ready {
  /** Milliseconds from the start of the run. */
  readonly atMs: number;
  /** The task that met it; undefined where the task waited for none. */
  readonly by: RunTask | undefined;
}

/** Knows the tasks of one run. */
export class Readiness {
  readonly #providers = new Map<string, RunTask[]>();
  /** By capability: the tasks that say `before` it. */
  readonly #runBefore = new Map<string, RunTask[]>();

  constructor(tasks: Iterable<RunTask>) {
    for (const task of tasks) {
      for (const name of capabilitiesOf(task)) append(this.#providers, name, task);
      for (const name of task.facts.before ?? []) append(this.#runBefore, name, task);
    }
  }

  /** `addedAtMs`: when the task was added; `startMs`: when its first attempt started. What ended later was no condition. */
  of(task: RunTask, addedAtMs: number, startMs: number): Ready {
    const { requires = [], after = [], salvages = [], tearsDown = [] } = task.facts;
    const ends = [
      ...requires.map((requirement) => this.#metAt(requirement, startMs)),
      ...[...after, ...salvages, ...tearsDown].flatMap((name) =>
        this.#endsOf(this.#providers, [name], startMs),
      ),
      ...this.#endsOf(this.#runBefore, capabilitiesOf(task), startMs),
    ];
    return latest(ends, { atMs: addedAtMs, by: undefined });
  }

  #metAt({ form, capabilities, count = 1 }: RequirementInfo, startMs: number): Ready | undefined {
    if (form === 'every') return latest(this.#endsOf(this.#providers, capabilities, startMs), undefined);
    const met = capabilities
      .flatMap((name) => this.#providers.get(name) ?? [])
      .flatMap((provider) => provided(provider, startMs))
      .sort((a, b) => a.atMs - b.atMs);
    return met[Math.min(form === 'at-least' ? count : 1, met.length) - 1];
  }

  #endsOf(
    index: ReadonlyMap<string, RunTask[]>,
    names: readonly string[],
    startMs: number,
  ): readonly Ready[] {
    return names
      .flatMap((name) => index.get(name) ?? [])
      .flatMap((by) => {
        const { endedAtMs = Number.POSITIVE_INFINITY } = by.result ?? {};
        return endedAtMs <= startMs ? [{ atMs: endedAtMs, by }] : provided(by, startMs);
      });
  }
}

/** When a task, or a service that was ready, could be used. */
function provided(by: RunTask, startMs: number): readonly Ready[] {
  const { result, service, running, facts } = by;
  if (facts.service === true) {
    const [first] = (result?.attempts ?? []).filter(({ readyAfterMs }) => readyAfterMs !== undefined);
    const runningAt = service?.readyAfterMs === undefined ? undefined : running?.startedAtMs;
    const startedAtMs = first?.startedAtMs ?? runningAt;
    if (startedAtMs === undefined) return [];
    const atMs = startedAtMs + (first?.readyAfterMs ?? service?.readyAfterMs ?? 0);
    return atMs <= startMs ? [{ atMs, by }] : [];
  }
  if (result === undefined || !isGreen(result.judgement.verdict) || result.endedAtMs > startMs) return [];
  return [{ atMs: result.endedAtMs, by }];
}

/** What a task provides: itself, and what it names. */
function capabilitiesOf({ path, facts }: RunTask): readonly string[] {
  return [`task:${path}`, ...(facts.provides ?? [])];
}

function latest<None extends Ready | undefined>(
  ends: readonly (Ready | undefined)[],
  none: None,
): Ready | None {
  let found: Ready | None = none;
  for (const end of ends)
    if (end !== undefined && (found === undefined || end.atMs > found.atMs)) found = end;
  return found;
}

function append(index: Map<string, RunTask[]>, name: string, task: RunTask): void {
  const known = index.get(name);
  if (known === undefined) index.set(name, [task]);
  else known.push(task);
}
