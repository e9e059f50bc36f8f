import { defineConfig } from 'tsup';

export default defineConfig({
  entry: ['src/index.ts', 'src/locks.ts', 'src/locks/lock-guard-program.ts', 'src/node.ts'],
  format: ['esm'],
  dts: false,
  clean: true,
  sourcemap: true,
  target: 'node22.18',
  platform: 'node',
});
