/** Cuts a suite at random events and edits it in between, and checks that no result of another code stands. */
import { isPexenError, type Result } from '@pexen/core';
import { Random } from '../resume/random.ts';
import {
  dependsOnOrder,
  differences,
  hasCrashed,
  losesProvisions,
  type MakeRecorder,
  type Played,
  play,
} from './play.ts';
import { editedSuite, randomSuite, type SuiteSpec } from './suite.ts';

/** What is wrong, and whether the results were compared with those of the last suite without cuts. */
export interface EditsFound {
  readonly wrong: readonly string[];
  readonly isCompared: boolean;
}

/** Equal seeds, equal suites, cuts and edits. Suites that the scheduler refuses are left out. */
export async function cutAndEdit(seed: number, makeRecorder?: MakeRecorder): Promise<EditsFound> {
  const random = new Random(seed + 3_000_000);
  const cuts = Array.from({ length: 1 + random.below(4) }, () => 1 + random.below(25));
  try {
    const given = randomSuite(seed);
    const played = await play(
      random.chance(0.3) ? given : repeatable(given),
      cuts,
      makeRecorder,
      editedSuite,
    );
    const { suite } = played;
    const wrong = [...played.wrong, ...outdated(played)];
    if (hasCrashed(played) || !isRepeatable(suite)) return { wrong, isCompared: false };
    const whole = await play(suite, [], makeRecorder);
    if (leavesTraces(whole, played)) return { wrong, isCompared: false };
    return { wrong: [...wrong, ...differences(suite, whole, played, false)], isCompared: true };
  } catch (error) {
    // See `cutEverywhere`. A suite is refused where an edit leaves nothing of it.
    return { wrong: isPexenError(error) ? [] : [String(error)], isCompared: false };
  }
}

/** A suite whose results can be compared. */
function repeatable(suite: SuiteSpec): SuiteSpec {
  const tasks = suite.tasks.map((spec) => {
    return { ...spec, rerunnable: true, scope: 'run', isLost: false, hasCleanup: true } as const;
  });
  return { ...suite, tasks };
}

/** Its results depend neither on the order of tasks, nor on what a cut may take away for good. */
function isRepeatable(suite: SuiteSpec): boolean {
  const isOnce = suite.tasks.some(({ rerunnable }) => !rerunnable);
  return !isOnce && !dependsOnOrder(suite) && !losesProvisions(suite);
}

/**
 * Something of an earlier suite has no place in the last one, so that results differ from those of a run without cuts: what an interrupted attempt held is
 * in an unknown state, a task that is skipped now has ended before, or what it provided is torn down.
 */
function leavesTraces(whole: Played, { results, suite }: Played): boolean {
  const hasEnded = suite.tasks.some(({ name, tearsDown }) => {
    const [then, now] = [whole.results.get(name), results.get(name)];
    return (
      then?.status === 'skipped' &&
      now?.status !== 'skipped' &&
      (tearsDown.length > 0 || now?.attempts.length !== 0)
    );
  });
  const reasons = [...results.values()].flatMap(({ reason = [] }) => reason);
  return hasEnded || reasons.some(({ why }) => why.includes('unknown state'));
}

/** Unmarked results of another code than the present one, and of tasks that were given a value of another code (J5). */
function outdated({ suite, results }: Played): readonly string[] {
  return suite.tasks.flatMap(({ name, version }) => {
    const result = results.get(name);
    if (result?.status !== 'returned' || result.recalled?.isStale === true) return [];
    const { version: own, seen } = result.value as { version: number; seen: Record<string, string> };
    return [
      ...(own === version
        ? []
        : [`J5: "${name}" has the result of version ${own}, and has version ${version}`]),
      ...Object.entries(seen)
        .filter(([provider, value]) => !isPresent(suite, results, provider, value))
        .map(([provider, value]) => `J5: "${name}" was given "${value}" by "${provider}"`),
    ];
  });
}

function isPresent(
  suite: SuiteSpec,
  results: ReadonlyMap<string, Result>,
  provider: string,
  value: string,
): boolean {
  if (results.get(provider)?.recalled?.isStale === true) return true;
  const version = suite.tasks.find(({ name }) => name === provider)?.version;
  return value.endsWith(` of version ${version}`);
}
