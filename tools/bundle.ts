/** Bundles what size-limit weighs into .size/, from the built packages, as a user's bundler would. */
import { build } from 'esbuild';

const SCHED = './packages/sched/dist/index.js';

const bundles: Readonly<Record<string, string>> = {
  'core-whole': `export * from './packages/core/dist/index.js'`,
  'lock-whole': `export * from './packages/lock/dist/index.js'`,
  'sched-whole': `export * from '${SCHED}'`,
  'sched-example': `import './e2e/projects/scheduler-alone/index.ts'`,
};

for (const [name, contents] of Object.entries(bundles)) {
  await build({
    stdin: { contents, resolveDir: '.' },
    alias: { '@pexen/sched': SCHED },
    outfile: `.size/${name}.js`,
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'node',
    target: 'node22.18',
    logOverride: { 'import-is-undefined': 'error' },
  });
}
