/** The files of a suite on their way to a node, and what runs there of them. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isPexenError, type PlacedTask, type Runnable } from '@pexen/core';
import { run } from '@pexen/sched';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { ScriptedClock } from '#scripted-clock';
import { Bundle } from '../src/host/bundle.ts';
import { nats } from '../src/index.ts';
import { BundleReceiver, discardBundle } from '../src/node/bundles.ts';
import { startNode } from '../src/node.ts';
import type { PieceRequest } from '../src/protocol/bundle.ts';
import { testServer } from './support/agents.ts';

/** A folder with these files. A test may have made parts of it read-only. */
function folder(files: Readonly<Record<string, string>> = {}): string {
  const root = mkdtempSync(join(tmpdir(), 'pexen-bundle-'));
  onTestFinished(() => {
    execFileSync('chmod', ['-R', 'u+w', root]);
    rmSync(root, { recursive: true, force: true });
  });
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(root, dirname(name)), { recursive: true });
    writeFileSync(join(root, name), content);
  }
  return root;
}

/** Brings a bundle into a cache. `bytesOf` may answer otherwise than the bundle. */
async function received(
  cache: string,
  bundle: Bundle,
  {
    bytesOf = (piece: PieceRequest) => bundle.piece(piece),
    packages = cache,
    clock = new ScriptedClock(),
  } = {},
) {
  const asked: PieceRequest[] = [];
  const lines: string[] = [];
  const over = Promise.withResolvers<{ folder?: string; failure?: string }>();
  const receiver = new BundleReceiver(
    { session: 's', manifest: bundle.manifest },
    { cache, packages, clock, log: (line) => lines.push(line) },
    {
      want: async (pieces) => {
        expect(pieces.length).toBeLessThanOrEqual(16);
        for (const piece of pieces) {
          asked.push(piece);
          receiver.take(piece, await bytesOf(piece));
        }
      },
      ready: (at) => over.resolve({ folder: at }),
      failed: (failure) => over.resolve({ failure }),
    },
  );
  receiver.start();
  return { ...(await over.promise), asked, lines };
}

const large = 'x'.repeat(5 * 1024 ** 2 + 7);

