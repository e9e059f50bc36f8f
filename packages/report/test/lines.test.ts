/** The lines, as people read them. */
import { expect, test } from 'vitest';
import { lines } from '../src/index.ts';
import type { LinesOptions } from '../src/options.ts';
import { mixedRun } from './mixed-run.ts';
import { Paper } from './paper.ts';
import { play } from './play.ts';
import type { Script } from './script.ts';
import { ScriptedClock } from './scripted-clock.ts';

async function linesOf(script: Script, options: LinesOptions = {}): Promise<string> {
  const stream = new Paper();
  const clock = new ScriptedClock();
  const reporter = lines({ stream, clock, color: false, ...options });
  play(script, reporter, clock);
  await reporter.close();
  expect(clock.listeners).toBe(0);
  return stream.text;
}

test('a run in which nearly everything happens', async () => {
  await expect(await linesOf(mixedRun())).toMatchFileSnapshot('golden/lines-mixed.txt');
});
