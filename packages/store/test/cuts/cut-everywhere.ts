/** Cuts one suite at each event of its run, and each of these runs again at random events, until it is done. */
import { isPexenError } from '@pexen/core';
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
import { type SuiteSpec, suiteWithReboots } from './suite.ts';

export interface Found {
  readonly cuts: number;
  /** How many runs were compared with the one without a cut. */
  readonly compared: number;
  readonly wrong: readonly { readonly cuts: readonly number[]; readonly wrong: readonly string[] }[];
}

/** Equal seeds, equal suites and cuts. Suites that the scheduler refuses are left out. */
export async function cutEverywhere(
  seed: number,
  makeRecorder?: MakeRecorder,
  suite: SuiteSpec = suiteWithReboots(seed),
): Promise<Found> {
  const random = new Random(seed + 1_000_000);
  const found = { cuts: 0, compared: 0, wrong: [] as Found['wrong'][number][] };
  const uncut = await play(suite, [], makeRecorder).catch((error: unknown) => {
    if (!isPexenError(error)) found.wrong.push({ cuts: [], wrong: [String(error)] });
  });
  if (uncut === undefined) return found;
  if (uncut.wrong.length > 0) found.wrong.push({ cuts: [], wrong: uncut.wrong });
  for (const first of everyCut(uncut)) {
    const more = Array.from({ length: random.below(4) }, () => 1 + random.below(12));
    const cuts = [...first, ...more];
    found.cuts += 1 + more.length;
    const wrong = await wrongOf(suite, uncut, cuts, makeRecorder);
    if (wrong.isCompared) found.compared++;
    if (wrong.all.length > 0) found.wrong.push({ cuts, wrong: wrong.all });
  }
  return found;
}

/** One for each event of each session: there are several where tasks ask for reboots. */
function everyCut({ appended }: Played): readonly (readonly number[])[] {
  return appended.flatMap((count, session) => {
    const before = Array.from({ length: session }, () => Number.POSITIVE_INFINITY);
    return Array.from({ length: count }, (_, at) => [...before, at + 1]);
  });
}

async function wrongOf(
  suite: SuiteSpec,
  uncut: Played,
  cuts: readonly number[],
  makeRecorder: MakeRecorder | undefined,
): Promise<{ readonly isCompared: boolean; readonly all: readonly string[] }> {
  try {
    const played = await play(suite, cuts, makeRecorder);
    const isCompared = !hasCrashed(played) && !dependsOnOrder(suite) && !losesProvisions(suite);
    return { isCompared, all: [...played.wrong, ...(isCompared ? differences(suite, uncut, played) : [])] };
  } catch (error) {
    // Two results that are ready at once: what the second one's task provided may be torn down before the loop has it, also without a cut.
    const isRace = isPexenError(error) && error.code === 'PEXEN_WITHDRAWN';
    return { isCompared: false, all: isRace ? [] : [String(error)] };
  }
}
