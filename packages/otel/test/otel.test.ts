/** What spans a run becomes, sent to a collector in this process. */
import type { Problem } from '@pexen/core';
import { multi, type TracedRun } from '@pexen/report';
import { mixedRun, RunScript, serviceRun } from '@pexen/report/conformance';
import { run, task } from '@pexen/sched';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type OtelOptions, otel } from '../src/otel.ts';
import { Collector, type ReceivedSpan } from './support/collector.ts';

const runId = '01a231bb-b098-731d-852d-ec9517e2cfbb';
const above = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7' };
const ok = 0;
const error = 2;

let collector: Collector;

beforeEach(async () => {
  collector = await Collector.open();
  vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', collector.url);
  vi.stubEnv('TRACEPARENT', undefined);
  vi.stubEnv('TRACESTATE', undefined);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await collector[Symbol.asyncDispose]();
});

interface Played {
  readonly written: string | undefined;
  readonly warnings: readonly Problem[];
}

async function play(run: RunScript, options: OtelOptions = {}, traced?: TracedRun): Promise<Played> {
  const warnings: Problem[] = [];
  const reporter = otel({ suite: 'net', ...options }, { warn: (warning) => warnings.push(warning) });
  if (traced !== undefined) reporter.traceContexts?.(traced);
  const all = multi([reporter], ({ error }) => expect.fail(String(error)));
  for (const entry of run.entries)
    if ('event' in entry) all.event(entry.event);
    else all.taskUpdate(entry.update);
  await all.close();
  return { warnings, written: reporter.written?.() };
}

function only(name: string): ReceivedSpan {
  const [span, ...others] = collector.named(name);
  expect(others).toEqual([]);
  return span as ReceivedSpan;
}

describe('the run', () => {
  test('is a span with its tests below it, each at its time', async () => {
    const startedAt = Date.UTC(2026, 10, 22, 12);
    const run = new RunScript(startedAt).tasks(['a', 'b']).start(10, 'a').end(110, 'a').start(120, 'b');
    const { written, warnings } = await play(run.end(200, 'b').ended(250));
    const root = only('RUN net');
    expect(root).toMatchObject({ kind: 2, parentSpanId: '', fromMs: startedAt, toMs: startedAt + 250 });
    expect(root.attributes).toMatchObject({
      'cicd.pipeline.name': 'net',
      'cicd.pipeline.run.id': 'run-1',
      'cicd.pipeline.result': 'success',
      'test.suite.name': 'net',
      'test.suite.run.status': 'success',
      'pexen.tests.pass': 2,
    });
    expect(root.resource).toMatchObject({ 'service.name': 'pexen', 'telemetry.sdk.language': 'nodejs' });
    expect(only('a')).toMatchObject({
      ...{ parentSpanId: root.spanId, traceId: root.traceId, fromMs: startedAt + 10, toMs: startedAt + 110 },
      status: { code: ok },
      attributes: { 'test.case.name': 'a', 'test.case.result.status': 'pass', 'pexen.attempt': 1 },
    });
    expect(warnings).toEqual([]);
    expect(written).toBe(
      `OpenTelemetry: 3 spans of trace ${root.traceId} sent to ${collector.url}/v1/traces`,
    );
    expect(collector.requests[0]).toMatchObject({
      path: '/v1/traces',
      headers: { 'content-type': 'application/x-protobuf' },
    });
  });

  test('is below the span that the environment names, and keeps its state', async () => {
    vi.stubEnv('TRACEPARENT', `00-${above.traceId}-${above.spanId}-01`);
    vi.stubEnv('TRACESTATE', 'vendor=1');
    const contexts = otel().traceContexts?.({ id: runId, session: 1 });
    expect(contexts?.('a', 1)).toEqual({
      traceparent: expect.stringMatching(new RegExp(`^00-${above.traceId}-[0-9a-f]{16}-01$`)),
      tracestate: 'vendor=1',
    });
    await play(new RunScript().tasks([]).ended(1));
    expect(only('RUN net')).toMatchObject({ traceId: above.traceId, parentSpanId: above.spanId });
  });

  test.each([
    ['that of a trace that is not sampled', `00-${above.traceId}-${above.spanId}-00`],
    ['one whose trace is zero', `00-${'0'.repeat(32)}-${above.spanId}-01`],
    ['no span at all', 'nonsense'],
  ])('takes $TRACEPARENT for what it is: %s', async (what, traceparent) => {
    vi.stubEnv('TRACEPARENT', traceparent);
    const [context] = [otel().traceContexts?.({ id: runId, session: 1 })('a', 1)];
    const isSampled = what !== 'that of a trace that is not sampled';
    const traceId = isSampled ? runId.replaceAll('-', '') : above.traceId;
    expect(context?.traceparent).toMatch(new RegExp(`^00-${traceId}-[0-9a-f]{16}-0${Number(isSampled)}$`));
    await play(new RunScript().tasks(['a']).start(1, 'a').end(2, 'a').ended(3));
    expect(collector.spans).toHaveLength(isSampled ? 2 : 0);
  });

  test('that ends early is aborted; one that does not end is an error, and so are its open tests', async () => {
    await play(new RunScript().tasks(['a']).ended(5, { reason: 'SIGINT' }));
    expect(only('RUN net').attributes).toMatchObject({
      ...{ 'cicd.pipeline.result': 'cancellation', 'test.suite.run.status': 'aborted' },
      'pexen.end_reason': 'SIGINT',
    });
    collector.spans.length = 0;
    await play(new RunScript().tasks(['a']).start(1, 'a'));
    expect(only('a')).toMatchObject({ status: { code: error, message: 'the run was aborted' } });
    expect(only('RUN net')).toMatchObject({
      status: { code: error },
      attributes: { 'test.suite.run.status': 'aborted' },
    });
  });
});

