import { existsSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { isWhole, sample } from './tools/sample.ts';

/** Their many files import the same sources, and leave nothing behind: a worker keeps what it has loaded. */
const sharesModules = new Set(['core', 'factory', 'lock', 'store']);

/** Their tests read the built page. */
const readsPage = new Set(['page', 'pexen']);

/** Every package and app with a test folder is a project of its own, named after its folder. */
const members = ['packages', 'apps'].flatMap((parent) =>
  readdirSync(parent)
    .filter((name) => existsSync(`${parent}/${name}/test`))
    .map((name) => ({
      name,
      root: `${parent}/${name}`,
      include: ['test/**/*.test.ts'],
      isolate: !sharesModules.has(name),
      ...(readsPage.has(name) && { globalSetup: [toolOf('ensure-page')] }),
    })),
);

/** Rules about the whole workspace. */
const tidy = {
  name: 'tidy',
  root: '.',
  include: ['tidy/**/*.test.ts'],
  globalSetup: [toolOf('ensure-page')],
  // They only read: one worker parses all sources once.
  isolate: false,
};

/** What users install: built and packed first, and run after everything else, since it takes both cores. */
const e2e = {
  name: 'e2e',
  root: '.',
  include: ['e2e/**/*.test.ts'],
  globalSetup: ['e2e/pack.ts'],
  testTimeout: 240_000,
  hookTimeout: 240_000,
  sequence: { groupOrder: 1 },
};

/** Tests see the sources of the other packages, never a dist that may be stale. */
const conditions = ['@pexen/source', 'node', 'development|production'];

/** Node processes keep what they compiled for the next ones: most of their time would else go into stripping types. */
process.env.NODE_COMPILE_CACHE ??= fileURLToPath(new URL('node_modules/.cache/node', import.meta.url));

/** A file that tests of all packages import. */
function toolOf(name: string): string {
  return fileURLToPath(new URL(`tools/${name}.ts`, import.meta.url));
}

/** Where .ci/run wants the numbers. */
const report = process.env.VITEST_JSON_REPORT;

/** Says once which part of the long test families is played. */
const announcer = {
  onInit: () =>
    console.info(
      isWhole
        ? 'The long test families are played whole.'
        : `A tenth of the long test families is played, that of ${sample}. All of them: pnpm test:full`,
    ),
};

function jsonTo(outputFile: string): ['json', { outputFile: string }] {
  return ['json', { outputFile }];
}

export default defineConfig({
  resolve: {
    conditions,
    alias: {
      '#command': toolOf('command'),
      '#failing-disk': toolOf('failing-disk'),
      '#jumping-clock': toolOf('jumping-clock'),
      '#real-programs': toolOf('real-programs'),
      '#play-ctest': toolOf('play-ctest'),
      '#sample': toolOf('sample'),
      '#scripted-clock': toolOf('scripted-clock'),
    },
  },
  ssr: { resolve: { conditions, externalConditions: ['@pexen/source', 'node'] } },
  test: {
    // By default one of two cores would stand idle; and many tests wait for processes more than they work.
    maxWorkers: Math.ceil(1.5 * availableParallelism()),
    // Tests of reports must not annotate the job that runs them.
    env: { PEXEN_SAMPLE: sample, GITHUB_ACTIONS: '', GITHUB_STEP_SUMMARY: '', GITLAB_CI: '' },
    execArgv: ['--conditions=@pexen/source'],
    testTimeout: 120_000,
    // What is opened before and removed after may take as long: ten seconds, the default, are few for folders of node_modules.
    hookTimeout: 120_000,
    // What is polled for comes when it comes: the default of a second fails on a machine that is busy.
    expect: { poll: { timeout: 100_000 } },
    reporters: ['default', announcer, ...(report ? [jsonTo(report)] : [])],
    projects: [...members, tidy, e2e].map((test) => ({ extends: true as const, test })),
    coverage: { provider: 'v8', include: ['packages/*/src/**', 'apps/pexen/src/**'] },
  },
});
