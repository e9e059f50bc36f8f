/** The recipes for servers show what the command prints: each suite is written and run. Servers that cannot be had are skipped with the reason. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { obtain, type ServerName } from '#real-programs';
import { sampled } from '#sample';
import { folder, pexenWith } from './command.ts';
import { commandsOfText, comparable, sectionsOf } from './page.ts';

const recipes = await sectionsOf(new URL('../../../docs/services-recipes.md', import.meta.url));

interface Needed {
  readonly env?: Readonly<Record<string, string>>;
  readonly missing?: string;
}

function server(name: ServerName): Needed {
  const found = obtain(name);
  return 'missing' in found ? { missing: found.missing } : { env: found.env };
}

/** Root may not run PostgreSQL, so the recipe runs it as its own user. */
function postgres(): Needed {
  const isRoot = process.getuid?.() === 0;
  if (isRoot && !isUser('postgres'))
    return { missing: 'root cannot run PostgreSQL, and there is no user postgres' };
  return server('postgres');
}

function isUser(name: string): boolean {
  return spawnSync('id', ['-u', name]).status === 0;
}

const vite = fileURLToPath(new URL('../../../node_modules/.bin/vite', import.meta.url));

/** The recipes with real servers take turns: one for each commit. */
const realServers = sampled<readonly [title: string, find: () => Needed]>([
  ['PostgreSQL', postgres],
  ['Redis', () => server('redis')],
  ['The development server of Vite', () => (existsSync(vite) ? {} : { missing: 'vite is not installed' })],
]);

const needed: Readonly<Record<string, Needed>> = {
  'An HTTP server in a task': {},
  ...Object.fromEntries(realServers.map(([title, find]) => [title, find()])),
};

it('has four recipes', () => {
  expect([...recipes.keys()].filter((title) => /^```console/m.test(recipes.get(title) ?? ''))).toEqual([
    'An HTTP server in a task',
    ...['PostgreSQL', 'Redis', 'The development server of Vite'],
  ]);
});

describe('the recipe', () => {
  for (const [title, { env = {}, missing }] of Object.entries(needed))
    it.skipIf(missing !== undefined).concurrent(
      missing === undefined ? title : `${title} (skipped: ${missing})`,
      { timeout: 60_000 },
      async ({ onTestFinished }) => {
        const dir = await folder({}, (act) => onTestFinished(act));
        await mkdir(join(dir, 'node_modules/.bin'));
        if (existsSync(vite)) await symlink(vite, join(dir, 'node_modules/.bin/vite'));
        let commands = 0;
        for await (const { words, output } of commandsOfText(recipes.get(title) ?? '', dir)) {
          const { stdout, stderr } = await pexenWith(env, dir, ...words.slice(1));
          expect(comparable(stdout + stderr), `the real output is:\n${stdout}${stderr}`).toBe(
            comparable(output),
          );
          commands++;
        }
        expect(commands).toBe(1);
      },
    );
});