describe('a test', () => {
  test('that failed has its exception with the causes, its findings, and an error as status', async () => {
    await play(mixedRun());
    expect(only('api/users/create')).toMatchObject({
      status: { code: error, message: 'expected status 201, got 500' },
      attributes: { 'test.case.result.status': 'fail', 'error.type': 'AssertionError' },
      events: [
        {
          name: 'exception',
          attributes: {
            'exception.type': 'AssertionError',
            'exception.message': 'expected status 201, got 500',
            'exception.stacktrace': expect.stringContaining('Caused by: Error: connect ECONNREFUSED'),
          },
        },
      ],
    });
    const findings = only('sys/net/mtu').events.filter(({ name }) => name === 'test.finding');
    expect(findings.map(({ attributes }) => attributes['pexen.finding.name'])).toEqual([
      ...['mtu of lo', 'mtu of eth0', 'mtu of wlan0', 'mtu of tun0'],
    ]);
    expect(only('RUN net')).toMatchObject({
      status: { code: error },
      attributes: { 'cicd.pipeline.result': 'failure', 'test.suite.run.status': 'failure' },
    });
  });

  test('has a span for each attempt, and each one is linked to the one before', async () => {
    await play(mixedRun());
    const [first, second] = collector.named('api/users/list');
    expect(first).toMatchObject({ status: { code: error }, attributes: { 'pexen.attempt': 1 }, links: [] });
    expect(second).toMatchObject({
      status: { code: ok },
      attributes: { 'pexen.attempt': 2, 'pexen.verdict': 'flaky', 'test.case.result.status': 'pass' },
      links: [
        { spanId: first?.spanId, traceId: first?.traceId, attributes: { 'pexen.link': 'attempt before' } },
      ],
    });
  });

  test('that was skipped is found by its name, with the reason', async () => {
    await play(mixedRun());
    const span = only('api/users/delete');
    expect(span.toMs).toBe(span.fromMs);
    expect(span.attributes).toMatchObject({
      'test.case.result.status': 'skip',
      'pexen.skipped_because_of': ['api/users/create: requires "users"', 'api/users/create: threw'],
    });
  });

  test('reports findings at the time when they were reported, and each one once', async () => {
    const finding = { name: 'lease', status: 'warn' as const, message: 'only 30 s' };
    const late = { name: 'from its output', status: 'pass' as const };
    const startedAt = Date.UTC(2026, 10, 22, 12);
    const run = new RunScript(startedAt).tasks(['a']).start(10, 'a');
    run.reports(30, 'a', { kind: 'finding', finding }).end(50, 'a', { findings: [finding, late] });
    await play(run.ended(60));
    expect(
      only('a').events.map(({ atMs, attributes }) => [atMs - startedAt, attributes['pexen.finding.name']]),
    ).toEqual([
      [30, 'lease'],
      [50, 'from its output'],
    ]);
  });

  test('that waited for a resource has a span for that, linked to it', async () => {
    const run = new RunScript()
      .tasks(['a', 'b'], { claims: ['/db'] })
      .start(0, 'a', 'w1')
      .end(100, 'a');
    await play(run.start(101, 'b', 'w2').end(200, 'b').ended(210));
    const wait = only('wait for /db');
    expect([wait.toMs - wait.fromMs, wait.attributes]).toEqual([
      100,
      { 'test.case.name': 'b', 'pexen.resource': '/db', 'pexen.held_by': 'a' },
    ]);
    expect(wait).toMatchObject({
      parentSpanId: only('RUN net').spanId,
      links: [{ spanId: only('b').spanId }],
    });
  });

  test('that is a service says when it was ready, and why it was stopped', async () => {
    await play(serviceRun());
    const marks = collector.spans.flatMap(({ name, events }) =>
      events.map((event) => `${name}: ${event.name}`),
    );
    expect(marks).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/: service\.ready$/),
        expect.stringMatching(/: service\.stopping$/),
      ]),
    );
  });
});

