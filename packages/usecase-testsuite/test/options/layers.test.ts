/** Which value of an option is in effect, and where it comes from. */
import { describe, expect, it } from 'vitest';
import type { SuiteConfig, SuiteProfile } from '../../src/config/define-suite.ts';
import { type OptionName, suiteOptions, variableOf } from '../../src/options/declarations.ts';
import { OptionLayers, type OptionsGiven, readAssignment } from '../../src/options/layers.ts';

const from: SuiteConfig['from'] = {};

function inEffect(config: Omit<SuiteConfig, 'from'>, given: OptionsGiven, name: OptionName): unknown {
  const found = new OptionLayers({ from, ...config }, given)
    .resolved()
    .find((option) => option.name === name);
  return [found?.value, found?.origin];
}

function complaintsOf(config: Omit<SuiteConfig, 'from'>, given: OptionsGiven): string[] {
  try {
    new OptionLayers({ from, ...config }, given);
    return [];
  } catch (error) {
    const { problems } = error as { readonly problems: readonly { message: string; hint?: string }[] };
    return problems.map(({ message, hint }) => (hint === undefined ? message : `${message} → ${hint}`));
  }
}

const command = (name: OptionName, value: unknown, option = `--${name}`) => ({ name, value, option });

describe('the value that is in effect', () => {
  const profiles = { ci: { retries: 1, bail: 3 }, slow: { retries: 2 } };

  it('is that of the command, then the environment, the last profile, the first, the configuration, the default', () => {
    const config = { retries: 9, profiles };
    const env = { PEXEN_RETRIES: '4' };
    const chosen = ['ci', 'slow'];
    expect(inEffect(config, { command: [command('retries', 5)], env, profiles: chosen }, 'retries')).toEqual([
      5,
      { kind: 'command', option: '--retries' },
    ]);
    expect(inEffect(config, { env, profiles: chosen }, 'retries')).toEqual([
      4,
      { kind: 'environment', variable: 'PEXEN_RETRIES' },
    ]);
    expect(inEffect(config, { profiles: chosen }, 'retries')).toEqual([
      2,
      { kind: 'profile', profile: 'slow' },
    ]);
    expect(inEffect(config, { profiles: ['slow', 'ci'] }, 'retries')).toEqual([
      1,
      { kind: 'profile', profile: 'ci' },
    ]);
    expect(inEffect(config, { profiles: chosen }, 'bail')).toEqual([3, { kind: 'profile', profile: 'ci' }]);
    expect(inEffect(config, {}, 'retries')).toEqual([9, { kind: 'configuration' }]);
    expect(inEffect({ profiles }, {}, 'retries')).toEqual([0, { kind: 'default' }]);
  });

  it('is, for every option and every set of layers, that of the first layer that has one', () => {
    const marks = ['command', 'environment', 'second profile', 'first profile', 'configuration'] as const;
    for (const [name, { text }] of Object.entries(suiteOptions) as [
      OptionName,
      (typeof suiteOptions)['from'],
    ][]) {
      if (name === 'profiles' || name === 'overrides' || name === 'from') continue;
      for (let bits = 0; bits < 1 << marks.length; bits++) {
        const has = (mark: (typeof marks)[number]) => (bits & (1 << marks.indexOf(mark))) !== 0;
        if (has('environment') && text === undefined) continue;
        const written = sampleOf(text?.forms ?? '');
        const layers = new OptionLayers(
          {
            from,
            ...(has('configuration') && { [name]: 'configuration' }),
            profiles: {
              a: (has('first profile') ? { [name]: 'first profile' } : {}) as SuiteProfile,
              b: (has('second profile') ? { [name]: 'second profile' } : {}) as SuiteProfile,
            },
          },
          {
            ...(has('command') && { command: [command(name, 'command')] }),
            env: has('environment') ? { [variableOf(name)]: written } : {},
            profiles: ['a', 'b'],
            directory: '/here',
          },
        );
        const option = layers.resolved().find((each) => each.name === name);
        const expected = marks.find(has);
        const { origin } = option ?? {};
        const found =
          origin?.kind === 'profile'
            ? { a: 'first profile', b: 'second profile' }[origin.profile]
            : origin?.kind === 'default'
              ? undefined
              : origin?.kind;
        expect(found, `${name}, layers ${bits.toString(2)}`).toBe(expected);
        if (expected !== undefined && expected !== 'environment') expect(option?.value).toBe(expected);
        expect((layers.effective() as unknown as Record<string, unknown>)[name] !== undefined).toBe(
          expected !== undefined,
        );
        const isStrong = expected === 'command' || expected === 'environment';
        expect((layers.strong() as Record<string, unknown>)[name] !== undefined).toBe(isStrong);
      }
    }
  });

  it('has the overrides of all profiles before those of the configuration', () => {
    const set = { timeout: 1 };
    const layers = new OptionLayers(
      {
        from,
        overrides: [{ match: 'c', set }],
        profiles: { a: { overrides: [{ match: 'a', set }] }, b: { overrides: [{ match: 'b', set }] } },
      },
      { profiles: ['a', 'b'] },
    );
    expect(layers.effective().overrides?.map(({ match }) => match)).toEqual(['b', 'a', 'c']);
    expect(layers.overrides().map(({ origin, index }) => [origin.kind, index])).toEqual([
      ['profile', 0],
      ['profile', 0],
      ['configuration', 0],
    ]);
  });
});

