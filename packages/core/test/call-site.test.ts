/** Addresses do not depend on what the process does to stack traces. Each case is a process of its own. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { stripTypeScriptTypes } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';

const run = promisify(execFile);
const source = new URL('./fixtures/sites.ts', import.meta.url);
const dir = await mkdtemp(join(tmpdir(), 'pexen-call-site-'));
afterAll(() => rm(dir, { recursive: true }));

interface Printed {
  readonly name: string;
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** `line:column` in the script that ran; false where the task has no address. */
  readonly id: string | false;
}

async function sitesWith(
  flags: readonly string[],
  script = fileURLToPath(source),
): Promise<readonly Printed[]> {
  const { stdout } = await run(process.execPath, [...flags, script]);
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Printed);
}

const plain = await sitesWith([]);
const preload = (code: string): string => `--import=data:text/javascript,${encodeURIComponent(code)}`;

describe('a task that a module makes while it loads has an address', () => {
  it('wherever in the module it is made; tasks made later have none', async () => {
    const addressed = plain.filter(({ id }) => id !== false).map(({ name }) => name);
    expect(addressed).toEqual([
      'direct',
      'deep',
      'anonymous',
      'static',
      'late',
      'lateAndAsync',
      'lateAndAnonymous',
    ]);
    expect(plain.map(({ name }) => name)).toEqual(expect.arrayContaining(['stray', 'timer']));
    for (const { id, line, column, file } of plain.filter((site) => site.id !== false)) {
      expect({ id, file }).toEqual({ id: `${line}:${column}`, file: 'sites.ts' });
    }
  });

  it.each([
    ['source maps', ['--enable-source-maps']],
    ['a limit of frames', ['--stack-trace-limit=3']],
    ['no frames at all', [preload('Error.stackTraceLimit = 0')]],
    ['a limit that is not a number', [preload('delete Error.stackTraceLimit')]],
    ['stacks of call sites', [preload('Error.prepareStackTrace = (_, sites) => sites')]],
    ['stacks in another form', [preload("Error.prepareStackTrace = (error) => error + ' somewhere'")]],
    ['stacks that throw', [preload("Error.prepareStackTrace = () => { throw new Error('no') }")]],
    [
      'stacks that cannot be set',
      [
        preload(
          "Object.defineProperty(Error, 'prepareStackTrace', { get: () => undefined, configurable: true })",
        ),
      ],
    ],
  ])('with %s', async (_, flags) => {
    expect(await sitesWith(flags)).toEqual(plain);
  });

  it('with the positions of the script that runs, while messages show those of its source', async () => {
    const script = await compile();
    const mapped = await sitesWith(['--enable-source-maps'], script);
    const compiled = await sitesWith([], script);
    expect(mapped.map(({ id }) => id)).toEqual(compiled.map(({ id }) => id));
    const places = (sites: readonly Printed[]) =>
      sites.map(({ name, file, line, column }) => `${name} ${file}:${line}:${column}`);
    expect(places(mapped)).toEqual(places(plain));
    expect(places(compiled)).not.toEqual(places(plain));
  });
});

/** Like compilers that run as loaders: other lines and columns, and a source map at the end. */
async function compile(): Promise<string> {
  const core = new URL('../src/index.ts', import.meta.url).href;
  const text = (await readFile(source, 'utf8')).replace('../../src/index.ts', core);
  const script = join(dir, 'compiled.mjs');
  await writeFile(
    script,
    stripTypeScriptTypes(text, { mode: 'transform', sourceMap: true, sourceUrl: source.href }),
  );
  return script;
}
