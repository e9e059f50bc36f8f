import { defineConfig } from 'tsup';

export default defineConfig({
  entry: ['src/index.ts', 'src/agent.ts', 'src/child.ts', 'src/reaper.ts', 'src/spawn-helper.ts'],
  format: ['esm'],
  dts: false,
  clean: true,
  sourcemap: true,
  target: 'node22.18',
  platform: 'node',
});
