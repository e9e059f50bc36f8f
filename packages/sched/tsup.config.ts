import { defineConfig } from 'tsup';

export default defineConfig({
  entry: ['src/index.ts', 'src/replay.ts'],
  format: ['esm'],
  dts: false,
  clean: true,
  sourcemap: true,
  target: 'node22.18',
  platform: 'node',
});
