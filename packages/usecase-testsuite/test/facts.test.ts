/** The facts about the environment that `when` gets. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { factsOf } from '../src/collect.ts';

const loaded = (facts?: object) => ({ config: { from: {}, ...facts }, root: '/', file: undefined });

afterEach(() => void vi.unstubAllEnvs());

describe('facts', () => {
  test('every suite has the platform, the architecture and whether this is a CI run', async () => {
    const { platform, arch } = process;
    vi.stubEnv('CI', '1');
    expect(await factsOf(loaded())).toEqual({ platform, arch, ci: true });
    vi.stubEnv('CI', 'false');
    expect(await factsOf(loaded())).toEqual({ platform, arch, ci: false });
  });

  test('those of the configuration take precedence, as a value or by a function', async () => {
    expect(await factsOf(loaded({ facts: { kernel: '6.12', arch: 'mips' } }))).toMatchObject({
      kernel: '6.12',
      arch: 'mips',
    });
    expect(await factsOf(loaded({ facts: async () => ({ kernel: '6.13' }) }))).toMatchObject({
      kernel: '6.13',
      arch: process.arch,
    });
  });
});
