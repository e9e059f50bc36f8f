/** Opens reports in one browser for all tests of a file, and listens to what a page must not do. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { type PageDocument, reportPage } from '../../src/index.ts';
import { startBrowser } from './browser.ts';

/** How a page is looked at. */
export interface Look {
  readonly hash?: string;
  readonly scheme?: 'light' | 'dark';
  readonly width?: number;
}

/** A page, with what went wrong in it so far: errors, dialogs, and requests other than for itself. */
export interface OpenReport {
  readonly page: Page;
  readonly troubles: readonly string[];
}

export class Reports {
  readonly #folder = mkdtempSync(join(tmpdir(), 'pexen-page-'));
  readonly #open: Page[] = [];
  readonly #browser: Browser;
  #count = 0;

  private constructor(browser: Browser) {
    this.#browser = browser;
  }

  static async start(): Promise<Reports> {
    return new Reports(await startBrowser());
  }

  /** The report of the document, from a file of its own. */
  async open(document: PageDocument, look: Look = {}): Promise<OpenReport> {
    const file = join(this.#folder, `${++this.#count}.html`);
    writeFileSync(file, [...reportPage(document)].join(''));
    return this.openFile(file, look);
  }

  async openFile(
    file: string,
    { hash = '', scheme = 'light', width = 1280 }: Look = {},
  ): Promise<OpenReport> {
    const page = await this.#browser.newPage({ viewport: { width, height: 800 }, colorScheme: scheme });
    this.#open.push(page);
    const troubles: string[] = [];
    const address = pathToFileURL(file).href;
    page.on('pageerror', (error) => troubles.push(`error: ${error.stack}`));
    page.on('console', (message) => troubles.push(`console: ${message.text()}`));
    page.on('dialog', (dialog) => {
      troubles.push(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    page.on('request', (request) => {
      if (!request.url().startsWith(address) && !request.url().startsWith('data:image/'))
        troubles.push(`request: ${request.url()}`);
    });
    await page.goto(`${address}#${hash}`);
    await page.waitForSelector('h1');
    return { page, troubles };
  }

  async closePages(): Promise<void> {
    for (const page of this.#open.splice(0)) await page.close();
  }

  async close(): Promise<void> {
    await this.#browser.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
