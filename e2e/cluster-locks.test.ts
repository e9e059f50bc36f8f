/** The packed packages: two runs share a lock over a server, each as the other end of the lab would. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { isWhole, seed } from '#sample';
import { published } from '../tidy/sources.ts';
import { Project } from './project.ts';

const isPlayed = isWhole || seed % 10 === 6;

test.skipIf(!isPlayed)('two runs take turns at a lock of the cluster', async ({ skip }) => {
  const project = await Project.of('cluster-locks');
  onTestFinished(() => project[Symbol.asyncDispose]());
  await project.install(...published().map((member) => member.manifest.name));
  const bin = join(project.dir, 'node_modules/.bin/pexen');
  const server = spawn(bin, ['nats', '--port', '0'], { cwd: project.dir, stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => void server.kill('SIGTERM'));
  const [printed] = (await Promise.race([
    once(server.stdout, 'data'),
    once(server.stderr, 'data').then(() => ['']),
  ])) as [Buffer];
  const [url] = /nats:\/\/\S+\d/.exec(String(printed)) ?? [];
  if (url === undefined) return skip('there is no nats-server to be had');
  const runs = await Promise.all(
    ['a', 'b'].map((name) => project.run('env', `NATS_URL=${url}`, `RUN=${name}`, bin, 'run')),
  );
  for (const { code, stdout, stderr } of runs) expect(code, stdout + stderr).toBe(0);
  expect(runs.map(({ stdout }) => stdout)).toEqual([
    expect.stringContaining('3 tasks: 3 passed'),
    expect.stringContaining('3 tasks: 3 passed'),
  ]);
  const lines = readFileSync(join(project.dir, 'ledger'), 'utf8').trimEnd().split('\n');
  expect(lines).toHaveLength(12);
  for (let at = 0; at < lines.length; at += 2) expect(lines[at + 1]).toBe(lines[at]?.replace('start', 'end'));
});
