/** The report of tests that fail because the worker with the server that they need is gone. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'vitest';
import { folder, pexen } from './command.ts';

const dependents = ['a', 'b', 'c', 'd', 'e', 'f'];

/** A server in the only worker, a task that ends this worker, and tests that need the server. */
const suite = (killer: string, more = ''): string => `import { createServer } from 'node:http';
  import { task } from 'pexen';
  export const server = task({ provides: ['db'] }, async ({ shared }) => {
    const going = createServer((_request, response) => response.end('yes')).listen(0, '127.0.0.1');
    await new Promise((resolve) => going.on('listening', resolve));
    shared.url = 'http://127.0.0.1:' + going.address().port;
  });
  export const schema = task({ requires: ['db'], provides: ['schema'] }, async ({ shared }) => { await fetch(shared.url); });
  export const killer = task(${killer});
  export const passes = task({ requires: ['schema'], after: [killer] }, () => {});
  ${dependents.map((name) => `export const ${name} = task({ requires: ['schema'], after: [killer] }, async ({ shared }) => { await fetch(shared.url); });`).join('\n')}
  ${more}`;

const hangs = "{ after: ['schema'], timeout: 200, grace: 50 }, () => { for (;;); }";
const dies = "{ after: ['schema'] }, () => process.exit(3)";

const cases = [
  [
    'processes',
    'is killed for the timeout of another test',
    hangs,
    /\(process 0 \(pid \d+\)\) is gone: it was ended.*, since server\/killer did not /,
  ],
  [
    'threads',
    'is ended for the timeout of another test',
    hangs,
    /\(thread-\d+\) is gone: it was ended by force, since server\/killer did not end in time/,
  ],
  ['processes', 'is ended by another test', dies, /\(process 0 \(pid \d+\)\) is gone: it .*3/],
  ['threads', 'is ended by another test', dies, /\(thread-\d+\) is gone: it .*3/],
] as const;

describe.concurrent('a server whose worker is gone', () => {
  it.for(cases)(
    'in %s, when it %s: each dependent that fails says so',
    async ([pool, , killer, why], context) => {
      const { expect, onTestFinished } = context;
      const config = `import { defineSuite, modules, ${pool} } from 'pexen';
      export default defineSuite({ from: { '': modules({ dir: 'suite' }) }, workers: 1, pool: () => ${pool}({ workers: 1 }) });`;
      const files = { 'pexen.config.ts': config, 'suite/server.task.ts': suite(killer) };
      const dir = await folder(files, onTestFinished);
      const { stdout, stderr, exitCode } = await pexen(
        dir,
        'run',
        '--reporter',
        'lines',
        '--junit',
        'out.xml',
      );
      expect(exitCode, stdout + stderr).toBe(1);
      const blocks = stdout.split(/\n(?= *[A-Z]+ \[)/);
      for (const name of dependents) {
        const block = blocks.find((each) => each.includes(`server/${name} `)) ?? '';
        expect(block, stdout).toContain('ECONNREFUSED');
        expect(block, stdout).toMatch(why);
        expect(block, stdout).toContain('the worker of its provider "server/server" (');
      }
      expect(blocks.find((each) => each.includes('server/passes'))).not.toContain('is gone');
      expect(blocks.find((each) => each.includes('server/killer'))).not.toContain('its provider');
      const xml = await readFile(join(dir, 'out.xml'), 'utf8');
      expect(xml.match(/the worker of its provider (?:&quot;|")server\/server/g)).toHaveLength(
        dependents.length,
      );
      if (pool !== 'threads' || killer !== dies) return;
      // The journal says it, too.
      const report = await pexen(dir, 'report');
      expect(report.stdout.match(/the worker of its provider "server\/server"/g)).toHaveLength(
        dependents.length,
      );
    },
  );
});
