/** Processes that bodies start carry the id of the run, wherever the bodies run, so that they are found should pexen be killed. */
import { describe, it } from 'vitest';
import { folder, pexen } from './command.ts';

const module = `import { spawnSync } from 'node:child_process';
import { task } from 'pexen';
export const child = task({}, ({ log }) => {
  const { stdout } = spawnSync('/bin/sh', ['-c', 'echo $PEXEN_ATTEMPT'], { encoding: 'utf8' });
  log('marker ' + stdout);
});`;

describe.concurrent('the children of a body', () => {
  it.for(['inline', 'threads', 'processes'])('in the pool %s', async (pool, { expect, onTestFinished }) => {
    const config = `import { defineSuite, inline, modules, processes, threads } from 'pexen';
const reporter = {
  event: (event) => event.type === 'run-started' && console.log('run ' + event.id),
  taskUpdate: ({ update }) => update.kind === 'log' && console.log(update.message),
  close: async () => {},
};
export default defineSuite({ from: { '': modules({ dir: '.' }) }, pool: () => ${pool}(), reporters: [reporter] });`;
    const dir = await folder({ 'marked.task.mjs': module, 'pexen.config.mjs': config }, onTestFinished);
    const { stdout, stderr, exitCode } = await pexen(dir, 'run');
    expect(exitCode, stdout + stderr).toBe(0);
    const [, id = ''] = /^run (.*)$/m.exec(stdout) ?? [];
    const [, marker = ''] = /^marker (.*)$/m.exec(stdout) ?? [];
    expect(marker.split('/').filter((each) => each === id)).toEqual([id]);
  });
});
