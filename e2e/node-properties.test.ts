/** The packed packages on two nodes that have different disks: what tests ask for, what each node is set up with, and what there is once on each. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { isWhole, seed } from '#sample';
import { published } from '../tidy/sources.ts';
import { Project } from './project.ts';
import { type Running, startCommand } from './running.ts';

const isPlayed = isWhole || seed % 10 === 4;

test.skipIf(!isPlayed)('tests run where their nodes have what they ask for', async ({ skip }) => {
  const project = await Project.of('node-properties');
  onTestFinished(() => project[Symbol.asyncDispose]());
  await project.install(...published().map((member) => member.manifest.name));
  const { PATH, HOME } = process.env;
  const pexen = (own: NodeJS.ProcessEnv, ...words: string[]): Running => {
    const env = { PATH, HOME, NO_COLOR: '1', ...own };
    const running = startCommand(['node_modules/.bin/pexen', ...words], { cwd: project.dir, env });
    onTestFinished(async () => {
      running.child.kill('SIGTERM');
      await running.ended;
    });
    return running;
  };

  const served = await pexen({}, 'nats', '--port', '0')
    .says(/serves (nats:\/\/[^\s,]+)/)
    .catch((error: Error) => error);
  if (served instanceof Error) return skip(served.message);
  const [, NATS_URL = ''] = served;
  const agent = (name: string, ...labels: string[]): Running =>
    pexen(
      { NODE_OF_TEST: name },
      ...['node', '--servers', NATS_URL, '--pool', 'lab', '--slots', '2', '--name', name],
      ...['room=lab', ...labels].flatMap((label) => ['--label', label]),
    );
  const nodes = [agent('left', 'disk=ssd'), agent('right', 'disk=hdd', 'sizeGb=500')];
  await Promise.all(nodes.map((node) => node.says(/works for the pool/)));

  const { code, output } = await pexen({ NATS_URL }, 'run').ended;
  expect(code, output).toBe(0);
  const ledger = readFileSync(join(project.dir, 'ledger'), 'utf8').trimEnd().split('\n');
  for (const name of ['left', 'right']) {
    const lines = ledger.flatMap((line) =>
      line.startsWith(`${name} `) ? [line.slice(name.length + 1)] : [],
    );
    expect(lines[0]).toBe('prepares');
    // The disk of the node is in use by one test at a time.
    for (let at = 1; at < lines.length; at += 2)
      expect(lines[at + 1]).toBe(lines[at]?.replace('start', 'end'));
  }
  expect(ledger).toEqual(expect.arrayContaining(['left start fast', 'right start large', 'left start four']));
  expect(output).toMatch(/PASS .*disks\/prepares@left\n/);
  expect(output).toMatch(/PASS .*disks\/prepares@right\n/);
});
