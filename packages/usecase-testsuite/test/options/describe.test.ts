/** Values and origins as `pexen config` has them, for options and for tasks. */
import { amount, anyOf, key, type PlacedTask, type TaskMeta, task } from '@pexen/core';
import type { Factory } from '@pexen/factory';
import { inline, place } from '@pexen/sched';
import { describe, expect, it } from 'vitest';
import type { LoadedConfig } from '../../src/config/config.ts';
import type { SuiteConfig } from '../../src/config/define-suite.ts';
import { declaredOptions, Words } from '../../src/options/declarations.ts';
import { describeConfig, describeTasks } from '../../src/options/describe.ts';
import { OptionLayers, type OptionsGiven } from '../../src/options/layers.ts';

function factoryOf(...tasks: readonly PlacedTask[]): Factory {
  return {
    ...{ kind: 'list', describe: 'a list' },
    async *make({ under = [] }) {
      for (const { task: each } of tasks) yield place(under, each);
    },
  };
}

function suite(config: SuiteConfig, given?: OptionsGiven): LoadedConfig {
  const layers = new OptionLayers(config, given);
  return { config: layers.effective(), layers, root: '/suite', file: undefined };
}

const textsOf = (values: readonly { readonly name: string; readonly text: string }[]) =>
  Object.fromEntries(values.map(({ name, text }) => [name, text]));

describe('the options of a suite', () => {
  it('are all there, in the order of their declaration', async () => {
    const { options } = await describeConfig(suite({ from: {} }));
    expect(options.map(({ name }) => name)).toEqual(declaredOptions.map(([name]) => name));
  });

  it('are written as people read them', async () => {
    const config: SuiteConfig = {
      from: { a: factoryOf(), '': factoryOf() },
      pool: () => inline(),
      capacities: new Map<unknown, number>([['gpu', 2]]) as never,
      secrets: ['*_TOKEN', /ghp_\w+/],
      reporters: [
        'lines',
        ['junit', { file: 'x.xml' }],
        { update: () => {}, close: async () => {} } as never,
      ],
      timeout: Number.POSITIVE_INFINITY,
      grace: 1500,
      retries: { count: 2, delay: 5 },
    };
    const { options } = await describeConfig(suite(config));
    expect(textsOf(options)).toMatchObject({
      from: "a: a list, '': a list",
      pool: 'a function',
      capacities: 'gpu: 2',
      secrets: '*_TOKEN, /ghp_\\w+/',
      reporters: 'lines,junit=x.xml,a reporter',
      timeout: 'off',
      grace: '1500ms',
      retries: 'count: 2, delay: 5',
      factsTimeout: '10s',
    });
    const values = new Map(options.map(({ name, value }) => [name, value]));
    expect(values.get('retries')).toEqual({ count: 2, delay: 5 });
    expect(['pool', 'timeout', 'capacities', 'secrets', 'from'].map((name) => values.get(name))).toEqual(
      Array(5).fill(undefined),
    );
  });

  it('have texts that are read as the same values', () => {
    for (const [name, { text, default: value }] of declaredOptions)
      if (text?.write !== undefined && !(value instanceof Words))
        expect(text.read(text.write(value)), name).toEqual(value);
  });
});

describe('the metadata of a task', () => {
  const url = key<string>('url');
  const meta: TaskMeta = {
    name: 'ping',
    requires: [url, anyOf('a', 'b')],
    provides: ['a', url],
    uses: ['/db', amount('gpu', 2)],
    claims: ['/net'],
    timeout: 5_000,
    tags: ['x'],
  };
  const provider: TaskMeta = { name: 'start', provides: ['a', url] };
  const config: SuiteConfig = {
    from: {
      net: factoryOf(
        place(
          [],
          task(meta, () => {}),
        ),
        place(
          [],
          task(provider, () => {}),
        ),
      ),
    },
    capacities: { gpu: 2 },
    retries: 1,
    overrides: [{ match: '**', set: { slowAfter: 7, timeout: 9, tags: ['y'] } }],
    profiles: { ci: { idleTimeout: 4_000 }, 'a.b': { overrides: [{ match: 'net', set: { grace: 3 } }] } },
    pool: 'inline',
  };
  const entriesWith = async (given: OptionsGiven) => {
    const [found] = await describeTasks(suite(config, given), 'net/ping');
    return found?.entries ?? [];
  };

  it('is written with the names of what it names', async () => {
    expect(textsOf(await entriesWith({}))).toMatchObject({
      requires: 'key "url", any of "a", "b"',
      provides: '"a", key "url"',
      uses: '"/db", 2 of "gpu"',
      claims: '"/net"',
      tags: 'x, y',
    });
  });

  it('has the origin of each entry', async () => {
    const given = {
      profiles: ['ci', 'a.b'],
      command: [{ name: 'retries', value: 3, option: '--retries' }],
    } as const;
    const origins = Object.fromEntries(
      (await entriesWith(given)).map(({ name, origin }) => {
        const { location: _, ...rest } = origin;
        return [name, rest];
      }),
    );
    expect(origins).toMatchObject({
      timeout: { kind: 'task' },
      slowAfter: { kind: 'override', entry: 'overrides.0', isAdded: false },
      tags: { kind: 'override', entry: 'overrides.0', isAdded: true },
      idleTimeout: { kind: 'profile', profile: 'ci' },
      grace: { kind: 'override', entry: 'profiles.a.b.overrides.0', isAdded: false },
      retries: { kind: 'command', option: '--retries' },
      rerunnable: { kind: 'default' },
    });
  });

  it('is that of the selected tasks only, and not of those that they require', async () => {
    const needed = task({ name: 'db', provides: ['db'] }, () => {});
    const tasks = [
      place([], needed),
      place(
        [],
        task({ name: 'q', requires: ['db'] }, () => {}),
      ),
    ];
    const loaded = suite({ from: { '': factoryOf(...tasks) }, pool: 'inline' });
    expect((await describeTasks(loaded, 'q')).map(({ path }) => path)).toEqual(['q']);
    await expect(describeTasks(loaded, 'nothing')).rejects.toThrow('no task matches "nothing"');
  });
});
