import { defineConfig } from 'tsup';

export default defineConfig({
  entry: ['src/index.ts', 'src/columns.ts', 'src/options.ts', 'src/timers.ts', 'src/duration.ts'],
  format: ['esm'],
  dts: false,
  clean: true,
  sourcemap: true,
  target: 'node22.18',
  platform: 'node',
});