describe('the collector', () => {
  test('gets headers, compression and the name of the service as the variables say', async () => {
    vi.stubEnv('OTEL_EXPORTER_OTLP_HEADERS', 'api-key=secret');
    vi.stubEnv('OTEL_EXPORTER_OTLP_COMPRESSION', 'gzip');
    vi.stubEnv('OTEL_SERVICE_NAME', 'our-tests');
    vi.stubEnv('OTEL_RESOURCE_ATTRIBUTES', 'deployment.environment.name=ci');
    const { written } = await play(new RunScript().tasks([]).ended(1));
    expect(collector.requests[0]?.headers).toMatchObject({ 'api-key': 'secret', 'content-encoding': 'gzip' });
    expect(only('RUN net').resource).toMatchObject({
      'service.name': 'our-tests',
      'deployment.environment.name': 'ci',
    });
    expect(written).not.toContain('secret');
  });

  test('that refuses, or is not there, is a warning that says how many spans are missing', async () => {
    collector.status = 400;
    const run = new RunScript().tasks(['a']).start(1, 'a').end(2, 'a').ended(3);
    const refused = await play(run);
    expect(refused.written).toBeUndefined();
    expect(refused.warnings).toMatchObject([
      {
        code: 'PEXEN_SPANS_NOT_SENT',
        message: expect.stringMatching(/^2 spans could not be sent to .*: .*400/),
      },
    ]);
    vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', 'http://user:password@127.0.0.1:1/base/');
    const [warning] = (await play(run, { closeTimeoutMs: 200 })).warnings;
    expect(warning?.message).toMatch(
      /^2 spans could not be sent to http:\/\/127.0.0.1:1\/base\/v1\/traces: .*ECONNREFUSED/,
    );
  });

  test('that takes requests and never answers holds up the end of the run no longer than stated', async () => {
    collector.isSilent = true;
    const started = performance.now();
    const { warnings } = await play(new RunScript().tasks([]).ended(1), { closeTimeoutMs: 300 });
    expect(performance.now() - started).toBeLessThan(9_000); // it would be ten seconds without a limit
    expect(warnings).toHaveLength(1);
  });

  test('gets all spans of a long run, in batches', async () => {
    const paths = Array.from({ length: 3_000 }, (_, n) => `t${n}`);
    const run = new RunScript().tasks(paths);
    for (const path of paths) run.start(1, path).end(2, path);
    const { warnings } = await play(run.ended(3), { closeTimeoutMs: 60_000 });
    expect([warnings, new Set(collector.spans.map(({ spanId }) => spanId)).size]).toEqual([[], 3_001]);
    expect(collector.requests.length).toBeGreaterThan(5);
  });

  test('gets nothing if the variables say so, and bodies get no trace context', async () => {
    for (const [name, value] of [
      ['OTEL_SDK_DISABLED', 'true'],
      ['OTEL_TRACES_EXPORTER', 'none'],
    ] as const) {
      vi.stubEnv(name, value);
      expect(otel().traceContexts?.({ id: runId, session: 1 })('a', 1)).toBeUndefined();
      const { written } = await play(new RunScript().tasks([]).ended(1));
      expect(written).toBe(`OpenTelemetry: nothing was sent, by ${name}=${value}`);
      vi.stubEnv(name, undefined);
    }
    expect(collector.requests).toEqual([]);
  });

  test('is spoken to in protobuf only, with a warning where something else was wanted', async () => {
    vi.stubEnv('OTEL_EXPORTER_OTLP_PROTOCOL', 'grpc');
    const { warnings } = await play(new RunScript().tasks([]).ended(1));
    expect(warnings.map(({ message }) => message)).toEqual([
      'OTEL_EXPORTER_OTLP_PROTOCOL=grpc is not supported: spans are sent by http/protobuf',
    ]);
    expect(collector.spans).toHaveLength(1);
  });
});

test('bodies that run inline know their span, which is the one that is sent', async () => {
  const reporter = otel({ suite: 'net' });
  const traceContexts = reporter.traceContexts?.({ id: runId, session: 1 });
  const running = run([task({ name: 'ping' }, ({ trace }) => trace)], { id: runId, traceContexts });
  const all = multi([reporter], ({ error }) => expect.fail(String(error)));
  running.events.on('event', (event) => all.event(event));
  let value: unknown;
  for await (const result of running) value = result.value;
  await all.close();
  const { traceId, spanId } = only('ping');
  expect(value).toEqual({ traceparent: `00-${traceId}-${spanId}-01` });
});

test('options are checked, all of them', () => {
  expect(() => otel({ closeTimeoutMs: -1, suit: 'a' } as OtelOptions)).toThrow(/suit.*closeTimeoutMs/s);
});
