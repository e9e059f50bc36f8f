/** When `terminal` chooses the live view, and when lines. */
import { describe, expect, test } from 'vitest';
import { terminal } from '../src/index.ts';
import { paintFor } from '../src/text/paint.ts';
import { Emulator } from './emulator.ts';
import { MemoryStream } from './memory-stream.ts';

type Env = Readonly<Record<string, string>>;

test.each<[string, boolean, Env]>([
  ['live', true, {}],
  ['live', true, { TERM: 'xterm-256color', CI: '' }],
  ['live', true, { CI: 'false' }],
  ['live', true, { CI: '0' }],
  ['lines', true, { CI: 'true' }],
  ['lines', true, { CI: '1' }],
  ['lines', true, { TERM: 'dumb' }],
  ['lines', false, {}],
])('%s where it is a terminal: %s, in %j', async (name, isTerminal, env) => {
  const stream = isTerminal ? new Emulator(80, 24) : new MemoryStream();
  const reporter = terminal({ stream, env });
  expect(reporter.name).toBe(name);
  await reporter.close();
});

test('a quiet run has no picture', () => {
  expect(terminal({ stream: new Emulator(80, 24), env: {}, verbosity: 'quiet' }).name).toBe('lines');
});

describe('colour', () => {
  const painted = (isTerminal: boolean, env: Env, color?: boolean): boolean => {
    const before = { ...process.env };
    for (const name of ['NO_COLOR', 'FORCE_COLOR', 'NODE_DISABLE_COLORS', 'CI', 'COLORTERM', 'TERM'])
      delete process.env[name];
    Object.assign(process.env, { TERM: 'xterm-256color' }, env);
    try {
      return paintFor(isTerminal ? new Emulator(80, 24) : new MemoryStream(), color)('red', 'x') !== 'x';
    } finally {
      process.env = before;
    }
  };

  test.each<[boolean, boolean, Env, boolean?]>([
    [true, true, {}],
    [false, false, {}],
    [false, true, { NO_COLOR: '1' }],
    [true, false, { FORCE_COLOR: '1' }],
    [false, true, {}, false],
    [true, false, {}, true],
    [true, false, { NO_COLOR: '1' }, true],
  ])('%s on a terminal: %s, in %j, asked for: %s', (expected, isTerminal, env, color) => {
    expect(painted(isTerminal, env, color)).toBe(expected);
  });
});
