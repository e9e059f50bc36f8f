/** Texts of tests that would be code on another page: 500 of them in every field, in a real browser. */
import type { AttemptInfo, ErrorInfo } from '@pexen/core';
import type { TaskSnapshot } from '@pexen/report/model';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PageDocument } from '../src/index.ts';
import { browserFile } from './support/browser.ts';
import { Reports } from './support/open-report.ts';
import { madeDocument } from './support/runs.ts';

/** Each says `pwned` if it runs, or asks a server that does not exist. */
const elements: readonly string[] = [
  ...[
    '<script>X</script>',
    '<img src=x onerror=X>',
    '<svg onload=X>',
    '<svg><script>X</script></svg>',
    '<iframe srcdoc="<script>X</script>">',
  ],
  ...[
    '<body onload=X>',
    '<details open ontoggle=X>',
    '<input autofocus onfocus=X>',
    '<video src=x onerror=X>',
    '<audio src=x onerror=X>',
  ],
  ...[
    '<marquee onstart=X>',
    '<object data="javascript:X">',
    '<embed src="javascript:X">',
    '<a href="javascript:X">x</a>',
    '<form action="javascript:X"><button>x</button></form>',
  ],
  ...[
    '<math><mtext><script>X</script>',
    '<link rel=stylesheet href=http://evil.invalid/x.css>',
    '<style>@import "http://evil.invalid/x.css"</style>',
    '<meta http-equiv=refresh content="0;url=http://evil.invalid">',
    '<base href=http://evil.invalid>',
  ],
  ...[
    '<template><script>X</script></template>',
    '<noscript><p title="</noscript><img src=x onerror=X>">',
    '<select><option><script>X</script>',
    '<img src=http://evil.invalid/x.png>',
    '<style>*{background:url(http://evil.invalid/x)}</style>',
  ],
];
const around: readonly ((text: string) => string)[] = [
  (text) => text,
  (text) => `"></script>${text}`,
  (text) => `'>${text}<!--`,
  (text) => `--></style></textarea></title>${text}`,
  (text) => `]]>${text}`,
  (text) => `\\u003c/script\\u003e${text}`,
  (text) => `\u2028</script \t>${text}`,
  (text) => `\${${text}}{{${text}}}`,
  (text) => `\u001b[31m${text}\u001b[0m`,
  (text) => text.toUpperCase().replaceAll('X', 'X'),
];
const calls = ['window.pwned=1', 'alert(1)'];
const payloads = elements.flatMap((element) =>
  around.flatMap((wrap) => calls.map((call) => wrap(element).replaceAll('X', call))),
);

/** The document of a run with the text in every field that a test, its author or its machine can write. */
function hostile(): PageDocument {
  const made = madeDocument({ tasks: payloads.length, failEvery: 2 });
  const tasks = made.tasks.map((task, at) => withText(task, payloads[at] ?? ''));
  const [text = ''] = payloads;
  return {
    ...made,
    ...{ tasks, title: text, command: text },
    snapshot: {
      ...made.snapshot,
      run: { ...made.snapshot.run, root: `/${text}`, endReason: text, poisoned: payloads },
      totals: {
        ...made.snapshot.totals,
        skippedFor: payloads.slice(0, 200).map((each) => [each, 1] as const),
      },
      lateErrors: {
        count: 1,
        listed: payloads
          .slice(0, 50)
          .map((each) => ({ atMs: 1, pool: each, worker: each, tasks: [each], error: errorOf(each) })),
      },
      lostWorkers: {
        count: 1,
        listed: payloads.slice(0, 50).map((each) => ({ atMs: 1, pool: each, worker: each, reason: each })),
      },
    },
    sources: payloads.slice(0, 20).map((name) => ({ name, startedAt: 0, wallMs: 1 })),
    runs: payloads.slice(0, 20).map((id) => ({ id, startedAt: 0, wallMs: 1, shard: id, isWhole: true })),
    details: Object.fromEntries(
      tasks.map(({ facts }, at) => {
        const each = payloads[at] ?? '';
        const frame = { file: each, line: 1, what: each, firstLine: 1, lines: [each] };
        const image = `data:image/png;base64,${each}`;
        return [
          facts.path,
          {
            frames: [frame],
            whyLines: [each],
            attachments: [
              { name: each, text: each, note: each },
              { name: each, mediaType: 'image/png', image },
            ],
          },
        ];
      }),
    ),
  };
}

