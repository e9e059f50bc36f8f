/** Configurations as data: one suite in three forms is the same suite; settings; mistakes in them. */
import { chmod, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { isPexenError } from '@pexen/core';
import { expect, it, onTestFinished } from 'vitest';
import { loadConfig } from '../src/config/config.ts';
import { listSuite } from '../src/index.ts';

async function folder(files: Readonly<Record<string, string>>): Promise<string> {
  const dir = await realpath(await mkdtemp(join(tmpdir(), 'pexen-data-')));
  onTestFinished(() => rm(dir, { recursive: true }));
  await mkdir(join(dir, 'node_modules'));
  await symlink(join(import.meta.dirname, '../../../apps/pexen'), join(dir, 'node_modules/pexen'));
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(dir, name)), { recursive: true });
    await writeFile(join(dir, name), text);
    if (text.startsWith('#!')) await chmod(join(dir, name), 0o755);
  }
  return dir;
}

/** What `pexen list --json` prints, without locations. */
async function listed(files: Readonly<Record<string, string>>): Promise<unknown> {
  const { root: _, ...list } = await listSuite(await loadConfig(await folder(files)));
  const tasks = list.tasks.map(({ location, ...task }) => task);
  return { ...list, tasks };
}

const inYaml = `
defaults: { timeout: 20s }
capacities: { licenses: 2 }
retries: { count: 1, delay: 1s }
from:
  db:
    tasks:
      start: { command: 'true', provides: [db], scope: boot, weight: 2s }
      stop: { command: 'true', tearsDown: db }
  net:
    tasks:
      ping: { command: 'true', requires: [{ anyOf: [db, cache] }], uses: [/net, { licenses: 1 }], tags: [net, quick], priority: 2 }
      route: { command: 'true', claims: [/net/route], after: [db], when: { if: 'platform == "none"', because: not here }, rerunnable: false }
      salvage: { command: 'true', salvages: [db], exclusive: true, retries: 0, slowAfter: 1m }
`;

const inCode = `
import { amount, anyOf, defineSuite, place, task } from 'pexen';
const all = [
  place(['db'], task({ name: 'start', provides: ['db'], scope: 'boot', weight: 2_000 }, () => {})),
  place(['db'], task({ name: 'stop', tearsDown: 'db' }, () => {})),
  place(['net'], task({ name: 'ping', requires: [anyOf('db', 'cache')], uses: ['/net', amount('licenses', 1)], tags: ['net', 'quick'], priority: 2 }, () => {})),
  place(['net'], task({ name: 'route', claims: ['/net/route'], after: ['db'], when: ({ platform }) => platform === 'none' || 'not here', rerunnable: false }, () => {})),
  place(['net'], task({ name: 'salvage', salvages: ['db'], exclusive: true, retries: 0, slowAfter: 60_000 }, () => {})),
];
export default defineSuite({
  from: { '': { kind: 'code', describe: 'code', async *make() { yield* all; } } },
  timeout: 20_000, capacities: { licenses: 2 }, retries: { count: 1, delay: 1_000 },
});
`;

const header = (entries: string): string => `#!/bin/sh\n# pexen: { ${entries} }\ntrue\n`;

const inHeaders = {
  'pexen.config.mjs': `import { defineSuite, executables } from 'pexen';
export default defineSuite({
  from: { '': executables({ dir: 't' }) },
  timeout: 20_000, capacities: { licenses: 2 }, retries: { count: 1, delay: 1_000 },
});`,
  't/db/start.sh': header('name: start, provides: [db], scope: boot, weight: 2s'),
  't/db/stop.sh': header('name: stop, tearsDown: db'),
  't/net/ping.sh': header(
    'name: ping, requires: [{ anyOf: [db, cache] }], uses: [/net, { licenses: 1 }], tags: [net, quick], priority: 2',
  ),
  't/net/route.sh': header(
    `name: route, claims: [/net/route], after: [db], when: { if: 'platform == "none"', because: not here }, rerunnable: false`,
  ),
  't/net/salvage.sh': header('name: salvage, salvages: [db], exclusive: true, retries: 0, slowAfter: 1m'),
};

it('a suite in YAML, in code and as programs with headers is the same suite', async () => {
  const list = await listed({ 'pexen.yaml': inYaml });
  expect(list).toMatchObject({ tasks: [{ path: 'db/start' }, {}, {}, {}, {}] });
  expect(await listed({ 'pexen.config.mjs': inCode })).toEqual(list);
  expect(await listed(inHeaders)).toEqual(list);
});

