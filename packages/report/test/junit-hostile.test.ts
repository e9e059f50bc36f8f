/** For any names and outputs of tasks, the report is well-formed, valid in its dialect, and has the right content. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isBad, type TaskFinished, type TaskSkipped } from '@pexen/core';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { isWhole } from '#sample';
import { RunScript } from '../src/conformance/run-script.ts';
import { junit, verdictOf } from '../src/index.ts';
import { xmlName, xmlText } from '../src/junit/xml.ts';
import { hostile } from './hostile.ts';
import { eventsOf, type HostileRun, hostileRun } from './hostile-run.ts';
import { listen } from './listen.ts';
import { type DialectName, schemaErrors } from './schemas.ts';
import { allNodes, structureErrors } from './structure.ts';
import { parseXml } from './xml.ts';

const folder = mkdtempSync(join(tmpdir(), 'pexen-hostile-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Reported {
  readonly text: string;
  readonly ends: readonly (TaskFinished | TaskSkipped)[];
  readonly open: number;
  readonly late: number;
}

async function reportOf(chosen: HostileRun, strict: boolean): Promise<Reported> {
  const file = join(folder, 'junit.xml');
  const { name, properties } = chosen;
  const reporter = listen(
    junit({ file, strict, output: 'all', places: false, properties, ...(name !== undefined && { name }) }),
  );
  const { entries, ends, open } = eventsOf(chosen);
  for (const entry of entries)
    if ('event' in entry) reporter.event(entry.event);
    else reporter.taskUpdate(entry.update);
  await reporter.close();
  return { text: readFileSync(file, 'utf8'), ends, open, late: chosen.late.length };
}

/** Documents are validated in batches, since starting the validator costs more than many documents. */
const BATCH = 50;
/** Documents for each dialect; more with `REPORT_RUNS=20000`. */
const RUNS = Number(process.env.REPORT_RUNS ?? (isWhole ? 700 : 150));
const TIMEOUT = 60_000 + 50 * RUNS;

describe.each<[DialectName, boolean]>([
  ['jenkins', false],
  ['strict', true],
])('%s', (dialect, strict) => {
  test(
    'always well-formed, valid, and as red as its verdicts',
    async () => {
      let batch: string[] = [];
      const validate = async (): Promise<void> => {
        if (batch.length > 0) expect(await schemaErrors(batch, dialect)).toEqual([]);
        batch = [];
      };
      await fc.assert(
        fc.asyncProperty(hostileRun, async (chosen) => {
          const { text, ends, open, late } = await reportOf(chosen, strict);
          const root = parseXml(text);
          expect(structureErrors(root, dialect)).toEqual([]);
          expect(isRed(text)).toBe(late > 0 || hasRed(ends) || /type="interrupted"/.test(text));
          expect(allNodes(root).filter(({ name }) => name === 'testcase').length).toBeGreaterThanOrEqual(
            ends.length + open,
          );
          batch.push(text);
          if (batch.length >= BATCH) await validate();
        }),
        { numRuns: RUNS },
      );
      await validate();
    },
    TIMEOUT,
  );
});

function isRed(text: string): boolean {
  return /<(failure|error)[ >]/.test(text);
}

function hasRed(ends: readonly (TaskFinished | TaskSkipped)[]): boolean {
  return ends.some((event) => {
    const { verdict } = verdictOf(event);
    return isBad(verdict) || (event.type === 'task-finished' && verdict === 'cancelled');
  });
}

test('any text becomes text that XML can hold, and a name one line', () => {
  fc.assert(
    fc.property(hostile, (text) => {
      expect(xmlText(text)).not.toMatch(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u);
      expect(xmlName(text)).not.toMatch(/^$|^\s|\s$|\s\s|[\t\n\r]/);
    }),
    { numRuns: 3000 },
  );
  expect(xmlText('a\u0000b\ud800c\uffffd\u001b[31me\u001b[0m🚀')).toBe('a\ufffdb\ufffdc\ufffdde🚀');
});

test('text that XML can hold is unchanged in the report', async () => {
  const message = fc
    .string({ unit: 'grapheme' })
    .filter((text) => xmlText(text) === text && text.trim() !== '');
  await fc.assert(
    fc.asyncProperty(message, async (text) => {
      const script = new RunScript()
        .tasks(['t'])
        .start(0, 't')
        .end(1, 't', { status: 'threw', reason: text })
        .ended(2);
      const file = join(folder, 'junit.xml');
      const reporter = listen(junit({ file }));
      for (const event of script.events) reporter.event(event);
      await reporter.close();
      const failure = allNodes(parseXml(readFileSync(file, 'utf8'))).find(({ name }) => name === 'error');
      expect(failure?.text).toBe(text);
    }),
    { numRuns: 200 },
  );
});
