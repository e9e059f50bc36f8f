import { defineConfig } from 'tsup';

export default defineConfig({
  entry: ['src/index.ts', 'src/journal-writer.ts', 'src/prepare-journal.ts'],
  format: ['esm'],
  dts: false,
  clean: true,
  sourcemap: true,
  target: 'node22.18',
  platform: 'node',
});
