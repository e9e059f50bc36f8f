/** A slow reader: output waits for it, in order, in bounded memory, and the run continues. */
import { spawn } from 'node:child_process';
import { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { Output } from '../src/output.ts';

/** A pipe whose reader reads only on request. */
class Stuck extends Writable {
  text = '';
  #take: (() => void) | undefined;
  isFree = false;

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    if (this.isFree) done();
    else this.#take = done;
  }

  letGo(): void {
    this.isFree = true;
    this.#take?.();
  }
}

test('everything arrives in order, and the stream buffers little', async () => {
  const stream = new Stuck();
  const output = new Output(stream);
  let expected = '';
  for (let line = 0; line < 40_000; line++) {
    const text = `${line} Übung 文件 ${'x'.repeat(line % 50)}\n`;
    expected += text;
    output.write(text);
  }
  expect(output.isBehind).toBe(true);
  expect(stream.writableLength).toBeLessThan(100_000);
  stream.letGo();
  await output.close();
  expect(stream.text === expected).toBe(true);
  expect(output.isBehind).toBe(false);
});

test('a reader that goes away while it is behind is not an error, and nothing waits for it', async () => {
  const stream = new Stuck();
  const output = new Output(stream);
  for (let line = 0; line < 40_000; line++) output.write(`${line}\n`);
  const closing = output.close();
  stream.destroy(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
  await expect(closing).resolves.toBeUndefined();
});

test('nothing waits for a stream that is closed without an error', async () => {
  const stream = new Stuck();
  const output = new Output(stream);
  for (let line = 0; line < 40_000; line++) output.write(`${line}\n`);
  const closing = output.close();
  stream.destroy();
  await expect(closing).resolves.toBeUndefined();
});

const source = new URL('../src/index.ts', import.meta.url).href;
const lines = 60_000;
const script = `
  const { lines, multi } = await import(${JSON.stringify(source)});
  const reporter = multi([lines({ color: false })], ({ error }) => { throw error; });
  reporter.event({ type: 'run-started', version: 1, atMs: 0, startedAt: 0, pools: [] });
  const facts = { type: 'task-finished', atMs: 1, status: 'returned', attempts: [], findings: [] };
  globalThis.gc();
  const before = process.memoryUsage.rss();
  for (let index = 0; index < ${lines}; index++) {
    const path = 'task-' + index + '-' + 'x'.repeat(1000);
    reporter.event({ ...facts, path, callPath: [path], flaky: false, slow: false, durationMs: 1 });
    if (index % 1000 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  globalThis.gc();
  process.stderr.write(JSON.stringify({ grown: process.memoryUsage.rss() - before }) + '\\n');
  await reporter.close();`;

test('a process whose output is not read continues, does not grow, and writes everything in the end', async () => {
  const argv = ['--expose-gc', '--conditions=@pexen/source', '--input-type=module', '-e', script];
  const child = spawn(process.execPath, argv, { cwd: fileURLToPath(new URL('..', import.meta.url)) });
  onTestFinished(() => void child.kill('SIGKILL'));
  const report = await new Promise<string>((resolve) =>
    child.stderr.once('data', (text) => resolve(`${text}`)),
  );
  expect(JSON.parse(report).grown).toBeLessThan(60_000_000);
  let bytes = 0;
  let found = 0;
  let rest = '';
  for await (const chunk of child.stdout.setEncoding('utf8')) {
    bytes += (chunk as string).length;
    const read = (rest + chunk).split('\n');
    rest = read.pop() ?? '';
    for (const line of read) if (line.includes(` task-${found}-`)) found++;
  }
  expect(found).toBe(lines);
  expect(bytes).toBeGreaterThan(60_000_000);
});
