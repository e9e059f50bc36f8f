/** The command, ended by an error in the process itself. */
import { it } from 'vitest';
import { folder, pexen } from './command.ts';

it('reports that an error was not caught, and does not mention process.exit', async ({
  expect,
  onTestFinished,
}) => {
  const config = `import { defineSuite, tree } from 'pexen';
    setTimeout(() => { throw new Error('too late'); }, 1);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    export default defineSuite({ from: { '': tree({ dir: '.' }) } });`;
  const dir = await folder({ 'pexen.config.ts': config, 'tests/t.sh': '#!/bin/sh\n' }, onTestFinished);
  const { exitCode, stderr } = await pexen(dir, 'run');
  expect(stderr).toContain('Error: too late');
  expect(stderr).toContain('pexen: Exited early: an uncaught error, printed above.');
  expect(stderr).not.toContain('process.exit');
  expect(exitCode).toBe(3);
});
