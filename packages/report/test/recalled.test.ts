/** Results of earlier sessions in the reports: they are counted, and shown only where they did not pass. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { ScriptedClock } from '#scripted-clock';
import { RunScript } from '../src/conformance/run-script.ts';
import { junit, lines, live, type Reporter, RunModel } from '../src/index.ts';
import { listen } from './listen.ts';
import { MemoryStream } from './memory-stream.ts';
import { play } from './play.ts';

const error = { name: 'Error', message: 'no route' };

/** Three results of session 1, one of them bad, and one of this session. */
function resumed(): RunScript {
  return new RunScript()
    .tasks(['kept/a', 'kept/b', 'kept/c', 'new'])
    .recall(0, 'kept/a')
    .recall(0, 'kept/b', { status: 'threw', error })
    .recall(0, 'kept/c')
    .start(1, 'new')
    .end(501, 'new')
    .ended(502);
}

async function written(make: (stream: MemoryStream, clock: ScriptedClock) => Reporter): Promise<string> {
  const stream = new MemoryStream();
  const clock = new ScriptedClock(0);
  const reporter = listen(make(stream, clock), clock);
  play(resumed(), reporter, clock);
  await reporter.close();
  return stream.text;
}

test('only those that did not pass have a line, and the summary says how many there are', async () => {
  const text = await written((stream, clock) =>
    lines({ stream, clock, color: false, failures: 'short', recalledFrom: 'run 12' }),
  );
  expect(text).toBe(`  RUNNING 4 tasks
    ERROR [   1.000s] kept/b  no route
     PASS [   0.500s] new
${'─'.repeat(80)}
    ERROR [   1.000s] kept/b  no route
${'─'.repeat(80)}
  SUMMARY [   0.502s] 4 tasks: 3 passed, 1 error
                      3 results kept from run 12
                      500ms of work in 502ms
`);
});

test('their details wait for the summary, where it repeats those of failures', async () => {
  const text = await written((stream, clock) => lines({ stream, clock, color: false }));
  expect(text.match(/kept\/b/g)).toHaveLength(1);
  expect(text.indexOf('kept/b')).toBeGreaterThan(text.indexOf('─'));
});

test('the same holds with a line for each task that passes, and in the live view', async () => {
  const verbose = await written((stream, clock) =>
    lines({ stream, clock, color: false, verbosity: 'verbose' }),
  );
  expect(verbose).not.toContain('kept/a');
  expect(verbose).toContain('3 results kept from earlier sessions');
  const seen = await written((stream, clock) =>
    live({ stream, clock, color: false, columns: 80, rows: 24, passes: true }),
  );
  expect(seen).not.toContain('kept/a');
  expect(seen).toContain('kept/b');
  expect(seen).toContain('3 results kept from earlier sessions');
});

test('they are done, and no work of this session', () => {
  const model = new RunModel();
  const script = new RunScript().tasks(['a', 'b', 'c', 'd', 'e'], { weightMs: 1000 });
  for (const path of ['a', 'b', 'c']) script.recall(0, path);
  for (const event of script.start(0, 'd').events) model.apply(event);
  expect(model.counts).toMatchObject({ done: 3, running: 1, waiting: 1 });
  expect(model.totals).toMatchObject({ verdicts: { pass: 3 }, recalled: 3, workMs: 0 });
  expect(model.task('a')?.result?.recalled).toEqual({ session: 1, isStale: false });
  // Half of one of two tasks.
  expect(model.fraction(500)).toBe(0.25);
});

test('the JUnit report has the same cases as that of an uninterrupted run', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'pexen-recalled-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const attachment = { name: 'log', mediaType: 'text/plain', text: 'hello' };
  const interrupted = new RunScript()
    .tasks(['a', 'b'])
    .recall(0, 'a', { attachments: [attachment] })
    .recall(0, 'b', { status: 'threw', error });
  const whole = new RunScript()
    .tasks(['a', 'b'])
    .start(0, 'a')
    .reports(1, 'a', { kind: 'attachment', attachment })
    .end(1000, 'a')
    .start(0, 'b')
    .end(1000, 'b', { status: 'threw', error });
  const report = async (script: RunScript, name: string): Promise<string> => {
    const clock = new ScriptedClock(0);
    const file = join(folder, name);
    const reporter = listen(junit({ file }), clock);
    play(script.ended(2000), reporter, clock);
    await reporter.close();
    return readFileSync(file, 'utf8');
  };
  const uncut = await report(whole, 'whole.xml');
  expect(uncut).toContain('hello');
  expect(await report(interrupted, 'resumed.xml')).toBe(uncut);
});
