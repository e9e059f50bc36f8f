/** Suites that have a catalogue: what is listed, what runs, what is refused, and what is remembered. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  anyOf,
  atLeast,
  every,
  isPexenError,
  key,
  type Problem,
  service,
  type TaskMeta,
  task,
} from '@pexen/core';
import { inline, place } from '@pexen/sched';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { LoadedConfig } from '../../src/config/config.ts';
import {
  listSuite,
  previewSuite,
  runSuite,
  type SuiteConfig,
  type SuiteRunOptions,
} from '../../src/index.ts';

type Named = TaskMeta & { readonly name: string };

interface Trial {
  readonly loaded: LoadedConfig;
  /** The names of the tasks that ran, in their order. */
  readonly ran: string[];
}

/** A suite of these tasks, with these candidates. */
function suite(
  tests: readonly Named[],
  candidates: readonly Named[],
  config: Partial<SuiteConfig> = {},
): Trial {
  const ran: string[] = [];
  const made = (meta: Named) =>
    place(
      [],
      task(meta, () => void ran.push(meta.name)),
    );
  const from: SuiteConfig['from'][string] = {
    ...{ kind: 'list', describe: 'list' },
    async *make() {
      yield* tests.map(made);
    },
  };
  const root = mkdtempSync(join(tmpdir(), 'pexen-catalogue-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  const base = {
    from: { '': from },
    catalogue: candidates.map(made),
    pool: () => inline(),
    reporters: [],
    journal: false,
  };
  return { loaded: { config: { ...base, ...config }, root, file: undefined }, ran };
}

async function run({ loaded, ran }: Trial, options: SuiteRunOptions = {}): Promise<readonly string[]> {
  ran.length = 0;
  expect((await runSuite(loaded, options)).exitCode).toBe(0);
  return ran;
}

/** `nginx chosen: …`: what was decided about each candidate for each need. */
async function explained(
  { loaded }: Trial,
  queries: readonly string[] = [],
): Promise<Readonly<Record<string, readonly string[]>>> {
  const { catalogue = [] } = await listSuite(loaded, { queries }, () => {}, { explain: true });
  return Object.fromEntries(
    catalogue.map(({ requirement, candidates }) => [
      requirement,
      candidates.map(({ path, verdict, why }) => `${path} ${verdict}: ${why}`),
    ]),
  );
}

async function problemsOf({ loaded }: Trial): Promise<readonly Problem[]> {
  const error: unknown = await listSuite(loaded).catch((thrown: unknown) => thrown);
  return isPexenError(error) ? error.problems : [];
}

const web: Named = { name: 'web', requires: ['httpd'] };

describe('a run', () => {
  it('pulls in what it needs over several levels, with teardowns, and nothing else', async () => {
    const trial = suite(
      [web, { name: 'quick' }],
      [
        { name: 'nginx', provides: ['httpd'], requires: ['certificate', 'port'] },
        { name: 'order', provides: ['certificate'], requires: ['authority'] },
        { name: 'authority', provides: ['authority'] },
        { name: 'port', provides: ['port'] },
        { name: 'free', tearsDown: 'port' },
        { name: 'database', provides: ['db'] },
      ],
    );
    const ran = await run(trial);
    expect(ran.toSorted()).toEqual(['authority', 'free', 'nginx', 'order', 'port', 'quick', 'web']);
    expect(ran.indexOf('web')).toBeGreaterThan(ran.indexOf('nginx'));
    expect(ran.at(-1)).toBe('free');
    expect(await run(trial, { queries: ['quick'] })).toEqual(['quick']);
    const { tasks } = await listSuite(trial.loaded);
    expect(tasks.filter(({ isOfCatalogue }) => isOfCatalogue).length).toBe(5);
    expect(tasks.find(({ path }) => path === 'nginx')?.pulledIn).toEqual({
      ...{ by: 'web', as: 'provider', of: '"httpd"' },
    });
  });

  it('pulls in the teardowns of what teardowns provide', async () => {
    const trial = suite(
      [web],
      [
        { name: 'nginx', provides: ['httpd'] },
        { name: 'stop', tearsDown: 'httpd', provides: ['logs'] },
        { name: 'sweep', tearsDown: 'logs' },
      ],
    );
    expect(await run(trial)).toEqual(['nginx', 'web', 'stop', 'sweep']);
  });

  it('hands on the values of typed keys, and pulls in tasks that are required themselves', async () => {
    const url = key<string>('url');
    const found: unknown[] = [];
    const start = task({ name: 'start', provides: [url] }, ({ set }) => set(url, 'http://here'));
    const seed = task({ name: 'seed' }, () => void found.push('seed'));
    const get = task({ name: 'get', requires: [url, seed] }, ({ get }) => void found.push(get(url)));
    const { loaded } = suite([], [], {
      from: {
        '': {
          kind: 'one',
          describe: 'one',
          make: async function* () {
            yield place([], get);
          },
        },
      },
      catalogue: [start, place(['deep'], seed)],
    });
    expect((await runSuite(loaded)).verdicts).toEqual({ pass: 3 });
    expect(found).toEqual(['seed', 'http://here']);
  });

  it('takes nothing from the catalogue that the suite provides, also where that does not apply', async () => {
    const trial = suite(
      [web, { name: 'own', provides: ['httpd'], when: 'not here' }],
      [{ name: 'nginx', provides: ['httpd'] }],
    );
    expect(await run(trial)).toEqual([]);
  });

  it('takes as many candidates as compound requirements miss', async () => {
    const all = ['a', 'b', 'c'].map((name): Named => ({ name, provides: [name, 'any'] }));
    const needs = (requirement: NonNullable<TaskMeta['requires']>[number], ...own: Named[]) =>
      run(suite([{ name: 'test', requires: [requirement] }, ...own], all));
    expect(await needs(anyOf('b', 'c'))).toEqual(['b', 'test']);
    expect(await needs(anyOf('b', 'c'), { name: 'own', provides: ['c'] })).toEqual(['own', 'test']);
    expect(await needs(atLeast(2, 'any'))).toEqual(['a', 'b', 'test']);
    expect(await needs(atLeast(2, 'any'), { name: 'own', provides: ['any'] })).toEqual(['own', 'a', 'test']);
    expect(await needs(every('a', 'c'))).toEqual(['a', 'c', 'test']);
  });

  it('makes the same choice whatever is selected and however it is shuffled', async () => {
    const trial = suite(
      [web, { name: 'proxy', requires: ['proxy'] }],
      [
        { name: 'apache', provides: ['httpd'] },
        { name: 'nginx', provides: ['httpd', 'proxy'] },
      ],
    );
    expect((await run(trial)).toSorted()).toEqual(['nginx', 'proxy', 'web']);
    expect(await run(trial, { queries: ['web'] })).toEqual(['nginx', 'web']);
    for (const shuffle of ['1', '2', '3'])
      expect((await run(trial, { shuffle })).toSorted()).toEqual(['nginx', 'proxy', 'web']);
  });

  it('determines facts that take time for conditions of candidates', async () => {
    const trial = suite(
      [web],
      [{ name: 'docker', provides: ['httpd'], when: ({ docker }) => docker === 'yes' || 'no docker' }],
      { facts: { docker: async () => 'yes' } },
    );
    expect(await run(trial)).toEqual(['docker', 'web']);
  });
});

describe('an explanation', () => {
  it('names what speaks for and against each candidate', async () => {
    const trial = suite(
      [web, { name: 'mail', requires: ['mta'] }, { name: 'tls', requires: ['tls'], provides: ['secure'] }],
      [
        { name: 'docker', provides: ['httpd'], preference: 9, when: 'no docker' },
        { name: 'lighttpd', provides: ['httpd'], preference: 8, requires: ['fastcgi'] },
        { name: 'caddy', provides: ['httpd'], preference: 7, pool: 'large' },
        { name: 'nginx', provides: ['httpd'], preference: 2 },
        { name: 'apache', provides: ['httpd'], preference: 1 },
        { name: 'exim', provides: ['mta'], requires: ['dns', 'queue'] },
        { name: 'postfix', provides: ['mta'] },
        { name: 'dns', provides: ['dns'] },
        { name: 'queue', provides: ['queue'] },
        { name: 'acme', provides: ['tls'], requires: ['secure'] },
        { name: 'file', provides: ['tls'] },
        { name: 'vault', provides: ['tls'] },
      ],
    );
    expect(await explained(trial)).toEqual({
      '"httpd"': [
        'docker refused: does not apply here: no docker',
        'lighttpd refused: requires "fastcgi", which no other task provides',
        'caddy refused: is refused: unknown pool "large"',
        'nginx chosen: is preferred: its preference is 2',
        'apache not-needed: has the preference 1, and nginx has 2',
      ],
      '"mta"': [
        'postfix chosen: needs the least',
        'exim not-needed: needs 2 more, and postfix needs nothing more',
      ],
      '"tls"': [
        'acme refused: would wait for itself: acme → tls → acme',
        'file chosen: comes first by its call path',
        'vault not-needed: comes after file',
      ],
    });
  });

  it('is about what is listed', async () => {
    const trial = suite(
      [web, { name: 'db', requires: ['db'] }],
      [
        { name: 'nginx', provides: ['httpd'] },
        { name: 'pg', provides: ['db'] },
      ],
    );
    expect(Object.keys(await explained(trial, ['web']))).toEqual(['"httpd"']);
    const { tasks } = await listSuite(trial.loaded, { queries: ['web', 'w*'] }, () => {}, { explain: true });
    expect(tasks.map(({ selectedBy }) => selectedBy)).toEqual([undefined, ['"web"', '"w*"']]);
  });
});

describe('where no candidate is possible', () => {
  it('all needs are reported together, with other problems', async () => {
    const problems = await problemsOf(
      suite(
        [
          web,
          { name: 'also', requires: ['httpd'] },
          { name: 'typo', requires: ['htpd'] },
          { name: 'two', requires: [atLeast(2, 'db')] },
        ],
        [
          { name: 'nginx', provides: ['httpd'], requires: ['certificate'] },
          { name: 'order', provides: ['certificate'], requires: ['authority'] },
          { name: 'pg', provides: ['db'] },
        ],
      ),
    );
    expect(problems.map(({ code, task, message, hint }) => ({ code, task, message, hint }))).toEqual(
      [
        {
          ...{ code: 'PEXEN_NO_CANDIDATE', task: 'two' },
          message: 'requires 2 of "db", for which only 1 candidate is possible',
          hint: expect.stringContaining('add another candidate'),
        },
        {
          ...{ code: 'PEXEN_NO_CANDIDATE', task: 'web' },
          message: 'requires "httpd", for which no candidate is possible (2 tasks require it)',
          hint: expect.stringContaining('add another candidate'),
        },
        {
          ...{ code: 'PEXEN_UNKNOWN_REQUIREMENT', task: 'typo' },
          message: 'requires "htpd", which no task provides',
          hint: 'Did you mean "httpd"?',
        },
      ].toSorted(
        (a, b) =>
          problems.findIndex(({ task }) => task === a.task) -
          problems.findIndex(({ task }) => task === b.task),
      ),
    );
    const [nginx = '', order = ''] = problems.find(({ task }) => task === 'web')?.details ?? [];
    expect(nginx).toMatch(
      /^nginx \(.*catalogue\.test\.ts:\d+:\d+\) requires "certificate", for which no candidate is possible$/,
    );
    expect(order).toMatch(/^ {2}order \(.*\) requires "authority", which no other task provides$/);
  });

  it('and only conditions speak against them, its tests do not apply', async () => {
    const trial = suite(
      [
        web,
        { name: 'after', requires: ['page'] },
        { name: 'page', requires: ['httpd'], provides: ['page'] },
        { name: 'quick' },
      ],
      [
        { name: 'nginx', provides: ['httpd'], when: 'no nginx' },
        { name: 'apache', provides: ['httpd'], requires: ['certificate'] },
        { name: 'order', provides: ['certificate'], when: false },
      ],
    );
    const { exitCode, verdicts } = await runSuite(trial.loaded);
    expect({ exitCode, verdicts, ran: trial.ran }).toEqual({
      ...{ exitCode: 0, verdicts: { skip: 3, pass: 1 }, ran: ['quick'] },
    });
    const { tasks } = await listSuite(trial.loaded);
    expect(tasks.find(({ path }) => path === 'web')?.reason).toBe(
      'requires "httpd": no candidate applies here (nginx: no nginx; apache requires "certificate", for which no candidate is possible (order does not apply here))',
    );
  });
});

describe('what a plan refuses', () => {
  it('is not taken, and reported as a warning', async () => {
    const trial = suite(
      [web, { name: 'taken' }],
      [
        { name: 'a', provides: ['httpd'], pool: 'large' },
        { name: 'b', provides: ['httpd'], timeout: -1 },
        {
          name: 'c',
          provides: ['httpd'],
          when: () => {
            throw new Error('no facts');
          },
        },
        { name: 'd', provides: ['httpd'], after: ['nothing'] },
        { name: 'taken', provides: ['httpd'], preference: 1 },
        { name: 'e', provides: ['httpd'] },
      ],
    );
    expect((await run(trial)).toSorted()).toEqual(['e', 'taken', 'web']);
    const warnings: Problem[] = [];
    await listSuite(trial.loaded, {}, (warning) => warnings.push(warning));
    expect(warnings.map(({ task, code }) => `${task} ${code}`)).toEqual([
      'b PEXEN_BAD_META',
      'c PEXEN_WHEN_THREW',
      'taken PEXEN_DUPLICATE_PATH',
      'a PEXEN_UNKNOWN_POOL',
      'd PEXEN_UNKNOWN_CAPABILITY',
    ]);
  });

  it('because of a service that the suite cannot use is not taken', async () => {
    const held = service({ name: 'held', provides: ['httpd'], preference: 1, claims: ['/site'] }, () => {});
    const free = service({ name: 'free', provides: ['httpd'] }, () => {});
    const trial = suite([{ ...web, claims: ['/site/a'] }], [], { catalogue: [held, free] });
    const warnings: Problem[] = [];
    await listSuite(trial.loaded, {}, (warning) => warnings.push(warning));
    expect(warnings).toEqual([]);
    expect(await explained(trial)).toEqual({
      '"httpd"': [
        'held refused: is refused: web: it needs the service "held", and both hold "/site/a"',
        'free chosen: is the only one that is possible',
      ],
    });
  });

  it('together is not taken together', async () => {
    // The teardown waits for `web`, since that needs what `pg` provides, which needs what is torn down.
    const trial = suite(
      [{ name: 'web', requires: ['db'], provides: ['page'] }],
      [
        { name: 'pg', provides: ['db'], requires: ['disk'] },
        { name: 'raid', provides: ['disk'] },
        { name: 'unmount', tearsDown: 'disk', before: ['page'] },
        { name: 'sqlite', provides: ['db'] },
      ],
    );
    expect(await run(trial)).toEqual(['sqlite', 'web']);
  });

  it('without any candidate is an error as without a catalogue', async () => {
    const cyclic: Named[] = [
      { name: 'x', requires: ['y'], provides: ['x'] },
      { name: 'y', requires: ['x'], provides: ['y'] },
    ];
    const problems = await problemsOf(suite([web, ...cyclic], [{ name: 'nginx', provides: ['httpd'] }]));
    expect(problems.map(({ code }) => code)).toEqual(['PEXEN_CYCLE']);
  });

  it('orders may name what only candidates provide', async () => {
    const tests: Named[] = [{ name: 'test', after: ['httpd'] }];
    expect(await run(suite(tests, [{ name: 'nginx', provides: ['httpd'] }]))).toEqual(['test']);
    expect(await problemsOf(suite(tests, [{ name: 'nginx', provides: ['other'] }]))).toMatchObject([
      { code: 'PEXEN_UNKNOWN_CAPABILITY' },
    ]);
  });
});

describe('shards', () => {
  const tests = Array.from(
    { length: 6 },
    (_, at): Named => ({ name: `t${at}`, requires: at < 4 ? ['httpd'] : ['account'] }),
  );
  const machine = (docker: boolean): Trial =>
    suite(tests, [
      { name: 'docker', provides: ['httpd'], preference: 1, when: docker },
      { name: 'nginx', provides: ['httpd'] },
      { name: 'account', provides: ['account'], rerunnable: false },
    ]);

  it('pull in what each needs, by its own facts, and divide the suite alike', async () => {
    const parts = await Promise.all(
      [true, false].map(async (docker, at) => {
        const trial = machine(docker);
        const shard = { index: at + 1, count: 2 };
        expect((await runSuite(trial.loaded, { shard })).exitCode).toBe(0);
        const list = await listSuite(trial.loaded, {}, () => {}, { shard });
        return {
          ran: trial.ran,
          owned: list.tasks.filter((each) => each.shard?.owner === at + 1).map(({ path }) => path),
        };
      }),
    );
    const owned = parts.flatMap((part) => part.owned);
    expect(owned.toSorted()).toEqual(tests.map(({ name }) => name));
    expect(parts.map(({ ran }) => ran.includes('account')).toSorted()).toEqual([false, true]);
    const providers = parts.map(({ ran }) =>
      ran.filter((name) => name === 'docker' || name === 'nginx').join(),
    );
    for (const [at, part] of parts.entries())
      expect(providers[at]).toBe(part.owned.some((name) => name < 't4') ? ['docker', 'nginx'][at] : '');
  });
});

describe('a run that is repeated', () => {
  /** Fails once; the facts can change in between. */
  function flaky(): { readonly trial: Trial; readonly facts: { docker: boolean; hasFailed: boolean } } {
    const facts = { docker: false, hasFailed: false };
    const trial = suite(
      [web, { name: 'other', requires: ['httpd'] }],
      [
        { name: 'docker', provides: ['httpd'], preference: 1, when: () => facts.docker },
        { name: 'nginx', provides: ['httpd'], when: () => !facts.hasFailed || 'nginx is gone' },
        { name: 'caddy', provides: ['httpd'], preference: -1 },
      ],
      { journal: true },
    );
    return { trial, facts };
  }

  it('keeps its candidates, also where a better one is possible now', async () => {
    const { trial, facts } = flaky();
    expect((await run(trial)).toSorted()).toEqual(['nginx', 'other', 'web']);
    facts.docker = true;
    const { decisions } = await previewSuite(trial.loaded, { kind: 'rerun', of: 'latest' });
    expect(decisions.map(({ path }) => path)).toEqual(['web', 'other', 'nginx']);
    expect((await run(trial)).toSorted()).toEqual(['docker', 'other', 'web']);
  });

  it('has another one where its own is not possible any more, and tests that used it run again', async () => {
    const { trial, facts } = flaky();
    await run(trial);
    facts.hasFailed = true;
    trial.ran.length = 0;
    await runSuite(trial.loaded, {
      repeats: { kind: 'rerun', of: 'latest', classes: ['failed', 'changed', 'not-run'] },
    });
    expect(trial.ran.toSorted()).toEqual(['caddy', 'other', 'web']);
  });
});