function withText(task: TaskSnapshot, text: string): TaskSnapshot {
  const { facts, result } = task;
  const path = `${facts.id}/${text}`;
  const attempts = (result?.attempts ?? []).map(
    (attempt): AttemptInfo => ({
      ...{ ...attempt, worker: text, reason: text, error: errorOf(text) },
      stdout: { head: text, tail: text, totalBytes: 9, file: text },
      stderr: { head: text, tail: '', totalBytes: 9 },
    }),
  );
  return {
    ...task,
    facts: {
      ...{
        ...facts,
        path,
        callPath: [`${facts.id}`, text],
        tags: [text],
        provides: [text],
        claims: [`/${text}`],
        uses: [{ resource: text, count: 2 }],
      },
      ...{
        requires: [{ form: 'any-of', capabilities: [text, `task:${text}`] }],
        after: [text],
        group: text,
        pool: text,
        whyNot: text,
      },
      location: { file: text, line: 3 },
    },
    ...(result !== undefined && {
      result: {
        ...{ ...result, attempts, judgement: { ...result.judgement, reason: text } },
        findings: [
          {
            name: text,
            status: 'fail',
            message: text,
            location: { file: text, line: 1 },
            data: { expected: text, actual: `${text}!` },
          },
          { name: text, status: 'pass', data: { [text]: text } },
        ],
        reason: [{ task: text, why: text }],
        providersGone: [{ provider: text, worker: text, reason: text }],
      },
    }),
    attachments: [{ name: text, text, mediaType: text, file: text }],
  };
}

function errorOf(text: string): ErrorInfo {
  return {
    name: text,
    message: text,
    stack: `${text}\n    at ${text}`,
    expected: text,
    actual: `${text}!`,
    properties: { [text]: text },
    cause: { name: text, message: text },
  };
}

describe.skipIf(browserFile === undefined)(
  `${payloads.length} texts in every field (skipped without chromium)`,
  () => {
    let reports: Reports;
    beforeAll(async () => {
      reports = await Reports.start();
    });
    afterAll(() => reports.close());

    test('none becomes an element, runs, or asks for anything, in any view', async () => {
      expect(payloads).toHaveLength(500);
      const document = hostile();
      const { page, troubles } = await reports.open(document);
      const views = ['summary', 'tests', 'tests&q=text:script', 'timeline', 'graph', 'locks', 'runs'];
      for (const view of views) {
        await page.evaluate((next) => {
          location.hash = `view=${next}`;
        }, view);
        expect([view, await foreignElements(page)]).toEqual([view, []]);
      }
      await page.evaluate((next) => {
        location.hash = next;
      }, 'view=tests');
      for (const { facts } of document.tasks.filter((_, at) => at % 4 === 1)) {
        await page.evaluate((path) => {
          location.hash = `view=tests&test=${encodeURIComponent(path)}`;
        }, facts.path);
        await page.waitForFunction(
          (path) => globalThis.document.querySelector('.test-title h2')?.textContent === path,
          facts.path,
        );
      }
      expect(await foreignElements(page)).toEqual([]);
      await page.evaluate(() => dispatchEvent(new Event('beforeprint')));
      expect(await foreignElements(page)).toEqual([]);
      expect(
        await page.evaluate(() => (window as unknown as { readonly pwned?: number }).pwned),
      ).toBeUndefined();
      // An image whose data are not base64 is refused by the browser, which is all that may be said.
      expect(troubles.filter((each) => !each.includes('ERR_INVALID_URL'))).toEqual([]);
    });
  },
);

type Page = Awaited<ReturnType<Reports['open']>>['page'];

/** Elements and attributes that the page itself never makes. */
function foreignElements(page: Page): Promise<readonly string[]> {
  return page.evaluate(() => {
    const wrong =
      'script:not([type]),iframe,object,embed,video,audio,marquee,math,base,link,noscript p,template,[srcdoc],body [http-equiv]';
    const found = [...document.querySelectorAll(wrong)].map((each) => each.outerHTML.slice(0, 100));
    for (const each of document.querySelectorAll('*')) {
      for (const { name, value } of each.attributes) {
        if (name.startsWith('on') || /^\s*javascript:/i.test(value))
          found.push(`${name}=${value.slice(0, 80)}`);
      }
    }
    if (
      document.querySelectorAll('head > style').length !== 1 ||
      document.querySelectorAll('style').length !== 1
    )
      found.push('style');
    return found;
  });
}
