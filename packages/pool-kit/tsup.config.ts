import { defineConfig } from 'tsup';

export default defineConfig({
  entry: [
    'src/index.ts',
    'src/worker.ts',
    'src/module-graph.ts',
    'src/conformance.ts',
    'src/conformance/fixtures.ts',
    'src/conformance/starts-a-run.ts',
  ],
  format: ['esm'],
  dts: false,
  clean: true,
  sourcemap: true,
  target: 'node22.18',
  platform: 'node',
});
