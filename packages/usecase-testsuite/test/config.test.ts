import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isPexenError, type Problem } from '@pexen/core';
import { tree } from '@pexen/factory';
import { describe, expect, it, onTestFinished } from 'vitest';
import { loadConfig, resolveSuite } from '../src/config/config.ts';
import { listSuite } from '../src/index.ts';

const here = { ci: false, env: {} };
const nothing = { kind: 'none', describe: 'nothing', async *make() {} };

async function problemsOf(promise: Promise<unknown>): Promise<readonly Problem[]> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!isPexenError(error)) throw error ?? new Error('nothing was refused');
  return error.problems;
}

async function folder(files: Record<string, string>): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'pexen-config-'));
  onTestFinished(() => rm(dir, { recursive: true }));
  for (const [name, text] of Object.entries(files)) await writeFile(join(dir, name), text);
  return dir;
}

describe('a configuration', () => {
  it('may depend on the environment', async () => {
    const config = await resolveSuite(({ ci }) => ({ from: {}, retries: ci ? 1 : 0 }), { ci: true, env: {} });
    expect(config.retries).toBe(1);
  });

  it('may use every entry', async () => {
    const pool = () => ({}) as never;
    const config = {
      from: { '': nothing },
      facts: () => ({}),
      pool,
      pools: { slow: pool },
      groups: { vm: { pool, spare: 0, exclusive: true } },
      capacities: { memory: 5 },
      shared: { a: 1 },
      retries: { count: 2, delay: 10 },
      expectedFailures: { 'a/**': 'because' },
      reporters: [
        'terminal',
        ['lines', { color: false, passes: false, outputLines: 5, slowAfter: 1000 }],
        [
          'junit',
          {
            file: 'out.xml',
            strict: true,
            name: 'ours',
            properties: { build: '7' },
            output: 'all',
            outputLimit: 1000,
            findings: false,
          },
        ],
        { event() {}, async close() {} },
      ],
      ...{
        workers: 2,
        loader: 'tsx',
        spare: 1,
        deadline: 5,
        timeout: 5,
        idleTimeout: 5,
        grace: 5,
        slowAfter: 5,
        rerunnable: false,
      },
    } as const;
    expect(await resolveSuite(config, here)).toBe(config);
  });

  it('is refused with all problems together, each with its path', async () => {
    const wrong = {
      from: { sys: 'tests' },
      retry: 1,
      workers: 1e9,
      groups: { vm: {} },
      reporters: ['juint'],
    };
    const problems = await problemsOf(resolveSuite(wrong as never, here));
    expect(new Set(problems.map(({ code }) => code))).toEqual(new Set(['PEXEN_BAD_CONFIG']));
    const text = problems.map(({ message }) => message).join('\n');
    for (const place of [
      'from.sys: must be a factory',
      'workers',
      'groups.vm: needs the option "pool"',
      'reporters.0',
      '"retry"',
    ]) {
      expect(text).toContain(place);
    }
    expect(problems.find(({ message }) => message.includes('"retry"'))?.hint).toBe('Did you mean "retries"?');
  });

  it('has problems that name the wrong part of a form, or list the forms', async () => {
    const reporters = [['junit', { fil: 'x' }], ['lines', { passes: 1 }], ['ctrff', {}], 7, ['htm', {}]];
    const wrong = { from: {}, retries: { cont: 1 }, reporters };
    const problems = await problemsOf(resolveSuite(wrong as never, here));
    expect(problems.map(({ message }) => message)).toEqual([
      'retries: has no entry "cont", but count, delay, factor, maxDelay, jitter',
      'reporters.0.1: has no option "fil"',
      'reporters.1.1.passes: must be true or false, not 1',
      'reporters.2: there is no reporter "ctrff"',
      'reporters.3: must be a name, a name with options, or a reporter, not 7',
      'reporters.4: there is no reporter "htm"',
    ]);
    expect(problems.at(-2)?.hint).toMatch(/terminal, live, lines, junit, tap, ctrf, jsonl, github/);
    expect(problems.at(-3)?.hint).toBe('Did you mean "ctrf"?');
    expect(problems.at(-1)?.hint).toBe('Did you mean "html"?');
  });

  it('is refused with hints that say what to write', async () => {
    const complaintsOf = async (config: unknown) =>
      (await problemsOf(resolveSuite(config as never, here))).map(
        ({ message, hint }) => `${message}${hint === undefined ? '' : ` → ${hint}`}`,
      );
    const from = {};
    const write =
      "Write ['terminal', ['junit', { file: 'out/junit.xml' }]]; there are terminal, live, lines, junit, tap, ctrf, jsonl, github, gitlab, markdown, trace, html, otel, NAME=FILE, a package pexen-reporter-…, or a path.";
    expect(await complaintsOf({})).toEqual([
      'the configuration needs the option "from"' + " → Write from: { sys: executables({ dir: 'tests' }) }.",
    ]);
    expect(await complaintsOf([])).toEqual(['the configuration must be an object, not a list']);
    expect(await complaintsOf({ from: tree({ dir: '.' }) })).toEqual([
      "from: is a factory itself → Give its tasks a call path: from: { '': tree({ dir: '.' }) }.",
    ]);
    expect(await complaintsOf({ from, workers: 0, slowAfter: -1, rerunnable: 'no', spare: 'x' })).toEqual([
      'workers: must be a whole number, 1 to 10000, not 0',
      'spare: must be a number, 0 or more, not "x"',
      'slowAfter: must be a number, 0 or more, not -1',
      'rerunnable: must be true or false, not "no"',
    ]);
    expect(await complaintsOf({ from, workers: 1.5, retries: { count: 'x' } })).toEqual([
      'workers: must be a whole number, 1 to 10000, not 1.5',
      'retries: has an entry "count" that must be a whole number, 0 or more → Write a number, or { count: 2, delay: 1000 }.',
    ]);
    expect(await complaintsOf({ from, reporters: ['lnes', 'junit', ['junit', { file: '' }]] })).toEqual([
      'reporters.0: there is no reporter "lnes" → Did you mean "lines"?',
      'reporters.2.1.file: must be a non-empty string, not ""',
    ]);
    expect(
      await complaintsOf({ from, pool: 'thread', pools: { a: {} }, groups: { vm: 'processes' } }),
    ).toEqual([
      'pool: must be a function that makes a pool, or processes, threads, inline, not "thread"' +
        " → Write pool: 'threads', or pool: (request) => threads({ ...request, workers: 2 }).",
      'pools.a: must be a function, not an object → Write pools: { quick: threads }.',
      'groups.vm: must be an object, not "processes" → Write groups: { vm: { pool: () => processes({ workers: 5 }) } }.',
    ]);
    expect(await complaintsOf({ from, reporters: [7, ['junit', { file: 'x', output: 'some' }]] })).toEqual([
      `reporters.0: must be a name, a name with options, or a reporter, not 7 → ${write}`,
      'reporters.1.1.output: must be "failed" or "all" or "none", not "some"',
    ]);
  });

  it('has the same hints for an entry wherever it is', async () => {
    const hints = async (config: object) =>
      (await problemsOf(resolveSuite({ from: {}, ...config } as never, here))).map(({ hint }) => hint);
    expect(await hints({ timeout: '20s', grace: '500ms', workers: '3', deadline: '1h' })).toEqual([
      'Write workers: 3.',
      'Write timeout: 20_000 (milliseconds).',
      'Write grace: 500 (milliseconds).',
      'Write deadline: 3_600_000 (milliseconds).',
    ]);
    expect(await hints({ retries: { cuont: 2 } })).toEqual(['Did you mean "count"?']);
    expect(await hints({ retries: { count: 2, delay: '1s' } })).toEqual([
      'Write delay: 1000 (milliseconds).',
    ]);
    expect(await hints({ groups: { vm: { pool: () => {}, exclusiv: true } } })).toEqual([
      'Did you mean "exclusive"?',
    ]);
    expect(await hints({ reporters: [['terminal', { colour: true }]] })).toEqual(['Did you mean "color"?']);
    expect(await hints({ reporters: [['live', { slowAfter: '5s' }]] })).toEqual([
      'Write slowAfter: 5000 (milliseconds).',
    ]);
    expect(await hints({ reporters: [['junit', { file: 'x', outputs: 'all' }]] })).toEqual([
      'Did you mean "output"?',
    ]);
    expect(await hints({ reporters: [['lines', { verbose: true }]] })).toEqual(['Did you mean "verbosity"?']);
  });

  it('that lies beside another one causes a warning that names the one in use', async () => {
    const one = 'export default { from: {} };';
    const dir = await folder({ 'pexen.config.mjs': one, 'pexen.config.js': one });
    const loaded = await loadConfig(dir);
    expect(loaded).toMatchObject({
      file: join(dir, 'pexen.config.js'),
      warnings: [
        {
          code: 'PEXEN_TWO_CONFIGS',
          location: { file: join(dir, 'pexen.config.mjs') },
          message: 'this configuration is ignored, since pexen.config.js is used',
        },
      ],
    });
    expect((await loadConfig(dir, 'pexen.config.mjs')).warnings).toEqual([]);
    const warnings: Problem[] = [];
    const config = { ...loaded.config, from: { '': tree({ dir: '.' }) } };
    await listSuite({ ...loaded, config }, {}, (warning) => warnings.push(warning)).catch(() => {});
    expect(warnings).toMatchObject([{ code: 'PEXEN_TWO_CONFIGS' }]);
  });

  it('may turn a limit off; 0 is refused, since it would end each test immediately', async () => {
    const config = {
      from: {},
      timeout: Number.POSITIVE_INFINITY,
      deadline: Number.POSITIVE_INFINITY,
      slowAfter: Number.POSITIVE_INFINITY,
    };
    expect(await resolveSuite(config, here)).toBe(config);
    const problems = await problemsOf(
      resolveSuite({ from: {}, timeout: 0, idleTimeout: '5s' } as never, here),
    );
    expect(problems.map(({ message }) => message)).toEqual([
      'timeout: must be a number of milliseconds above 0, not 0',
      'idleTimeout: must be a number of milliseconds above 0, not "5s"',
    ]);
  });

  it('is found in the directory; without one the directory itself is the suite', async () => {
    const dir = await folder({});
    expect(await loadConfig(dir)).toMatchObject({ root: dir, file: undefined });
    const other = await folder({ 'pexen.config.mjs': 'export default { from: {} };' });
    expect(await loadConfig(other)).toMatchObject({ root: other, file: join(other, 'pexen.config.mjs') });
  });

  it('is searched for up to the root of the repository, or else of the package', async () => {
    const dir = await folder({ 'pexen.config.mjs': 'export default { from: {} };', 'package.json': '{}' });
    const deep = join(dir, 'packages/one/test');
    await mkdir(deep, { recursive: true });
    expect(await loadConfig(deep)).toMatchObject({ root: dir, file: join(dir, 'pexen.config.mjs') });

    await writeFile(join(dir, 'packages/one/package.json'), '{}');
    expect(await loadConfig(deep)).toMatchObject({ root: deep, file: undefined });
    await mkdir(join(dir, '.git'));
    expect(await loadConfig(deep)).toMatchObject({ root: dir });
    await mkdir(join(dir, 'packages/one/.git'));
    expect(await loadConfig(deep)).toMatchObject({ root: deep, file: undefined });
  });

  it('that lies above the project is ignored', async () => {
    const dir = await folder({ 'pexen.config.mjs': 'export default { from: {} };' });
    await mkdir(join(dir, 'sub'));
    expect(await loadConfig(join(dir, 'sub'))).toMatchObject({ file: undefined });
  });

  it.each([
    [
      'pexen.config.mjs',
      '\nexport default () => { throw new RangeError("no"); };',
      'PEXEN_CONFIG_FAILED',
      undefined,
    ],
    [
      'pexen.config.mjs',
      'import "no-such-package";',
      'PEXEN_CONFIG_FAILED',
      /Install it: npm i -D no-such-package/,
    ],
    ['pexen.config.mjs', 'export const suite = {};', 'PEXEN_BAD_CONFIG', /export default defineSuite/],
    ['pexen.config.mjs', 'throw new Error("no luck");', 'PEXEN_CONFIG_FAILED', undefined],
    ['pexen.config.mts', 'export default { from: [] as never as', 'PEXEN_CONFIG_FAILED', undefined],
  ])('%s with %j is refused as %s', async (name, text, code, hint) => {
    const [problem] = await problemsOf(loadConfig(await folder({ [name]: text })));
    expect(problem).toMatchObject({ code, location: { file: expect.stringContaining(name) } });
    if (hint !== undefined) expect(problem?.hint).toMatch(hint);
  });

  it('that was named must be a module or data', async () => {
    const dir = await folder({ 'pexen.toml': '' });
    for (const name of ['pexen.toml', '.']) {
      const [problem] = await problemsOf(loadConfig(dir, name));
      expect(problem).toMatchObject({
        code: 'PEXEN_NO_CONFIG',
        message: expect.stringContaining('cannot be a configuration'),
      });
      expect(problem?.hint).toMatch(/pexen.config.ts.*pexen.yaml/);
    }
  });

  it('that was named must exist', async () => {
    const [problem] = await problemsOf(loadConfig(await folder({}), 'mine.ts'));
    expect(problem?.code).toBe('PEXEN_NO_CONFIG');
  });
});
