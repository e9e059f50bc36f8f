/** The program at the other end of a launcher, spoken to as its host does. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { PassThrough } from 'node:stream';
import { expect, onTestFinished, test } from 'vitest';
import { encodeFrame, FrameReader } from '../src/codec.ts';
import { settingsOf } from '../src/options.ts';
import { programWorkOf } from '../src/serialized-work.ts';
import { shell } from './support/attempts.ts';

test('the greeting and the first attempt may come in one chunk', async () => {
  const agent = spawn(
    process.execPath,
    [...process.execArgv, new URL('../src/remote/agent.ts', import.meta.url).pathname],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  onTestFinished(() => void agent.kill('SIGKILL'));
  const heard = new PassThrough({ objectMode: true });
  const reader = new FrameReader(true);
  agent.stdout.on('data', (chunk: Buffer) => reader.push(chunk, (message) => heard.write(message)));
  const { workers: _, launcher: __, hosts: ___, ...settings } = settingsOf({ workers: 1 });
  agent.stdin.write(
    Buffer.concat([
      encodeFrame({ do: 'hello', settings, slot: 0, cwd: tmpdir(), recordsModules: false, marker: '' }),
      encodeFrame({ do: 'run', id: 0, work: programWorkOf(shell('exit 3')), graceMs: 1000, isHasty: false }),
    ]),
  );
  const messages: { readonly is: string }[] = [];
  for await (const message of heard) {
    messages.push(message as { readonly is: string });
    if (messages.at(-1)?.is === 'ended') break;
  }
  expect(messages.map(({ is }) => is)).toEqual(['ready', 'started', 'ended']);
  expect(messages.at(-1)).toMatchObject({ outcome: { kind: 'returned', value: { exitCode: 3 } } });
  agent.stdin.end();
  await once(agent, 'exit');
});
