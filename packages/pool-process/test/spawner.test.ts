/** Who starts programs. */
import { tmpdir } from 'node:os';
import { systemClock } from '@pexen/pool-kit';
import { expect, onTestFinished, test } from 'vitest';
import type { Command } from '../src/child-connection.ts';
import { ProcessMarkers } from '../src/process-markers.ts';
import { Spawner } from '../src/programs/spawner.ts';

/** How a line of shell ends that was started through this helper. */
function exitCodeOf(script: string, foreign: Command | undefined): Promise<number | null> {
  const means = { clock: systemClock, markers: new ProcessMarkers(), env: { PATH: process.env.PATH ?? '' } };
  const spawner = new Spawner(1, foreign, means);
  onTestFinished(() => spawner.close());
  return new Promise((resolve, reject) => {
    spawner.start(
      {
        slot: 0,
        file: '/bin/sh',
        argv: ['-c', script],
        cwd: tmpdir(),
        env: {},
        files: Array(3).fill('/dev/null'),
      },
      { running: () => {}, refused: reject, lost: reject, ended: resolve },
    );
  });
}

test.each([
  ['that does not exist', { command: '/nowhere/python3', argv: [] }],
  ['that ends at once', { command: '/bin/sh', argv: ['-c', 'exit 1'] }],
  ['that says something else', { command: '/bin/sh', argv: ['-c', 'echo Python 2 >&4; sleep 1000'] }],
])('a helper %s is done without', async (_what, foreign) => {
  expect(await exitCodeOf('exit 7', foreign)).toBe(7);
});