describe('a bundle', () => {
  test('has what git knows and would add, else everything but packages', async () => {
    const root = folder({
      'a.ts': 'a',
      'sub/b.ts': 'b',
      'ignored.log': 'i',
      '.gitignore': '*.log',
      'node_modules/p/index.js': 'p',
    });
    const namesOf = async (files?: readonly string[]) =>
      (await Bundle.of(root, files === undefined ? {} : { files })).manifest.files.map(({ name }) => name);
    expect(await namesOf()).toEqual(['a.ts', 'ignored.log', 'sub/b.ts']);
    execFileSync('git', ['init', '-q'], { cwd: root });
    writeFileSync(join(root, '.gitignore'), '*.log\nnode_modules\n');
    expect(await namesOf()).toEqual(['.gitignore', 'a.ts', 'sub/b.ts']);
    expect(await namesOf(['sub/**', '*.log'])).toEqual(['ignored.log', 'sub/b.ts']);
    await expect(namesOf(['none/**'])).rejects.toThrow(/PEXEN_BUNDLE: there is no file to be brought along/);
  });

  test('has another digest for other content, another name and another mode', async () => {
    const root = folder({ 'a.ts': 'a' });
    const digest = async () => (await Bundle.of(root, { files: ['**'] })).manifest.digest;
    const digests = [await digest()];
    chmodSync(join(root, 'a.ts'), 0o755);
    digests.push(await digest());
    writeFileSync(join(root, 'a.ts'), 'b');
    digests.push(await digest());
    writeFileSync(join(root, 'b.ts'), '');
    digests.push(await digest());
    expect(new Set(digests).size).toBe(4);
  });

  test('arrives as it is, can only be read, and is there at once the next time', async () => {
    const root = folder({
      'a.ts': 'a',
      'sub/large.bin': large,
      empty: '',
      'run.sh': '#!/bin/sh\n',
      copy: 'a',
    });
    chmodSync(join(root, 'run.sh'), 0o755);
    const cache = folder();
    const bundle = await Bundle.of(root, { files: ['**'] });
    const first = await received(cache, bundle);
    const at = first.folder ?? '';
    for (const { name } of bundle.manifest.files)
      expect(readFileSync(join(at, name)).equals(readFileSync(join(root, name)))).toBe(true);
    const modeOf = (name: string): number => statSync(join(at, name)).mode & 0o777;
    expect([modeOf('a.ts'), modeOf('run.sh'), modeOf('sub')]).toEqual([0o444, 0o555, 0o555]);
    expect(first.asked.length).toBe(21 + 3); // The large file in pieces; three contents of one piece each.
    expect((await received(cache, bundle)).asked).toEqual([]);

    writeFileSync(join(root, 'a.ts'), 'other');
    const changed = await Bundle.of(root, { files: ['**'] });
    const second = await received(cache, changed);
    expect(second.asked.length).toBe(1);
    expect(second.folder).not.toBe(at);
    expect(readFileSync(join(second.folder ?? '', 'a.ts'), 'utf8')).toBe('other');
  });

  test('is refused where a file changes or goes while it is sent, and comes whole the next time', async () => {
    const root = folder({ 'a.ts': 'a', 'b.ts': large });
    const cache = folder();
    const bundle = await Bundle.of(root, { files: ['**'] });
    const other = (length: number) => async () => Buffer.alloc(length, 'y');
    const failureOf = async (bytesOf: (piece: PieceRequest) => Promise<Uint8Array | undefined>) =>
      (await received(cache, bundle, { bytesOf: bytesOf as never })).failure;
    expect(await failureOf(other(1))).toBe('a.ts has changed while it was sent');
    expect(await failureOf(other(2))).toBe('a.ts has changed while it was sent');
    expect(await failureOf(async () => undefined)).toBe('a.ts cannot be read any more');
    expect((await received(cache, bundle)).folder).toBeDefined();
    expect(readdirSync(join(cache, 'contents')).filter((name) => name.startsWith('new-'))).toEqual([]);
  });

  test('has the packages of the node, or those that a command installs', async () => {
    const root = folder({ 'package.json': '{}', 'sub/package.json': '{}' });
    const packages = folder({ 'node_modules/p/index.js': 'p', 'sub/node_modules/q/index.js': 'q' });
    const linked = await received(folder(), await Bundle.of(root, { files: ['**'] }), { packages });
    const read = (name: string) => readFileSync(join(linked.folder ?? '', name), 'utf8');
    expect([read('node_modules/p/index.js'), read('sub/node_modules/q/index.js')]).toEqual(['p', 'q']);

    const install = 'mkdir node_modules && echo installed > node_modules/note';
    const cache = folder();
    const installed = await received(cache, await Bundle.of(root, { files: ['**'], install }));
    expect(readFileSync(join(installed.folder ?? '', 'node_modules/note'), 'utf8')).toBe('installed\n');
    const failing = await Bundle.of(root, { files: ['**'], install: 'echo no network >&2; exit 7' });
    expect((await received(cache, failing)).failure).toBe(
      'echo no network >&2; exit 7 ended with 7: no network',
    );
    expect(readdirSync(join(cache, 'bundles'))).toHaveLength(1);
  });

  test('comes again where it was changed on the node', async () => {
    const root = folder({ 'a.ts': 'a', 'b.ts': 'b' });
    const cache = folder();
    const bundle = await Bundle.of(root, { files: ['**'] });
    const { folder: at = '' } = await received(cache, bundle);
    chmodSync(join(at, 'a.ts'), 0o644);
    writeFileSync(join(at, 'a.ts'), 'changed');
    await discardBundle(cache, bundle.manifest, ['node_modules/p/package.json']);
    expect(existsSync(at)).toBe(true);
    await discardBundle(cache, bundle.manifest, ['a.ts']);
    const again = await received(cache, bundle);
    expect([again.folder, again.asked.length]).toEqual([at, 1]);
    expect(readFileSync(join(at, 'a.ts'), 'utf8')).toBe('a');
  });

  test('is removed when it was not used for two weeks', async () => {
    const cache = folder();
    const clock = new ScriptedClock();
    const old = await received(cache, await Bundle.of(folder({ a: 'old' }), { files: ['**'] }), { clock });
    const contents = readdirSync(join(cache, 'contents'));
    const longAgo = clock.wallNow() / 1000 - 15 * 86_400;
    utimesSync(old.folder ?? '', longAgo, longAgo);
    const young = await received(cache, await Bundle.of(folder({ a: 'new' }), { files: ['**'] }), { clock });
    await expect.poll(() => existsSync(old.folder ?? '')).toBe(false);
    expect(existsSync(young.folder ?? '')).toBe(true);
    expect(contents).toHaveLength(1);
  });
});

