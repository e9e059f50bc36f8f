/** The report in a real browser, as a user has it: read, filtered, by keyboard alone, on narrow screens, in the dark. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { browserFile } from './support/browser.ts';
import { Reports } from './support/open-report.ts';
import { madeDocument } from './support/runs.ts';

const some = madeDocument({ tasks: 480, failEvery: 80 });
const failing = some.tasks.find(({ result }) => result?.status === 'threw')?.facts.path ?? '';

describe.skipIf(browserFile === undefined)('a report (skipped without chromium)', () => {
  let reports: Reports;
  beforeAll(async () => {
    reports = await Reports.start();
  });
  afterEach(() => reports.closePages());
  afterAll(() => reports.close());

  test('opens from disk, says what happened first, and asks for nothing', async () => {
    const { page, troubles } = await reports.open(some);
    expect(await page.textContent('h1')).toContain('6 of 480 tests failed');
    expect(await page.title()).toBe('6 of 480 tests failed – shop');
    expect(await page.locator('.failures li').count()).toBe(6);
    expect(await page.textContent('.failures li')).toContain('expected 3 items');
    expect(troubles).toEqual([]);
  });

  test('a test shows its failure, its difference, its source, its output, and what it waited for', async () => {
    const { page, troubles } = await reports.open(some, {
      hash: `view=tests&test=${encodeURIComponent(failing)}`,
    });
    const text = await page.innerText('.test-page');
    expect(text).toContain(failing);
    expect(text).toMatch(/expected 3 items, got \d/);
    expect(text).toContain('−     "pear",');
    expect(text).toContain('connect ECONNREFUSED');
    expect(text).toContain('assert.deepEqual(items, cart);');
    expect(text).toContain('GET /orders/7/items 500 in 41 ms');
    expect(text).toContain(`npx pexen run '${failing}'`);
    expect(text).toContain('Before it started');
    expect(troubles).toEqual([]);
  });

  test('a query is that of the command, is in the address, and says what is wrong with it', async () => {
    const { page } = await reports.open(some, { hash: 'view=tests' });
    const shown = () => page.innerText('.list-head [role=status]');
    await page.fill('#query', 'status:failed');
    await expect.poll(shown).toBe('6 of 480 tests');
    expect(new URL(page.url()).hash).toContain('q=status%3Afailed');
    await page.fill('#query', 'tag:slow !api/** duration:>900ms');
    const slow = some.tasks.filter(
      ({ facts, result }) =>
        facts.tags?.includes('slow') && !facts.path.startsWith('api/') && (result?.durationMs ?? 0) > 900,
    );
    await expect.poll(shown).toBe(`${slow.length} of 480 tests`);
    await page.fill('#query', 'status:faild');
    await expect.poll(() => page.innerText('#query-note')).toContain('Did you mean "failed"?');
    await page.fill('#query', 'refus');
    await expect.poll(() => page.innerText('#query-note')).toContain('no test is called "refus"');
    await page.reload();
    expect(await page.inputValue('#query')).toBe('refus');
    await page.fill('#query', 'no-such-test-anywhere');
    await expect.poll(() => page.innerText('.empty')).toBe('No test meets the query.');
  });

  test('everything is reached by keyboard alone', async () => {
    const { page } = await reports.open(some);
    await page.keyboard.press('2');
    await expect.poll(() => page.locator('main').getAttribute('aria-label')).toBe('tests');
    await page.keyboard.press('f');
    await expect.poll(() => page.innerText('.test-title h2')).toBe(failing);
    await page.keyboard.press('f');
    await expect.poll(() => page.innerText('.test-title h2')).not.toBe(failing);
    await page.keyboard.press('j');
    await page.keyboard.press('k');
    await page.keyboard.press('Escape');
    await expect.poll(() => page.locator('.test-page').count()).toBe(0);
    await page.keyboard.press('/');
    await page.keyboard.type('status:flaky');
    await page.keyboard.press('Enter');
    await expect.poll(() => page.evaluate(() => document.activeElement?.getAttribute('role'))).toBe('tree');
    await page.keyboard.press('Home');
    const first = page.locator('[aria-expanded=true]').first();
    await page.keyboard.press('h');
    await expect
      .poll(() => page.locator('[role=treeitem]').first().getAttribute('aria-expanded'))
      .toBe('false');
    await page.keyboard.press('l');
    await expect.poll(() => first.count()).toBe(1);
    await page.keyboard.press('?');
    await expect.poll(() => page.locator('dialog').innerText()).toContain('next failure');
    await page.keyboard.press('Escape');
    await expect.poll(() => page.locator('dialog').count()).toBe(0);
    await page.keyboard.press('3');
    await page.locator('canvas').focus();
    await page.keyboard.press('+');
    await expect.poll(() => new URL(page.url()).hash).toContain('from=');
    await page.goBack();
  });

  test('the way between two tests is shown in the graph', async () => {
    const [from] = some.tasks
      .filter(({ facts }) => (facts.provides?.length ?? 0) > 0)
      .map(({ facts }) => facts.path);
    const { page } = await reports.open(some, { hash: `view=graph&test=${encodeURIComponent(from ?? '')}` });
    await page.locator('.drawing a').nth(2).click();
    await expect
      .poll(() => page.innerText('.list-head [role=status]'))
      .toContain('1 arrows from one to the other');
    expect(await page.locator('.arrow.way').count()).toBe(1);
  });

  test('on a narrow screen nothing is wider than the screen, and a test covers the list', async () => {
    const { page } = await reports.open(some, { hash: 'view=summary', width: 360 });
    const overflow = () => page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    for (const view of ['summary', 'tests', 'timeline', 'graph', 'locks', 'runs']) {
      await page.evaluate((name) => {
        location.hash = `view=${name}`;
      }, view);
      await expect.poll(() => page.locator('main').getAttribute('aria-label')).toBe(view);
      expect([view, await overflow()]).toEqual([view, 0]);
    }
    await page.evaluate((path) => {
      location.hash = `view=tests&test=${encodeURIComponent(path)}`;
    }, failing);
    await expect.poll(() => page.locator('.test-list').isVisible()).toBe(false);
    expect(await page.locator('.test-page').isVisible()).toBe(true);
  });

  test('what is printed has the summary and each failure in full', async () => {
    const { page } = await reports.open(some, { hash: 'view=timeline' });
    await page.evaluate(() => dispatchEvent(new Event('beforeprint')));
    await expect.poll(() => page.locator('.printed article').count()).toBe(6);
    expect(await page.innerText('.printed')).toContain('expected 3 items');
    await page.evaluate(() => dispatchEvent(new Event('afterprint')));
    await expect.poll(() => page.locator('canvas').count()).toBe(1);
  });

  test.each(['light', 'dark'] as const)('axe finds nothing serious in the %s', async (scheme) => {
    const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
    const { page } = await reports.open(some, { scheme });
    await page.evaluate(axe);
    for (const hash of [
      'view=summary',
      'view=tests',
      `view=tests&test=${encodeURIComponent(failing)}`,
      'view=timeline',
      'view=graph',
      'view=locks',
      'view=runs',
    ]) {
      await page.evaluate((next) => {
        location.hash = next;
      }, hash);
      await page.waitForFunction((next) => location.hash === `#${next}`, hash);
      expect([hash, await seriousIn(page, scheme === 'light' ? undefined : ['color-contrast'])]).toEqual([
        hash,
        [],
      ]);
    }
  });
});

/** `rules`: only these. */
async function seriousIn(page: Page, rules: readonly string[] | undefined): Promise<readonly string[]> {
  const found = await page.evaluate(async (only) => {
    const { axe } = window as unknown as {
      readonly axe: {
        run(options: object): Promise<{
          violations: readonly {
            id: string;
            impact: string;
            nodes: readonly { html: string; failureSummary: string }[];
          }[];
        }>;
      };
    };
    return (await axe.run({ resultTypes: ['violations'], ...(only !== undefined && { runOnly: only }) }))
      .violations;
  }, rules);
  return found
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes[0]?.html} ${nodes[0]?.failureSummary}`);
}
