/** The packed packages on two machines: the scheduler and the server in one network namespace, two nodes in another, and the cable between them is pulled out for a while. */
import { once } from 'node:events';
import { existsSync, readFileSync, watch, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { isWhole, seed } from '#sample';
import { published } from '../tidy/sources.ts';
import { Namespaces } from './namespaces.ts';
import { Project } from './project.ts';
import type { Running } from './running.ts';

const isPlayed = isWhole || seed % 10 === 5;

/** Prints the path of nats-server, or fails with the reason why there is none. */
const findServer = `import('@pexen/pool-nats/node').then(async ({ findServer }) => console.log((await findServer()).file))`;

/** Connects to the server; prints how that ended. */
const connect = (host: string): string =>
  `const socket = require('node:net').connect(4222, '${host}');
   const say = (what) => { console.log(what); process.exit(); };
   socket.once('connect', () => say('connected')).once('error', () => {}).setTimeout(1500, () => say('no answer'));`;

/** What bodies have noted, in its true order. */
function ledgerIn({ dir }: Project): readonly string[] {
  const file = join(dir, 'ledger');
  return existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n') : [];
}

async function ledgerHas(project: Project, ...lines: readonly string[]): Promise<void> {
  const signal = AbortSignal.timeout(60_000);
  const changes = watch(project.dir);
  try {
    while (!lines.every((line) => ledgerIn(project).includes(line)))
      await once(changes, 'change', { signal });
  } finally {
    changes.close();
  }
}

test.skipIf(!isPlayed)(
  'a cable that is out for a while loses nothing, and repeats nothing',
  async ({ skip }) => {
    const project = await Project.of('namespaces');
    onTestFinished(() => project[Symbol.asyncDispose]());
    const net = Namespaces.open();
    if (typeof net === 'string') return skip(net);
    onTestFinished(() => net[Symbol.asyncDispose]());
    await project.install(...published().map((member) => member.manifest.name));
    const server = await project.run('node', '--eval', findServer);
    if (server.code !== 0) return skip(server.stderr);

    const hub = net.addressOf('hub');
    const env = {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      NATS_URL: `nats://${hub}:4222`,
      NO_COLOR: '1',
    };
    const pexen = (end: 'hub' | 'site', ...args: string[]): Running =>
      net.start(end, project.dir, env, 'node_modules/.bin/pexen', ...args);
    const reaches = async (): Promise<string> =>
      (await net.start('site', project.dir, env, 'node', '--eval', connect(hub)).ended).output.trim();

    await net.start('hub', project.dir, env, server.stdout.trim(), '-a', hub).says(/Server is ready/);
    const nodes = ['left', 'right'].map((name) =>
      pexen(
        'site',
        ...['node', '--servers', env.NATS_URL, '--insecure', '--pool', 'lab', '--slots', '1', '--name', name],
      ),
    );
    await Promise.all(nodes.map((node) => node.says(/works for the pool/)));
    expect(await reaches()).toBe('connected');
    const running = pexen('hub', 'run', '--reporter', 'terminal', '--reporter', 'ctrf=report.json');

    await ledgerHas(project, 'start east', 'start west');
    net.setLink('down');
    writeFileSync(join(project.dir, 'is-cut'), '');
    await ledgerHas(project, 'end east', 'end west');
    expect(await reaches()).toBe('no answer');
    // The scheduler has not heard that they have ended.
    expect(ledgerIn(project)).not.toContainEqual(expect.stringMatching(/^start (?:one|two|three)$/));
    net.setLink('up');

    const { code, output } = await running.ended;
    expect(code, output).toBe(0);
    expect(output).toMatch(/6 tasks: 6 passed/);
    const ledger = ledgerIn(project);
    const names = ['build', 'east', 'west', 'one', 'two', 'three'];
    expect(ledger.toSorted()).toEqual(names.flatMap((name) => [`end ${name}`, `start ${name}`]).toSorted());
    expect(ledger.slice(0, 2)).toEqual(['start build', 'end build']);
    const ofTable = ledger.slice(-6).map((line) => line.split(' '));
    expect(ofTable.map(([what]) => what)).toEqual(['start', 'end', 'start', 'end', 'start', 'end']);
    for (const at of [0, 2, 4]) expect(ofTable[at]?.[1]).toBe(ofTable[at + 1]?.[1]);
    const report = JSON.parse(readFileSync(join(project.dir, 'report.json'), 'utf8'));
    const places = report.results.tests.map(({ name, threadId }: { name: string; threadId: string }) => [
      name,
      threadId?.split('/')[0],
    ]);
    expect(new Set(places.map(([, node]: string[]) => node))).toEqual(new Set(['left', 'right']));
  },
);
