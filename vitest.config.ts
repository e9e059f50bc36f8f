import { existsSync, readdirSync } from 'node:fs';
import { defineConfig } from 'vitest/config';

/** Every package and app with a test folder is a project of its own, named after its folder. */
const members = ['packages', 'apps'].flatMap((parent) =>
  readdirSync(parent)
    .filter((name) => existsSync(`${parent}/${name}/test`))
    .map((name) => ({ name, root: `${parent}/${name}`, include: ['test/**/*.test.ts'] })),
);

/** Rules about the whole workspace. */
const house = [{ name: 'tidy', root: '.', include: ['tidy/**/*.test.ts'] }];

/** Tests see the sources of the other packages, never a dist that may be stale. */
const conditions = ['@pexen/source', 'module', 'node', 'development|production'];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: ['@pexen/source', 'node'] } },
  test: {
    execArgv: ['--conditions=@pexen/source'],
    testTimeout: 20_000,
    passWithNoTests: true,
    projects: [...members, ...house].map((test) => ({ extends: true as const, test })),
    coverage: { provider: 'v8', include: ['packages/*/src/**', 'apps/pexen/src/**'] },
  },
});
