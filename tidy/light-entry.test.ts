/** Every worker evaluates `import … from 'pexen'`: what that loads is held here (decision 164). */
import { build } from 'esbuild';
import { expect, test } from 'vitest';

test('pexen imports what its names stand for, and nothing of what carries a run out', async () => {
  const { metafile } = await build({
    ...{ entryPoints: ['apps/pexen/src/index.ts'], conditions: ['@pexen/source'] },
    ...{ bundle: true, write: false, metafile: true, splitting: true, outdir: 'out' },
    ...{ format: 'esm', platform: 'node', logLevel: 'error' },
  });
  const entry = Object.entries(metafile.outputs).find(([, { entryPoint }]) => entryPoint !== undefined)?.[0];
  const files = new Set<string>();
  const add = (output: string): void => {
    for (const file of Object.keys(metafile.outputs[output]?.inputs ?? {})) files.add(file);
    for (const { path, kind } of metafile.outputs[output]?.imports ?? [])
      if (kind === 'import-statement' && path in metafile.outputs) add(path);
  };
  add(entry ?? '');
  const ofRun = [...files].filter((file) =>
    /packages\/(sched|pool-process|pool-thread|usecase-testsuite|report|store|run-locks)\//.test(file),
  );
  expect(ofRun.sort()).toEqual(['packages/usecase-testsuite/src/config/define-suite.ts']);
});
