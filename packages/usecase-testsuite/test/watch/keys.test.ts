/** Keys of a scripted terminal. */
import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { readKeys } from '../../src/watch/keys.ts';

/** A terminal: what it was set to, and what its keys caused. */
function terminal(mayType = true) {
  const log: string[] = [];
  const input = Object.assign(new PassThrough(), {
    setRawMode: (isRaw: boolean) => log.push(isRaw ? 'raw' : 'cooked'),
  });
  const stop = readKeys(input, {
    key: (key) => log.push(key.kind === 'filter' ? `filter ${JSON.stringify(key.query)}` : key.kind),
    interrupt: () => log.push('interrupt'),
    quit: () => log.push('quit'),
    suspend: () => log.push('suspend'),
    mayType: () => mayType,
    typing: (isTyping) => log.push(isTyping ? 'typing' : 'typed'),
    line: (text) => log.push(text === undefined ? 'line over' : `line ${JSON.stringify(text)}`),
  });
  const press = async (keys: string): Promise<string[]> => {
    log.length = 0;
    input.write(keys);
    await new Promise((resolve) => setImmediate(resolve));
    return [...log];
  };
  return { press, stop, log, input };
}

test('the terminal is raw until keys are no longer read', () => {
  const { log, stop, input } = terminal();
  expect(log).toEqual(['raw']);
  stop();
  expect(log).toEqual(['raw', 'cooked']);
  expect(input.isPaused()).toBe(true);
});

test.each([
  ['a', ['all']],
  ['f', ['failed']],
  ['\r', ['again']],
  ['q', ['interrupt']],
  ['\u0003', ['interrupt']],
  ['\u001c', ['quit']],
  ['\u001a', ['cooked', 'suspend', 'raw']],
  ['x', []],
  ['\u001b[A', []],
  ['\u0001', []],
  ['af', ['all', 'failed']],
])('%j', async (keys, expected) => {
  expect(await terminal().press(keys)).toEqual(expected);
});

test.each(['/', 'p'])('%s begins a query, and Enter ends it', async (key) => {
  const { press } = terminal();
  expect(await press(key)).toEqual(['typing', 'line ""']);
  expect(await press('afq')).toEqual(['line "a"', 'line "af"', 'line "afq"']);
  expect(await press('\u007f')).toEqual(['line "af"']);
  expect(await press('\u0015')).toEqual(['line ""']);
  expect(await press(' tag:ü ')).toHaveLength(7);
  expect(await press('\u001b[A')).toEqual([]);
  expect(await press('\r')).toEqual(['line over', 'filter "tag:ü"', 'typed']);
  expect(await press('a')).toEqual(['all']);
});

test('Escape leaves the query', async () => {
  const { press, log } = terminal();
  await press('/x');
  await press('\u001b');
  // Only silence distinguishes Escape from the beginning of a cursor key.
  await expect.poll(() => log).toEqual(['line over', 'typed']);
  expect(await press('f')).toEqual(['failed']);
});

test('Ctrl-C while a query is typed', async () => {
  const { press } = terminal();
  await press('/x');
  expect(await press('\u0003')).toEqual(['interrupt']);
});

test('no query during a run', async () => {
  expect(await terminal(false).press('/a')).toEqual(['all']);
});
