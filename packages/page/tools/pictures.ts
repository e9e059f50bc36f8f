/**
 * Takes pictures of each view of the page in each state, to look at: `node --conditions=@pexen/source packages/page/tools/pictures.ts FOLDER [NAME …]`.
 * With names, only pictures whose names contain one of them.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type PageDocument, reportPage } from '../src/index.ts';
import { startBrowser } from '../test/support/browser.ts';
import { madeDocument } from '../test/support/runs.ts';

interface Picture {
  readonly name: string;
  readonly document: PageDocument;
  readonly hash?: string;
  readonly scheme?: 'light' | 'dark';
  readonly size?: readonly [width: number, height: number];
}

const oneFailure = madeDocument({ tasks: 120, failOnly: 33 });
const some = madeDocument({ tasks: 480, failEvery: 80 });
const many = madeDocument({ tasks: 9000, failEvery: 3, workers: 8 });
const failing = some.tasks.find(({ result }) => result?.status === 'threw')?.facts.path ?? '';
const onlyFailing = oneFailure.tasks.find(({ result }) => result?.status === 'threw')?.facts.path ?? '';
const narrow = [400, 800] as const;

const pictures: readonly Picture[] = [
  { name: 'summary-nothing-run', document: madeDocument({ tasks: 120, ended: 0, workers: 0 }, 'live') },
  { name: 'summary-no-tests', document: madeDocument({ tasks: 0, ended: 0 }, 'live') },
  { name: 'summary-all-green', document: madeDocument({ tasks: 120 }) },
  { name: 'summary-one-failure', document: oneFailure },
  { name: 'summary-running', document: madeDocument({ tasks: 120, ended: 60, failOnly: 33 }, 'live') },
  { name: 'summary-3000-failures', document: many },
  { name: 'summary-all-skipped', document: madeDocument({ tasks: 120, isAllSkipped: true }) },
  { name: 'summary-some', document: some },
  { name: 'summary-some-dark', document: some, scheme: 'dark' },
  { name: 'summary-some-narrow', document: some, size: narrow },
  { name: 'tests-one-failure', document: oneFailure, hash: 'view=tests' },
  { name: 'tests-all-green', document: madeDocument({ tasks: 120 }), hash: 'view=tests' },
  { name: 'tests-3000-failures', document: many, hash: 'view=tests&q=status:failed' },
  {
    name: 'tests-all-skipped',
    document: madeDocument({ tasks: 120, isAllSkipped: true }),
    hash: 'view=tests',
  },
  { name: 'tests-by-time', document: some, hash: 'view=tests&sort=time' },
  { name: 'tests-narrow', document: some, hash: 'view=tests', size: narrow },
  { name: 'tests-mistake', document: some, hash: 'view=tests&q=status:faild' },
  { name: 'test-failed', document: oneFailure, hash: `view=tests&test=${encodeURIComponent(onlyFailing)}` },
  {
    name: 'test-failed-dark',
    document: oneFailure,
    hash: `view=tests&test=${encodeURIComponent(onlyFailing)}`,
    scheme: 'dark',
  },
  {
    name: 'test-failed-narrow',
    document: oneFailure,
    hash: `view=tests&test=${encodeURIComponent(onlyFailing)}`,
    size: narrow,
  },
  {
    name: 'test-skipped',
    document: some,
    hash: `view=tests&test=${encodeURIComponent(some.tasks.find(({ result }) => result?.status === 'skipped')?.facts.path ?? failing)}`,
  },
  { name: 'timeline', document: some, hash: 'view=timeline' },
  {
    name: 'timeline-dark',
    document: some,
    hash: `view=timeline&from=0&to=2000&test=${encodeURIComponent(failing)}`,
    scheme: 'dark',
  },
  { name: 'timeline-narrow', document: some, hash: 'view=timeline', size: narrow },
  { name: 'timeline-9000', document: many, hash: 'view=timeline' },
  {
    name: 'timeline-nothing',
    document: madeDocument({ tasks: 12, isAllSkipped: true }),
    hash: 'view=timeline',
  },
  { name: 'graph', document: oneFailure, hash: 'view=graph' },
  { name: 'graph-collapsed', document: many, hash: 'view=graph' },
  {
    name: 'graph-around',
    document: some,
    hash: `view=graph&test=${encodeURIComponent(some.tasks[41]?.facts.path ?? '')}`,
  },
  { name: 'locks', document: some, hash: 'view=locks' },
  { name: 'locks-dark', document: some, hash: 'view=locks', scheme: 'dark' },
  { name: 'runs', document: some, hash: 'view=runs' },
];

const [folder = 'out/pictures', ...names] = process.argv.slice(2);
mkdirSync(folder, { recursive: true });
execFileSync(process.execPath, [fileURLToPath(new URL('build-page.ts', import.meta.url))]);
const browser = await startBrowser();
for (const { name, document, hash = '', scheme = 'light', size = [1200, 720] } of pictures) {
  if (names.length > 0 && !names.some((part) => name.includes(part))) continue;
  const file = join(tmpdir(), `pexen-picture-${process.pid}.html`);
  writeFileSync(file, [...reportPage(document)].join(''));
  const [width, height] = size;
  const page = await browser.newPage({ viewport: { width, height }, colorScheme: scheme });
  page.on('console', (message) => console.error(`${name}: ${message.text()}`));
  page.on('pageerror', (error) => console.error(`${name}: ${error.stack}`));
  await page.goto(`${pathToFileURL(file).href}#${hash}`);
  await page.waitForSelector('h1');
  await page.screenshot({ path: resolve(folder, `${name}.png`) });
  await page.close();
}
await browser.close();
