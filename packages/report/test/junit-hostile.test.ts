/** For any names and outputs of tasks, the report is well-formed, valid in its dialect, and has the right content. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Finding,
  isBad,
  type OutcomeKind,
  runEventVersion,
  type TaskFinished,
  type TaskSkipped,
  type Verdict,
} from '@pexen/core';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { isWhole } from '#sample';
import { junit, verdictOf } from '../src/index.ts';
import { xmlName, xmlText } from '../src/junit/xml.ts';
import { hostile } from './hostile.ts';
import { listen } from './listen.ts';
import { type DialectName, schemaErrors } from './schemas.ts';
import { Script, taskInfo } from './script.ts';
import { allNodes, structureErrors } from './structure.ts';
import { parseXml } from './xml.ts';

const folder = mkdtempSync(join(tmpdir(), 'pexen-hostile-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const statuses: readonly Finding['status'][] = ['pass', 'fail', 'warn', 'skip', 'todo', 'info'];
const kinds: readonly OutcomeKind[] = [
  ...([
    'returned',
    'failed',
    'threw',
    'skipped-itself',
    'timed-out',
    'cancelled',
    'crashed',
    'lost',
  ] as const),
];
const verdicts: readonly Verdict[] = [
  ...([
    'pass',
    'warn',
    'fail',
    'error',
    'timeout',
    'crashed',
    'skip',
    'expected-fail',
    'flaky',
    'cancelled',
  ] as const),
];

const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined });
const odd = fc.oneof(fc.integer(), fc.double(), fc.constantFrom(0, -1, Number.NaN, Infinity, 1e300));
const output = fc.record({ head: hostile, tail: hostile, totalBytes: fc.nat() });
const leafError = fc.record(
  { name: hostile, message: hostile, stack: hostile },
  { requiredKeys: ['name', 'message'] },
);
const error = fc.record(
  { name: hostile, message: hostile, stack: hostile, cause: leafError },
  { requiredKeys: ['name', 'message'] },
);
const finding = fc.record(
  {
    name: hostile,
    status: fc.constantFrom(...statuses),
    message: hostile,
    data: fc.oneof(hostile, fc.jsonValue()),
  },
  { requiredKeys: ['name', 'status'] },
);
const attempt = fc.record(
  {
    ...{
      attempt: fc.nat(),
      outcome: fc.constantFrom(...kinds),
      worker: hostile,
      startedAtMs: odd,
      durationMs: odd,
    },
    ...{ error, reason: hostile, stdout: output, stderr: output },
  },
  { requiredKeys: ['attempt', 'outcome', 'worker', 'startedAtMs', 'durationMs'] },
);
const judgement = fc.record(
  { verdict: fc.constantFrom(...verdicts), reason: hostile },
  { requiredKeys: ['verdict'] },
);
const callPath = fc.array(hostile, { minLength: 1, maxLength: 4 });
const attachment = fc.record({ name: hostile, file: hostile, text: hostile }, { requiredKeys: ['name'] });

const finished = fc
  .record({
    callPath,
    judgement: maybe(judgement),
    findings: fc.array(finding, { maxLength: 3 }),
    durationMs: odd,
  })
  .chain((facts) =>
    fc.record({
      facts: fc.constant(facts),
      status: fc.constantFrom(...kinds),
      attempts: fc.array(attempt, { maxLength: 3 }),
      kept: fc.array(attachment, { maxLength: 2 }),
    }),
  );
const skipped = fc.record({
  callPath,
  judgement: maybe(judgement),
  reason: fc.array(fc.record({ task: hostile, why: hostile }), { maxLength: 3 }),
});
const suite = fc.record({
  startedAt: odd,
  ended: maybe(
    fc.record({ reason: hostile, poisoned: fc.array(hostile, { maxLength: 2 }) }, { requiredKeys: [] }),
  ),
  properties: fc.dictionary(hostile, hostile, { maxKeys: 2 }),
  name: maybe(hostile),
  finished: fc.array(finished, { maxLength: 30 }),
  skipped: fc.array(skipped, { maxLength: 5 }),
  open: fc.array(callPath, { maxLength: 3 }),
});
type Suite = typeof suite extends fc.Arbitrary<infer T> ? T : never;

interface Reported {
  readonly text: string;
  readonly ends: readonly (TaskFinished | TaskSkipped)[];
  readonly open: number;
}

async function reportOf(chosen: Suite, strict: boolean): Promise<Reported> {
  const file = join(folder, 'junit.xml');
  const { name, properties } = chosen;
  const reporter = listen(
    junit({ file, strict, output: 'all', properties, ...(name !== undefined && { name }) }),
  );
  const { startedAt } = chosen;
  reporter.event({
    ...{ type: 'run-started', version: runEventVersion, seq: 1, atMs: 0, startedAt, pools: [] },
    ...{ id: 'run-1', root: '/', versions: {} },
  });
  const ends = [...chosen.finished.map(finishedEvent), ...chosen.skipped.map(skippedEvent)];
  const open = chosen.open.map((path, index) => taskInfo({ path: `open ${index}`, callPath: path }));
  const tasks = [...ends.map(({ path, callPath }) => taskInfo({ path, callPath })), ...open];
  reporter.event({ type: 'tasks-added', seq: 2, atMs: 0, origin: 'start', tasks });
  for (const [index, event] of ends.entries()) {
    for (const kept of chosen.finished[index]?.kept ?? []) {
      const update = { kind: 'attachment', attachment: defined(kept) } as const;
      reporter.taskUpdate({ atMs: 0, task: index, path: event.path, attempt: 1, update });
    }
    reporter.event(event);
  }
  if (chosen.ended !== undefined) {
    const ended = { type: 'run-ended', seq: 3, atMs: 1, counts: {}, poisoned: [] } as const;
    reporter.event({ ...ended, ...defined(chosen.ended) });
  }
  await reporter.close();
  return { text: readFileSync(file, 'utf8'), ends, open: open.length };
}

function finishedEvent({ facts, status, attempts }: Suite['finished'][number], index: number): TaskFinished {
  const path = `finished ${index}`;
  const event = { type: 'task-finished', seq: 3, atMs: 0, task: index, path, status } as const;
  return {
    ...event,
    flaky: false,
    slow: false,
    ...defined(facts),
    attempts: attempts as TaskFinished['attempts'],
  } as TaskFinished;
}

function skippedEvent(facts: Suite['skipped'][number], index: number): TaskSkipped {
  const event = { type: 'task-skipped', seq: 3, atMs: 0, task: index, path: `skipped ${index}` } as const;
  return { ...event, ...defined(facts) } as TaskSkipped;
}

function defined<T extends object>(record: T): T {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)) as T;
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
        fc.asyncProperty(suite, async (chosen) => {
          const { text, ends, open } = await reportOf(chosen, strict);
          const root = parseXml(text);
          expect(structureErrors(root, dialect)).toEqual([]);
          expect(isRed(text)).toBe(hasRed(ends) || /type="interrupted"/.test(text));
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
      const script = new Script()
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