it('a configuration may be JSON; one in code comes first', async () => {
  const dir = await folder({
    'pexen.json': '{ "workers": 3, "timeout": "1m", "tasks": { "a": "true" } }',
    'sub/pexen.yaml': 'tasks: { b: x }',
    'sub/pexen.config.mjs': 'export default { from: {} };',
  });
  const { config, file } = await loadConfig(dir);
  expect(file).toBe(join(dir, 'pexen.json'));
  expect(config).toMatchObject({ workers: 3, timeout: 60_000 });
  const { file: first, warnings } = await loadConfig(join(dir, 'sub'));
  expect(first).toBe(join(dir, 'sub/pexen.config.mjs'));
  expect(warnings).toMatchObject([{ code: 'PEXEN_TWO_CONFIGS' }]);
});

it('settings are those of code, with durations as text, and functions as names with options', async () => {
  const dir = await folder({
    'pexen.yaml': `
timeout: off
deadline: 2h
retries: { count: 2, delay: 1.5s }
pool: threads
pools: { one: { processes: { workers: 1 } }, quick: threads }
groups: { vm: { pool: inline, exclusive: false } }
facts: { board: rpi }
reporters: [lines, { junit: { file: a.xml } }, [live, { passes: true }]]
overrides: [{ match: 'net/**', set: { timeout: 10m, uses: [{ gpus: 1 }] } }]
profiles: { ci: { grace: 2s, pool: { processes: {} } } }
`,
  });
  const { config } = await loadConfig(dir);
  expect(config).toMatchObject({
    ...{ timeout: Number.POSITIVE_INFINITY, deadline: 7_200_000, retries: { count: 2, delay: 1_500 } },
    ...{ pool: 'threads', facts: { board: 'rpi' }, groups: { vm: { exclusive: false } } },
    reporters: ['lines', ['junit', { file: 'a.xml' }], ['live', { passes: true }]],
    overrides: [{ match: 'net/**', set: { timeout: 600_000, uses: [{ resource: 'gpus', count: 1 }] } }],
    profiles: { ci: { grace: 2_000 } },
  });
  expect(config.pools?.one?.({ workers: 7 }).manifest.name).toBe('processes');
  expect(config.pools?.quick?.({ workers: 7 }).manifest.name).toBe('threads');
});

it('mistakes in settings are reported together with those in tasks, each at its place', async () => {
  const dir = await folder({
    'pexen.yaml': `timeout: 20 sec
wokers: 2
workers: two
pools: { quick: thread }
groups: { vm: { pol: processes } }
retries: { count: 1, delay: x }
grace:
reporters: [line]
overrides: [{ match: a, set: { tagz: [b] } }]
profiles: { ci: { bial: 1, deadline: 1x } }
tasks: { a: { comand: x } }
`,
  });
  const error = await loadConfig(dir).catch((reason: unknown) => reason);
  const problems = isPexenError(error) ? error.problems : [];
  expect(
    problems.map(({ code, location }) => `${code.slice(6)} ${location?.line}:${location?.column}`),
  ).toEqual([
    'BAD_CONFIG 1:10',
    'BAD_SUITE_FILE 2:1',
    'BAD_CONFIG 3:10',
    'BAD_CONFIG 4:17',
    'BAD_CONFIG 5:15',
    'BAD_CONFIG 5:17',
    'BAD_CONFIG 6:29',
    'BAD_CONFIG 7:1',
    'BAD_CONFIG 8:13',
    'UNKNOWN_META 9:32',
    'BAD_CONFIG 10:19',
    'BAD_CONFIG 10:38',
    'UNKNOWN_META 11:15',
  ]);
  expect(problems.find(({ location }) => location?.line === 2)?.hint).toBe('Did you mean "workers"?');
});

it('options of a pool are reported at their place when the pool is made', async () => {
  const dir = await folder({
    'pexen.yaml': 'pools: { one: { processes: { wrokers: 1 } } }\ntasks: { a: { command: x, pool: one } }',
  });
  const error = await listSuite(await loadConfig(dir)).catch((reason: unknown) => reason);
  expect(isPexenError(error) && error.problems).toMatchObject([
    { code: 'PEXEN_BAD_OPTION', location: { line: 1, column: 28 }, hint: 'Did you mean "workers"?' },
  ]);
});