/** A text of this form. */
function sampleOf(forms: string): string {
  if (forms.startsWith('true')) return 'true';
  if (forms.includes('IP address')) return '127.0.0.1';
  if (forms.startsWith('terminal')) return 'lines';
  if (forms.includes(' or ') && !forms.includes('number') && !forms.includes('seed'))
    return forms.split(/, | or /)[0] as string;
  return '1';
}

describe('texts', () => {
  it('in the environment are read by the form of their option', () => {
    const env = {
      PEXEN_TIMEOUT: '20s',
      PEXEN_IDLE_TIMEOUT: 'off',
      PEXEN_FAIL_ON_FLAKY: 'true',
      PEXEN_STATE_DIR: 'state',
      PEXEN_DIGEST_ENV: 'A, B',
      PEXEN_SHUFFLE: 'true',
      PEXEN_LABEL: '',
      PEXEN_REPORTERS: 'lines,junit=/tmp/x.xml',
    };
    expect(new OptionLayers({ from }, { env, directory: '/work/deep' }).strong()).toEqual({
      timeout: 20_000,
      idleTimeout: Number.POSITIVE_INFINITY,
      failOnFlaky: true,
      stateDir: '/work/deep/state',
      digestEnv: ['A', 'B'],
      shuffle: true,
      reporters: ['lines', ['junit', { file: '/tmp/x.xml' }]],
    });
  });

  it('that are wrong are refused together, with the profiles that do not exist', () => {
    const env = {
      PEXEN_RETRIES: 'many',
      PEXEN_TIMEOUT: '0',
      PEXEN_POOL: 'cloud',
      PEXEN_REPORTERS: 'lnes',
      PEXEN_PROFILE: 'cii, x',
    };
    expect(complaintsOf({ profiles: { ci: {} } }, { env })).toEqual([
      'PEXEN_POOL: "cloud" is not processes, threads or inline',
      'PEXEN_TIMEOUT: "0" is not a duration such as 100ms, 20s, 5m or 2h, or a number of milliseconds, above 0, or off',
      'PEXEN_RETRIES: "many" is not a whole number, 0 or more',
      'PEXEN_REPORTERS: there is no reporter "lnes" → Did you mean "lines"?',
      'PEXEN_PROFILE: there is no profile "cii" → Did you mean "ci"?',
      'PEXEN_PROFILE: there is no profile "x" → There are: ci.',
    ]);
    expect(complaintsOf({}, { profiles: ['ci'] })).toEqual([
      '--profile: there is no profile "ci" → The configuration has no profiles.',
    ]);
    expect(complaintsOf({ profiles: { ci: {} } }, { profiles: ['constructor'] })).toHaveLength(1);
  });

  it('are looked for in variables of nearly the same names, which are warned of', () => {
    const env = {
      ...{ PEXEN_RETRYS: '2', PEXEN_PROFILES: 'ci', PEXEN_TIMEOUTS: '' },
      ...{ PEXEN_REPORT: 'x', PEXEN_TIMEOUT_MS: '1', PEXEN_SLOT: '0', PEXEN_TASK: 'a', OTHER: 'y' },
    };
    const { warnings } = new OptionLayers({ from }, { env });
    expect(warnings.map(({ message, hint }) => `${message} → ${hint}`)).toEqual([
      'the variable PEXEN_RETRYS states no option → Did you mean "PEXEN_RETRIES"?',
      'the variable PEXEN_PROFILES states no option → Did you mean "PEXEN_PROFILE"?',
    ]);
  });

  it('of --set are read likewise', () => {
    expect(readAssignment('slowAfter=2m', '/')).toEqual({
      ...{ name: 'slowAfter', value: 120_000, option: '--set slowAfter' },
    });
    expect(readAssignment('rebootCommand=a=b', '/')).toMatchObject({ value: 'a=b' });
    expect(() => readAssignment('retries', '/')).toThrow('--set: "retries" has no "="');
    expect(() => readAssignment('retrys=1', '/')).toThrow('Did you mean "retries"?');
    expect(() => readAssignment('__proto__=1', '/')).toThrow('there is no option "__proto__"');
    expect(() => readAssignment('facts=1', '/')).toThrow('facts cannot be written as text');
    expect(() => readAssignment('bail=0', '/')).toThrow('--set bail: "0" is not a whole number, 1 or more');
  });
});
