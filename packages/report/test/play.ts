/** Plays a script to a reporter, and advances the clock with it. */
import type { ScriptedClock } from '#scripted-clock';
import type { RunScript } from '../src/conformance/run-script.ts';
import type { RunListener } from '../src/index.ts';

export function play(
  script: RunScript,
  reporter: RunListener,
  clock: ScriptedClock,
  untilMs = Infinity,
): void {
  for (const entry of script.entries) {
    const { atMs } = 'event' in entry ? entry.event : entry.update;
    if (atMs > untilMs) break;
    clock.stepTo(atMs);
    if ('event' in entry) reporter.event(entry.event);
    else reporter.taskUpdate(entry.update);
  }
  if (untilMs !== Infinity) clock.stepTo(untilMs);
}