const server = await testServer();
afterAll(async () => {
  if ('url' in server) await server.stop();
});

describe.skipIf('missing' in server)('a run with nodes that have no files', () => {
  const source = `
    import { readFileSync } from 'node:fs';
    import { task } from '@pexen/core';
    export const where = task({ name: 'where' }, () => ({
      file: import.meta.filename,
      cwd: process.cwd(),
      data: readFileSync(new URL('data.txt', import.meta.url), 'utf8'),
    }));
  `;

  /** A folder in which our packages are installed. */
  function project(files: Readonly<Record<string, string>>): string {
    const root = folder(files);
    mkdirSync(join(root, 'node_modules/@pexen'), { recursive: true });
    symlinkSync(join(import.meta.dirname, '../../core'), join(root, 'node_modules/@pexen/core'));
    return root;
  }

  async function node(pool: string, cache: string) {
    const servers = 'url' in server ? server.url : '';
    const root = project({});
    const agent = await startNode({ servers, pool, name: 'one', slots: 1, roots: [root], cache });
    onTestFinished(async () => {
      agent.stop();
      await agent.stopped;
    });
    return { servers, pool };
  }

  test('brings them along, runs there, and the next time asks for nothing', async () => {
    const suite = project({ 'package.json': '{}', 'tests/where.ts': source, 'tests/data.txt': 'brought' });
    const cache = folder();
    const at = await node('bundle', cache);
    const { where } = (await import(pathToFileURL(join(suite, 'tests/where.ts')).href)) as {
      where: Runnable;
    };
    const code = { root: suite, filesOf: () => undefined };
    for (let round = 0; round < 2; round++) {
      const values: unknown[] = [];
      for await (const result of run([{ under: [], task: where } as PlacedTask], {
        pool: nats({ ...at, bundle: { files: ['**'] } }),
        code,
      }))
        values.push(result.value ?? result.error);
      const [unpacked = ''] = readdirSync(join(cache, 'bundles'));
      const root = join(cache, 'bundles', unpacked);
      expect(values).toEqual([{ file: join(root, 'tests/where.ts'), cwd: root, data: 'brought' }]);
    }
  });

  test('ends if no node can have them', async () => {
    const suite = project({ 'package.json': '{}', 'tests/where.ts': source });
    const at = await node('bundle-fails', folder());
    const { where } = (await import(pathToFileURL(join(suite, 'tests/where.ts')).href)) as {
      where: Runnable;
    };
    const results = run([{ under: [], task: where }], {
      pool: nats({ ...at, bundle: { files: ['**'], install: 'exit 9' } }),
      code: { root: suite, filesOf: () => undefined },
      onWarning: () => {},
    });
    const error: unknown = await (async () => {
      for await (const _ of results);
    })().catch((thrown: unknown) => thrown);
    expect(isPexenError(error) && error.problems[0]).toMatchObject({
      code: 'PEXEN_BUNDLE',
      message: 'no node of the pool "bundle-fails" can be used: one has no bundle: exit 9 ended with 9: ',
    });
  });
});
