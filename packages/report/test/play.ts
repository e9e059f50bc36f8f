/** Plays a script to a reporter, the clock going along with it. */
import type { ScriptedClock } from '#scripted-clock';
import type { RunListener } from '../src/index.ts';
import type { Script } from './script.ts';

export function play(script: Script, reporter: RunListener, clock: ScriptedClock, untilMs = Infinity): void {
  for (const told of script.told) {
    const { atMs } = 'event' in told ? told.event : told.news;
    if (atMs > untilMs) break;
    clock.stepTo(atMs);
    if ('event' in told) reporter.event(told.event);
    else reporter.taskUpdate(told.news);
  }
  if (untilMs !== Infinity) clock.stepTo(untilMs);
}
