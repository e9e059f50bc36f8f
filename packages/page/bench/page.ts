/**
 * What a report costs: `node --conditions=@pexen/source bench/page.ts [--tests 1000,10000] [--rounds 5] [--json FILE]`. The size of the file, the time
 * that writing takes, and in a real browser, from disk: the first paint, the first picture with the run, and how long filtering, scrolling and opening a
 * test take until they are on the screen. Medians; the worst of filtering and scrolling. `work` columns are processor time of the page's thread, which a
 * busy machine does not change; `filterWork` and `scrollWork` are of one step on average.
 */
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import type { Page } from 'playwright-core';
import { reportPage } from '../src/index.ts';
import { browserFile, startBrowser } from '../test/support/browser.ts';
import { madeDocument } from '../test/support/runs.ts';

const { values } = parseArgs({
  options: { tests: { type: 'string' }, rounds: { type: 'string' }, json: { type: 'string' } },
});
const sizes = (values.tests ?? '1000,10000').split(',').map(Number);
const rounds = Number(values.rounds ?? 5);

const queries: readonly string[] = ['status:failed', 'tag:slow', 'duration:>100ms !net/**', 'writes', ''];
const STEPS = 40;

/** Milliseconds, but for `bytes`. */
interface Measured {
  readonly tests: number;
  readonly bytes: number;
  readonly write: number;
  readonly firstPaint: number;
  readonly firstPicture: number;
  readonly filter: number;
  readonly scroll: number;
  readonly openTest: number;
  readonly timeline: number;
  /** Until the first picture, processor time. */
  readonly pictureWork: number;
  readonly filterWork: number;
  readonly scrollWork: number;
  readonly timelineWork: number;
}

if (browserFile === undefined) {
  console.log('There is no chromium here: nothing is measured. PEXEN_CHROMIUM names one.');
} else {
  const rows: Measured[] = [];
  for (const tests of sizes) rows.push(await measure(tests));
  console.table(rows);
  if (values.json !== undefined)
    writeFileSync(values.json, `${JSON.stringify({ bench: 'page', rounds, rows }, null, 2)}\n`);
}

async function measure(tests: number): Promise<Measured> {
  const folder = mkdtempSync(join(tmpdir(), 'pexen-page-bench-'));
  const file = join(folder, 'report.html');
  const document = madeDocument({ tasks: tests, failEvery: 50, workers: 8, output: 300 });
  const before = performance.now();
  writeFileSync(file, [...reportPage(document)].join(''));
  const write = Math.round(performance.now() - before);
  const browser = await startBrowser();
  const found: Looked[] = [];
  for (let round = 0; round < rounds; round++) found.push(await look(await browser.newPage(), file));
  await browser.close();
  const bytes = statSync(file).size;
  rmSync(folder, { recursive: true });
  const median = (name: keyof (typeof found)[number]): number =>
    Math.round(
      found.map((each) => each[name]).sort((one, other) => one - other)[Math.floor(rounds / 2)] ?? 0,
    );
  return {
    ...{ tests, bytes, write, firstPaint: median('firstPaint'), firstPicture: median('firstPicture') },
    ...{
      filter: median('filter'),
      scroll: median('scroll'),
      openTest: median('openTest'),
      timeline: median('timeline'),
      pictureWork: median('pictureWork'),
      filterWork: median('filterWork'),
      scrollWork: median('scrollWork'),
      timelineWork: median('timelineWork'),
    },
  };
}

type Looked = Omit<Measured, 'tests' | 'bytes' | 'write'>;

async function look(page: Page, file: string): Promise<Looked> {
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable');
  const workSoFar = async (): Promise<number> => {
    const { metrics } = await session.send('Performance.getMetrics');
    return 1000 * (metrics.find(({ name }) => name === 'ThreadTime')?.value ?? Number.NaN);
  };
  await page.addInitScript(() => {
    new MutationObserver((_, observer) => {
      if (globalThis.document.querySelector('h1') === null) return;
      observer.disconnect();
      requestAnimationFrame(() => setTimeout(() => performance.mark('picture')));
    }).observe(globalThis.document, { childList: true, subtree: true });
  });
  await page.goto(pathToFileURL(file).href);
  await page.waitForFunction(() => performance.getEntriesByName('picture').length > 0);
  const pictureWork = await workSoFar();
  const [firstPaint = 0, firstPicture = 0] = await page.evaluate(() => [
    performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0,
    performance.getEntriesByName('picture')[0]?.startTime ?? 0,
  ]);
  await page.evaluate(() => {
    location.hash = 'view=tests&sort=time';
  });
  await page.waitForSelector('.row.task');
  const beforeFilter = await workSoFar();
  const filter = await slowest(page, queries);
  const beforeScroll = await workSoFar();
  const scroll = await scrolled(page);
  const afterScroll = await workSoFar();
  const openTest = await until(page, 'test');
  const beforeTimeline = await workSoFar();
  const timeline = await until(page, 'timeline');
  const timelineWork = (await workSoFar()) - beforeTimeline;
  await page.close();
  return {
    ...{ firstPaint, firstPicture, filter, scroll, openTest, timeline, pictureWork, timelineWork },
    filterWork: (beforeScroll - beforeFilter) / queries.length,
    scrollWork: (afterScroll - beforeScroll) / STEPS,
  };
}

/** The longest time that one of the queries took until its tests were on the screen. */
async function slowest(page: Page, queries: readonly string[]): Promise<number> {
  return page.evaluate(async (all) => {
    const times = [];
    const field = document.querySelector<HTMLInputElement>('#query');
    for (const query of all) {
      const before = performance.now();
      if (field !== null) field.value = query;
      field?.dispatchEvent(new Event('input', { bubbles: true }));
      await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
      times.push(performance.now() - before);
    }
    return Math.max(...times);
  }, queries);
}

/** The longest of 40 steps through the list. */
function scrolled(page: Page): Promise<number> {
  return page.evaluate(async () => {
    const list = document.querySelector('.rows');
    const times = [];
    for (let step = 1; step <= 40 && list !== null; step++) {
      const before = performance.now();
      list.scrollTop = (list.scrollHeight / 41) * step;
      await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
      times.push(performance.now() - before);
    }
    return Math.max(...times);
  });
}

/** The time until a test is open, or the timeline is drawn. */
function until(page: Page, what: 'test' | 'timeline'): Promise<number> {
  return page.evaluate(async (shown) => {
    const before = performance.now();
    if (shown === 'test') document.querySelector<HTMLElement>('.row.task')?.click();
    else location.hash = 'view=timeline';
    await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
    return performance.now() - before;
  }, what);
}
