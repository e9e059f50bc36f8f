import { defineConfig } from 'tsup';

export default defineConfig({
  entry: [
    'src/index.ts',
    'src/orphan-reaper-program.ts',
    'src/programs/spawn-helper-program.ts',
    'src/remote.ts',
    'src/remote/agent.ts',
    'src/remote/lease-guard-program.ts',
    'src/workers/start-worker.ts',
  ],
  format: ['esm'],
  dts: false,
  clean: true,
  sourcemap: true,
  target: 'node22.18',
  platform: 'node',
});
