/** A catalogue over several commands: what one run has pulled in, the next one keeps. */
import { expect, it, onTestFinished } from 'vitest';
import { folder, pexenWith } from './command.ts';

it('a rerun keeps what was pulled in as long as it is possible; then its tests run again', async () => {
  const files = {
    'pexen.config.mjs': `import { defineSuite, modules } from 'pexen';
export default defineSuite({ from: { '': modules({ dir: 'tests' }) }, catalogue: modules({ dir: 'providers' }), workers: 1 });`,
    'tests/web.task.mjs': `import { task } from 'pexen';
export const get = task({ requires: ['httpd'] }, () => {});
export const parse = task({}, () => {});`,
    'providers/p.task.mjs': `import { task } from 'pexen';
export const docker = task({ provides: ['httpd'], preference: 2, when: ({ env }) => env.DOCKER === '1' }, () => {});
export const nginx = task({ provides: ['httpd'], preference: 1, when: ({ env }) => env.NGINX !== '0' }, () => {});
export const caddy = task({ provides: ['httpd'] }, () => {});`,
  };
  const dir = await folder(files, (act) => onTestFinished(act));
  const passed = async (env: Readonly<Record<string, string>>, ...words: string[]) => {
    const { stdout } = await pexenWith(env, dir, 'run', '-v', ...words);
    const passed = [...stdout.matchAll(/^ +PASS \[[^\]]*\] +(\S+)$/gm)].map(([, path]) => path);
    return passed.join();
  };
  expect(await passed({})).toBe('p/nginx,web/parse,web/get');
  expect(await passed({ DOCKER: '1' }, '--rerun')).toBe('');
  expect(await passed({ DOCKER: '1', NGINX: '0' }, '--rerun')).toBe('p/docker,web/get');
}, 60_000);
