/** The command sends its runs: what programs, processes and threads see of their spans, and how sessions are linked. Real processes, one collector. */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Collector } from './support/collector.ts';

const cli = fileURLToPath(new URL('../../../apps/pexen/src/cli.ts', import.meta.url));
const own = fileURLToPath(new URL('..', import.meta.url));
const above = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7' };

const files = {
  'package.json': '{ "type": "module" }',
  'pexen.config.ts': `import { defineSuite, executables, modules, processes, threads } from 'pexen';
export default defineSuite({
  from: { sys: executables({ dir: 'sys' }), api: modules({ dir: 'api' }) },
  pool: () => processes({ workers: 2 }),
  pools: { thread: () => threads({ workers: 1 }) },
});`,
  'sys/program.sh': '#!/bin/sh\necho "seen: $TRACEPARENT $TRACESTATE"\n',
  'api/bodies.task.ts': `import { existsSync } from 'node:fs';
import { task } from 'pexen';
const seen = ({ trace, report }) => report({ name: 'seen', status: 'info', message: JSON.stringify(trace) });
export const process = task({}, seen);
export const thread = task({ pool: 'thread' }, seen);
export const retried = task({ retries: 1 }, (context) => {
  seen(context);
  if (context.attempt === 1) throw new Error('not yet');
});
export const fixed = task({}, () => {
  if (!existsSync('fixed')) throw new Error('not fixed');
});`,
};

describe('pexen run --reporter otel', { timeout: 200_000 }, () => {
  let folder: string;
  let collector: Collector;

  beforeAll(async () => {
    collector = await Collector.open();
    folder = mkdtempSync(join(tmpdir(), 'pexen-otel-'));
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(join(folder, name, '..'), { recursive: true });
      writeFileSync(join(folder, name), text, { mode: name.endsWith('.sh') ? 0o755 : 0o644 });
    }
    mkdirSync(join(folder, 'node_modules/@pexen'), { recursive: true });
    symlinkSync(join(own, '../../apps/pexen'), join(folder, 'node_modules/pexen'));
  });
  beforeEach(() => {
    collector.spans.length = 0;
  });
  afterAll(async () => {
    await collector[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  /** The collector is in this process, which must go on meanwhile. */
  const pexen = async (env: Readonly<Record<string, string>>, ...args: readonly string[]) => {
    const child = spawn(process.execPath, ['--conditions=@pexen/source', cli, ...args], {
      cwd: folder,
      // Package managers let their tools find more than a suite has.
      env: { ...process.env, NODE_PATH: '', OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let text = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
    const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
    return { code, text };
  };
  const only = (name: string) => {
    const [span, ...others] = collector.named(name);
    expect([span === undefined, others.length], `spans of ${name}`).toEqual([false, 0]);
    return span as NonNullable<typeof span>;
  };
  const seenBy = (name: string): readonly string[] =>
    collector.named(name).map(({ events }) => {
      const { attributes } =
        events.find(({ attributes }) => attributes['pexen.finding.name'] === 'seen') ?? {};
      return String(attributes?.['pexen.finding.message']);
    });

  test('without the package, one line says how to install it, and nothing runs', async () => {
    const { code, text } = await pexen({}, 'run', '--reporter', 'otel');
    expect([code, text]).toEqual([2, expect.stringContaining('npm install --save-dev @pexen/otel')]);
    expect(text).not.toContain('program.sh');
  });

  test('each attempt has a span, and its body knows it: in programs, processes and threads', async () => {
    symlinkSync(own, join(folder, 'node_modules/@pexen/otel'));
    const env = { TRACEPARENT: `00-${above.traceId}-${above.spanId}-01`, TRACESTATE: 'vendor=1' };
    const { code, text } = await pexen(
      env,
      'run',
      '--reporter',
      'otel',
      '--reporter',
      'lines',
      '--show-output',
      'all',
    );
    expect([code, text]).toEqual([
      1,
      expect.stringContaining('spans of trace 4bf92f3577b34da6a3ce929d0e0e4736 sent to'),
    ]);
    const root = collector.spans.find(({ name }) => name.startsWith('RUN '));
    expect(root).toMatchObject({
      ...{ traceId: above.traceId, parentSpanId: above.spanId },
      status: { code: 2 },
    });

    const contextOf = (spanId: string) => `00-${above.traceId}-${spanId}-01`;
    expect(text).toContain(`seen: ${contextOf(only('sys/program.sh').spanId)} vendor=1`);
    for (const name of ['api/bodies/process', 'api/bodies/thread', 'api/bodies/retried'])
      expect(seenBy(name), name).toEqual(
        collector
          .named(name)
          .map(({ spanId }) => JSON.stringify({ traceparent: contextOf(spanId), tracestate: 'vendor=1' })),
      );
    expect(
      collector.named('api/bodies/retried').map(({ links }) => links.map(({ spanId }) => spanId)),
    ).toEqual([[], [collector.named('api/bodies/retried')[0]?.spanId]]);
    expect(
      collector.spans.every(({ parentSpanId }) => [root?.spanId, above.spanId].includes(parentSpanId)),
    ).toBe(true);
  });

  test('a rerun is linked to the run that it repeats, and has spans of what it runs only', async () => {
    writeFileSync(join(folder, 'fixed'), '');
    const { code, text } = await pexen({}, 'run', '--rerun=failed', '--reporter', 'otel');
    expect(code, text).toBe(0);
    const root = collector.spans.find(({ name }) => name.startsWith('RUN '));
    expect(root?.traceId).not.toBe(above.traceId);
    expect(root?.links).toMatchObject([
      { traceId: above.traceId, attributes: { 'pexen.link': 'run that it repeats' } },
    ]);
    expect(root?.attributes).toMatchObject({ 'cicd.pipeline.result': 'success', 'pexen.tests.pass': 1 });
    expect(collector.spans.map(({ name }) => name).sort()).toEqual([root?.name, 'api/bodies/fixed'].sort());
  });

  test('a collector that is not there is a warning, and the exit code is that of the tests', async () => {
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1', OTEL_EXPORTER_OTLP_TIMEOUT: '300' };
    const { code, text } = await pexen(
      env,
      'run',
      'api/bodies/fixed',
      '--reporter',
      'otel',
      '--reporter',
      'lines',
    );
    expect([code, text]).toEqual([
      0,
      expect.stringMatching(/PEXEN_SPANS_NOT_SENT 2 spans could not be sent/),
    ]);
  });
});
