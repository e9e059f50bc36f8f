/** The guide shows what the command prints, and the trace that it sends. */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { type Attributes, Collector, type ReceivedSpan } from './support/collector.ts';

const packages = fileURLToPath(new URL('../..', import.meta.url));
const guide = readFileSync(new URL('../../../docs/opentelemetry.md', import.meta.url), 'utf8');

const shown = [
  ...['cicd.pipeline.result', 'test.suite.run.status', 'test.case.result.status', 'pexen.attempt'],
  ...['pexen.verdict', 'error.type', 'exception.message', 'pexen.finding.name', 'pexen.finding.status'],
  ...['pexen.link', 'pexen.tests.flaky', 'pexen.tests.warn', 'pexen.tests.fail', 'pexen.tests.skip'],
];
const column = 26;

function line(prefix: string, name: string, attributes: Attributes): string {
  const pairs = shown.filter((key) => key in attributes).map((key) => `${key}=${attributes[key]}`);
  return `${`${prefix}${name}`.padEnd(column)}  ${pairs.join(' ')}`;
}

function treeOf(spans: readonly ReceivedSpan[]): string {
  const root = spans.find(({ name }) => name.startsWith('RUN '));
  const rest = spans.filter((span) => span !== root).sort((a, b) => a.fromMs - b.fromMs);
  return [
    line('', root?.name ?? '', root?.attributes ?? {}),
    ...rest.flatMap(({ name, attributes, events, links }, at) => [
      line(at === rest.length - 1 ? '└ ' : '├ ', name, attributes),
      ...events.map((event) => line('│   ', event.name, event.attributes)),
      ...links.map((link) => line('│   ', 'link', link.attributes)),
    ]),
  ].join('\n');
}

test('the output in the guide is real', { timeout: 120_000 }, async () => {
  await using collector = await Collector.open();
  const parent = mkdtempSync(join(tmpdir(), 'pexen-otel-'));
  onTestFinished(() => rmSync(parent, { recursive: true, force: true }));
  const folder = join(parent, 'shop');
  const [, name = '', code = ''] = /```ts no-run\n\/\/ (\S+)\n([\s\S]*?)```/.exec(guide) ?? [];
  const [, command = '', output = ''] = /```console\n\$ pexen (.*)\n…\n([\s\S]*?)```/.exec(guide) ?? [];
  const [, tree = ''] = /```text\n(RUN shop[\s\S]*?)\n```/.exec(guide) ?? [];
  mkdirSync(join(folder, dirname(name)), { recursive: true });
  mkdirSync(join(folder, 'node_modules/@pexen'), { recursive: true });
  writeFileSync(join(folder, name), code);
  symlinkSync(join(packages, 'otel'), join(folder, 'node_modules/@pexen/otel'));
  symlinkSync(join(packages, '../apps/pexen'), join(folder, 'node_modules/pexen'));

  const cli = join(packages, '../apps/pexen/src/cli.ts');
  const child = spawn(process.execPath, ['--conditions=@pexen/source', cli, ...command.split(' ')], {
    cwd: folder,
    env: { ...process.env, TRACEPARENT: '', OTEL_EXPORTER_OTLP_ENDPOINT: collector.url },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let text = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  const exitCode = await new Promise((resolve) => child.on('close', resolve));
  const comparable = (printed: string) =>
    printed.replaceAll(/[\da-f]{32}/g, 'TRACE').replaceAll(/http:\/\/[^/]+/g, 'COLLECTOR');
  expect([exitCode, comparable(text)]).toEqual([1, comparable(output)]);
  expect(treeOf(collector.spans)).toBe(tree);
});
