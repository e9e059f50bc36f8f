/** `--ui`: the page of a run, of a watched suite and of past runs, as a browser asks for it. */

import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { optionalModule } from '../src/optional-package.ts';
import { folder, pexen, start, startWith } from './command.ts';

/** A test that waits for a file, and one that fails. */
const suite = {
  'tests/a.task.ts': `
    import { existsSync } from 'node:fs';
    import { task } from 'pexen';
    export const waits = task({ name: 'waits' }, async () => {
      console.log('token ' + process.env.MY_TOKEN);
      while (!existsSync('go')) await new Promise((resolve) => setTimeout(resolve, 20));
    });
    export const fails = task({ name: 'fails' }, () => { throw new Error('no such thing'); });`,
};

interface Asked {
  readonly url: string;
  get(path: string): Promise<Response>;
  post(body: object): Promise<number>;
}

type Command = ReturnType<typeof start>;

async function pageOf(command: Command): Promise<Asked> {
  const { stderr } = await command.until((printed) => /^Page: .*\n/m.test(printed.stderr));
  const [, url = '', token = ''] = /^Page: (\S+#token=(\S+))$/m.exec(stderr) ?? [];
  const authorization = `Bearer ${token}`;
  return {
    url,
    get: (path) => fetch(new URL(path, url), { headers: { authorization } }),
    post: async (body) => {
      const headers = { authorization, 'content-type': 'application/json' };
      const response = await fetch(new URL('api/control', url), {
        method: 'POST',
        headers,
        body: JSON.stringify(body),
      });
      return response.status;
    },
  };
}

interface Document {
  readonly control?: readonly string[];
  readonly snapshot: {
    readonly run: { readonly id: string; readonly hasEnded: boolean };
    readonly counts: { readonly done: number; readonly running: number };
  };
  readonly tasks: readonly { readonly facts: { readonly path: string }; readonly state: string }[];
}

async function until(page: Asked, isMet: (document: Document) => boolean): Promise<Document> {
  for (;;) {
    const document = (await (await page.get('api/document')).json()) as Document;
    if (isMet(document)) return document;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const atEnd = (act: () => Promise<void>): void => onTestFinished(act);

test('a run is shown while it goes on, its page may only look, and its end waits for none', async () => {
  const dir = await folder(suite, atEnd);
  const command = startWith(
    { MY_TOKEN: 'abcdefgh' },
    dir,
    'run',
    '--ui',
    '--set',
    'secrets=MY_TOKEN',
    '--reporter',
    'lines',
  );
  const page = await pageOf(command);
  expect(new URL(page.url).hostname).toBe('127.0.0.1');
  const { snapshot } = await until(
    page,
    ({ snapshot: { counts } }) => counts.done === 1 && counts.running === 1,
  );
  expect(snapshot.run.hasEnded).toBe(false);
  const messages = await page.get('api/messages');
  await expect
    .poll(async () => (await page.get('api/output?path=tests/a/waits&attempt=1&stream=stdout')).json())
    .toMatchObject({ text: 'token ***\n', isOpen: true });
  expect(await (await page.get('api/task?path=tests/a/waits')).json()).toMatchObject({
    whyLines: [expect.stringMatching(/^"tests\/a\/waits" is running: attempt 1 on /)],
  });
  expect(await (await page.get('api/task?path=tests/a/fails')).json()).toMatchObject({
    frames: [{ file: 'tests/a.task.ts', line: 8, what: 'thrown here' }],
  });
  expect(await page.post({ kind: 'stop', how: 'cancel' })).toBe(403);
  await writeFile(join(dir, 'go'), '');
  const { exitCode, stderr } = await command.ended;
  expect(exitCode).toBe(1);
  expect(stderr.match(/^Page: /gm)).toHaveLength(1);
  const all = await messages.text();
  expect(all).toContain('"hasEnded":true');
  expect(all).toMatch(/event: closed\ndata: {"exitCode":1}\n\n$/);
  expect(all).not.toContain('abcdefgh');
  await expect(fetch(page.url)).rejects.toThrow();
});

test('with --ui-control a page may stop the run', async () => {
  const dir = await folder(suite, atEnd);
  const command = start(dir, 'run', '--ui-control', '--reporter', 'lines');
  const page = await pageOf(command);
  const { control } = await until(page, ({ snapshot: { counts } }) => counts.running === 1);
  expect(control).toEqual(['stop']);
  expect(await page.post({ kind: 'stop', how: 'drain' })).toBe(204);
  await command.sees('Stopped from the page: waiting for what runs.');
  await writeFile(join(dir, 'go'), '');
  expect((await command.ended).exitCode).toBe(75);
});

test('a watched suite has one page for all its rounds, which may start further ones', async () => {
  const dir = await folder({ ...suite, go: '' }, atEnd);
  const command = start(dir, 'run', '--watch', '--ui-control', '--reporter', 'lines');
  onTestFinished(async () => {
    command.kill('SIGKILL');
    await command.ended;
  });
  const page = await pageOf(command);
  const first = await until(page, ({ snapshot: { run } }) => run.hasEnded);
  expect(first.control).toEqual(['stop', 'rerun', 'watch']);
  expect(first.tasks).toHaveLength(2);
  await command.sees('Waiting for changes.');
  expect(await page.post({ kind: 'rerun', paths: ['tests/a/waits'] })).toBe(204);
  const second = await until(
    page,
    ({ snapshot: { run } }) => run.hasEnded && run.id !== first.snapshot.run.id,
  );
  expect(second.tasks.map(({ facts }) => facts.path)).toEqual(['tests/a/waits']);
  await command.until((printed) => printed.stdout.split('Waiting for changes.').length > 2);
  command.kill('SIGINT');
  expect((await command.ended).exitCode).toBe(0);
});

test('past runs are shown until the command is ended', async () => {
  const dir = await folder({ ...suite, go: '' }, atEnd);
  await pexen(dir, 'run', '--reporter', 'lines');
  const command = start(dir, 'report', '--ui');
  const page = await pageOf(command);
  const { tasks } = await until(page, ({ snapshot: { run } }) => run.hasEnded);
  expect(tasks.map(({ facts, state }) => [facts.path, state]).sort()).toEqual([
    ['tests/a/fails', 'done'],
    ['tests/a/waits', 'done'],
  ]);
  expect(await (await page.get('api/task?path=tests/a/waits')).json()).toMatchObject({
    whyLines: [expect.stringMatching(/^"tests\/a\/waits" returned/)],
  });
  expect(await (await page.get('api/runs')).json()).toMatchObject([{ exitCode: 1, isWhole: true }]);
  await command.sees('Enter or Ctrl-C ends it.');
  command.kill('SIGINT');
  const { exitCode, stdout } = await command.ended;
  expect([exitCode, stdout]).toEqual([1, '']);
});

test('what cannot be served is refused before anything runs', async () => {
  const dir = await folder(suite, atEnd);
  const other = createServer().listen(0, '127.0.0.1');
  onTestFinished(async () => void other.close());
  await once(other, 'listening');
  const { port } = other.address() as { port: number };
  const taken = await pexen(dir, 'run', `--ui=${port}`);
  expect([taken.exitCode, taken.stdout]).toEqual([2, '']);
  expect(taken.stderr).toContain(`the page cannot be served at 127.0.0.1, port ${port}`);
  const shared = await pexen(dir, 'run', '--ui-control', '--ui-host', '0.0.0.0');
  expect([shared.exitCode, shared.stdout]).toEqual([2, '']);
  expect(shared.stderr).toContain(
    '--ui-control lets a page run tests, and other machines reach it at 0.0.0.0',
  );
  const wrong = await pexen(dir, 'run', '--ui=70000');
  expect(wrong.exitCode).toBe(2);
  expect(wrong.stderr).toContain('"70000" is not true, false or a port from 1 to 65535.');
});

test('a package that is not installed is named, with the command that installs it', async () => {
  const missing = optionalModule('@pexen/none', 'server', '--ui');
  await expect(missing).rejects.toMatchObject({
    problems: [
      {
        code: 'PEXEN_NOT_INSTALLED',
        message: '--ui needs the package @pexen/none, which is not installed',
        hint: 'Install it: npm install --save-dev @pexen/none',
      },
    ],
  });
});
