/** The live page in a browser: a run that is followed to its end, a reload in the middle, and a network that is cut. */
import type { RunEvent } from '@pexen/core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { browserFile, startBrowser } from '../support/browser.ts';
import { cutProxy } from './cut-proxy.ts';
import { pathOf, type ServedPage, served } from './served-page.ts';

test('there is a browser to test with', ({ skip }) => {
  if (browserFile === undefined) skip('no chromium: apt-get install chromium');
});

let seq = 100;

function end(page: ServedPage, number: number, status: 'returned' | 'failed' = 'returned'): void {
  const path = pathOf(number);
  const of = { seq: seq++, atMs: seq, task: number, path, callPath: path.split('/') };
  const error = { name: 'Error', message: 'no such thing', stack: '' };
  const attempt = { attempt: 1, outcome: status, durationMs: 1, startedAtMs: 1, worker: 'w1' };
  page.apply({
    ...{ type: 'task-finished', ...of, status, findings: [], flaky: false, slow: false, durationMs: 1 },
    attempts: [{ ...attempt, ...(status === 'failed' && { error }) }],
  } as unknown as RunEvent);
}

function endRun(page: ServedPage): void {
  page.apply({ type: 'run-ended', seq: seq++, atMs: seq, counts: {}, poisoned: [] } as unknown as RunEvent);
}

describe.skipIf(browserFile === undefined)('in a browser', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await startBrowser();
  });
  afterAll(() => browser.close());

  /** Opens an address, and collects what goes wrong. */
  async function open(
    url: string,
    atEnd: (act: () => Promise<void>) => void,
  ): Promise<{ readonly tab: Page; readonly problems: string[] }> {
    const tab = await browser.newPage();
    atEnd(() => tab.close());
    const problems: string[] = [];
    tab.on('pageerror', (error) => problems.push(String(error)));
    tab.on('console', (message) => {
      if (message.type() === 'error' && !/ERR_|Failed to load/.test(message.text()))
        problems.push(message.text());
    });
    await tab.goto(url);
    return { tab, problems };
  }

  const sees = (tab: Page, text: string | RegExp): Promise<void> => tab.getByText(text).first().waitFor();

  test('a run is followed to its end, also after a reload', async ({ onTestFinished }) => {
    const page = await served(onTestFinished, { isReal: true });
    const { tab, problems } = await open(page.page.url, onTestFinished);
    await tab.locator('progress').waitFor();
    expect(tab.url()).not.toContain(page.token);
    expect(await tab.locator('progress').getAttribute('aria-label')).toBe('1 of 3 tests are done');
    end(page, 0);
    await tab.locator('progress[aria-label="2 of 3 tests are done"]').waitFor();
    await tab.reload();
    await tab.locator('progress[aria-label="2 of 3 tests are done"]').waitFor();
    end(page, 2, 'failed');
    endRun(page);
    await sees(tab, 'no such thing');
    await tab.locator('progress').waitFor({ state: 'detached' });
    await page.page.close({ exitCode: 1 });
    await sees(tab, 'Finished.');
    await sees(tab, /exit code 1/);
    expect(problems).toEqual([]);
  });

  test('a cut network is shown, and what happened meanwhile is there when it is back', async ({
    onTestFinished,
  }) => {
    const page = await served(onTestFinished, { isReal: true });
    const network = await cutProxy(page.port);
    onTestFinished(() => network.close());
    const { tab, problems } = await open(
      page.page.url.replace(`:${page.port}`, `:${network.port}`),
      onTestFinished,
    );
    await tab.locator('progress').waitFor();
    network.cut();
    await sees(tab, 'Connection lost.');
    end(page, 0);
    end(page, 2, 'failed');
    endRun(page);
    network.restore();
    await sees(tab, 'no such thing');
    await tab.getByText('Connection lost.').waitFor({ state: 'detached' });
    await tab.locator('progress').waitFor({ state: 'detached' });
    expect(problems).toEqual([]);
  });

  test('a page without the token has no access, and says how to get it', async ({ onTestFinished }) => {
    const page = await served(onTestFinished, { isReal: true });
    const { tab } = await open(new URL('/', page.page.url).href, onTestFinished);
    await sees(tab, 'No access.');
    expect(await tab.content()).not.toContain('task0');
  });

  test('a page may stop the run where that was allowed', async ({ onTestFinished }) => {
    const page = await served(onTestFinished, { isReal: true, control: true });
    const { tab } = await open(page.page.url, onTestFinished);
    await tab.getByRole('button', { name: 'start no more' }).click();
    await expect.poll(() => page.orders).toEqual([{ kind: 'stop', how: 'drain' }]);
  });
});
