/** Which executables count as tests in a run without a configuration. */
import { Buffer } from 'node:buffer';
import { expect, test } from 'vitest';
import { classifyExecutable } from '../src/classify-executable.ts';

const shebang = Buffer.from('#!/bin/sh\n');
const elf = Buffer.from([0x7f, 0x45, 0x4c, 0x46]);

function guessed(path: string, head: Uint8Array = shebang, hasMeta = false): string {
  return classifyExecutable({ parts: path.split('/'), head, hasMeta });
}

test.each([
  'a.sh',
  'ping',
  'net/ping.py',
  'one',
  'test-build.sh',
  'deploy_test',
  'check-dns',
  'net.spec.sh',
  'tests/build.sh',
  't/run',
])('a test: %s', (path) => expect(guessed(path)).toBe('test'));

test.each([
  ...[
    'build.sh',
    'deploy',
    'install.sh',
    'docker-entrypoint.sh',
    'configure',
    'gradlew',
    'dropDatabase.sh',
    'start_server',
  ],
  ...['run-tests.sh', 'test-all.sh', 'runtests', 'cli.js', 'ci.sh'],
])('a tool: %s', (path) => expect(guessed(path)).toBe('tool'));

test.each(['scripts/x.sh', 'bin/x', 'dist/x.sh', 'vendor/a/b.sh', 'Tools/x'])('neither: %s', (path) =>
  expect(guessed(path)).toBe('neither'),
);

test('metadata makes a test of any script', () => {
  for (const path of ['build.sh', 'scripts/x.sh', 'run-tests.sh'])
    expect(guessed(path, shebang, true)).toBe('test');
});

test('a file that is neither script nor program is not a test, whatever its mode, name and place', () => {
  expect(guessed('tests/data.json', Buffer.from('{}'))).toBe('neither');
  expect(guessed('tests/readme', Buffer.alloc(0))).toBe('neither');
  expect(guessed('a.sh', Buffer.from('true\n'))).toBe('test');
});

test('native programs must look like tests; libraries are never tests', () => {
  expect(guessed('a.out', elf)).toBe('neither');
  expect(guessed('net_test', elf)).toBe('test');
  expect(guessed('build/tests/net', elf)).toBe('test');
  expect(guessed('tests/libnet.so.1', elf)).toBe('neither');
  expect(guessed('tests/addon.node', elf)).toBe('neither');
});
