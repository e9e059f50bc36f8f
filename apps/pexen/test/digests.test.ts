/** Digests in the events of real runs: which digests differ after a change between two runs. */
import { existsSync, readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Digest, type RunEvent, sameDigest, unknownDigest } from '@pexen/core';
import { describe, it } from 'vitest';
import { type AtEnd, folder, pexenWith } from './command.ts';

const config = (pool: string): string => `
  import { appendFileSync, rmSync } from 'node:fs';
  import { defineSuite, executables, inline, modules, processes, threads } from 'pexen';
  rmSync('events.jsonl', { force: true });
  const events = {
    wantsDigests: true,
    event: (event) => appendFileSync('events.jsonl', JSON.stringify(event) + '\\n'),
    close: async () => {},
  };
  const pools = { inline: () => inline(), processes, threads };
  export default defineSuite({
    from: { '': modules({ dir: 'tests' }), sys: executables({ dir: 'sys' }) },
    pool: pools[${JSON.stringify(pool)}],
    pools: { programs: processes },
    ...(process.env.TIMEOUT && { timeout: Number(process.env.TIMEOUT) }),
    digestEnv: ['FOR_ALL'],
    workers: 1,
    reporters: [events],
  });`;

const files = {
  'tests/lazy.task.ts': `import { task } from 'pexen';
    export const lazy = task({ digestEnv: ['FOR_ONE'] }, async () => { const { help } = await import('../lib/help.ts'); help(); });`,
  'tests/eager.task.ts': `import { task } from 'pexen'; import { base } from '../lib/base.ts';
    export const eager = task({ inputs: ['data/*.json'], args: { n: Number(process.env.N ?? 1) } }, () => base);
    export const after = task({ requires: [eager] }, () => {});`,
  'tests/packaged.task.ts': `import { task } from 'pexen'; import { version } from 'dep';
    export const packaged = task({}, () => version);`,
  'lib/help.ts': `import { base } from './base.ts'; export const help = (): number => base;`,
  'lib/base.ts': `export const base: number = 1;`,
  'data/a.json': '1',
  'sys/data.txt': 'text',
  'sys/show.sh': '#!/bin/sh\n# pexen: { pool: programs, argv: [data.txt] }\ncat "$1"\n',
  'node_modules/dep/package.json':
    '{ "name": "dep", "version": "1.0.0", "type": "module", "exports": "./index.js" }',
  'node_modules/dep/index.js': `export const version = 1;`,
};

/** The digests of a task, and its code at the end; `code` is the digest at the start. */
type Digests = Readonly<Record<'meaning' | 'code' | 'data' | 'limits' | 'codeAtEnd', Digest>>;

/** Runs the suite; by path, what its events say of each task. */
async function run(
  dir: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Record<string, Digests>> {
  const { exitCode, stdout, stderr } = await pexenWith(env, dir, 'run');
  if (exitCode !== 0) throw new Error(`exit code ${exitCode}\n${stdout}${stderr}`);
  const found: Record<string, Digests> = {};
  for (const line of readFileSync(join(dir, 'events.jsonl'), 'utf8').trim().split('\n')) {
    const event = JSON.parse(line) as RunEvent;
    if (event.type === 'tasks-added')
      for (const { path, digests } of event.tasks) found[path] = { ...digests, codeAtEnd: '' } as Digests;
    if (event.type === 'attempt-ended' || event.type === 'task-finished')
      found[event.path] = { ...found[event.path], codeAtEnd: event.code } as Digests;
  }
  return found;
}

/** What differs, as `eager data`; also where something is unknown. */
function differences(before: Record<string, Digests>, after: Record<string, Digests>): string[] {
  return Object.keys(after).flatMap((path) =>
    (Object.keys(after[path] as Digests) as (keyof Digests)[])
      .filter(
        (name) => !sameDigest(before[path]?.[name] ?? unknownDigest, after[path]?.[name] ?? unknownDigest),
      )
      .map((name) => `${path.split('/').at(-1)} ${name}`),
  );
}

async function change(dir: string, name: string, edit: (text: string) => string): Promise<void> {
  const file = join(dir, name);
  await writeFile(file, edit(await readFile(file, 'utf8')));
}

const suite = (pool: string, atEnd: AtEnd) => folder({ ...files, 'pexen.config.ts': config(pool) }, atEnd);

describe.concurrent('digests', { timeout: 240_000 }, () => {
  it.for(['inline', 'threads'])(
    'in the pool %s know what is imported while bodies run',
    async (pool, { expect, onTestFinished }) => {
      const dir = await suite(pool, onTestFinished);
      const before = await run(dir);
      await change(dir, 'lib/help.ts', (text) => text.replace('=>', ' =>'));
      expect(differences(before, await run(dir))).toEqual(['lazy codeAtEnd']);
    },
  );

  it('differ only where something was changed', async ({ expect, onTestFinished }) => {
    const dir = await suite('processes', onTestFinished);
    let last = await run(dir);
    expect(Object.keys(last)).toHaveLength(5);
    /** Runs it again, with one more variable each time. */
    const env: Record<string, string> = {};
    const changed = async (variables: Readonly<Record<string, string>> = {}): Promise<string[]> => {
      const before = last;
      last = await run(dir, Object.assign(env, variables));
      return differences(before, last).toSorted();
    };

    expect(await changed()).toEqual([]);
    await change(dir, 'lib/help.ts', (text) => text.replace('=>', ' =>'));
    await change(dir, 'node_modules/dep/package.json', (text) => text.replace('1.0.0', '1.0.1'));
    await change(dir, 'sys/data.txt', () => 'another text');
    await change(dir, 'data/a.json', () => '2');
    expect(await changed()).toEqual([
      ...[
        'eager data',
        'lazy codeAtEnd',
        'packaged code',
        'packaged codeAtEnd',
        'show.sh code',
        'show.sh codeAtEnd',
      ],
    ]);
    await change(dir, 'lib/base.ts', (text) => text.replace('1', '2'));
    await change(dir, 'sys/show.sh', (text) => `${text}# more\n`);
    expect(await changed({ N: '2', FOR_ONE: 'a very secret value' })).toEqual([
      ...['after code', 'after codeAtEnd', 'eager code', 'eager codeAtEnd', 'eager meaning'],
      ...['lazy codeAtEnd', 'lazy data'],
      ...['show.sh code', 'show.sh codeAtEnd'],
    ]);
    expect(await changed({ TIMEOUT: '70000', FOR_ALL: 'another secret' })).toEqual(
      ['after', 'eager', 'lazy', 'packaged', 'show.sh'].flatMap((name) => [`${name} data`, `${name} limits`]),
    );
    expect(readFileSync(join(dir, 'events.jsonl'), 'utf8')).not.toMatch(/secret/);
    expect(readFileSync(join(dir, '.pexen/salt'), 'utf8')).toMatch(/^[0-9a-f]{64}$/);
  });

  it('are computed only if the run is recorded, or a reporter needs them', async ({
    expect,
    onTestFinished,
  }) => {
    const text = config('threads').replace('wantsDigests: true', 'wantsDigests: false');
    const dir = await folder({ ...files, 'pexen.config.ts': text }, onTestFinished);
    expect(await pexenWith({}, dir, 'run', '--no-journal')).toMatchObject({ exitCode: 0 });
    const events = readFileSync(join(dir, 'events.jsonl'), 'utf8');
    expect(events).toContain('"task-finished"');
    expect(events).not.toMatch(/"(?:digests|code)":/);
    expect(existsSync(join(dir, '.pexen/salt'))).toBe(false);
  });
});
