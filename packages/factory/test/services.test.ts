/** Programs as services: in a configuration, and by headers. */
import { definitionOf, type ExecutableBody, key, type Problem, type TaskDefinition } from '@pexen/core';
import { describe, expect, test } from 'vitest';
import { executables, type Factory, programs, type ServiceProgramOptions } from '../src/index.ts';
import { facts } from './facts.ts';
import { definition, made, paths, program, scratch } from './scratch.ts';

const ready = { port: '{port}' } as const;

/** The one task of the options. */
async function serviceOf(
  options: Partial<ServiceProgramOptions>,
  context: Parameters<typeof made>[2] = {},
): Promise<TaskDefinition & { readonly body: ExecutableBody }> {
  const dir = scratch({ 'bin/server': program('exec sleep 60') });
  const given = { service: 'sh -c wait', ready, provides: 'db', ...options } as ServiceProgramOptions;
  const got = await made(programs(given), dir, context);
  expect(got.problems).toEqual([]);
  expect(got.tasks.length).toBe(1);
  return definition(got.tasks[0] as never) as never;
}

/** What is wrong with the options, in order. */
function wrong(options: object): string[] {
  try {
    programs({ service: 'sh', ready, provides: 'db', ...options } as never);
  } catch (error) {
    return (error as { problems: Problem[] }).problems.map(({ message, hint }) => `${message} (${hint})`);
  }
  return [];
}

describe('a service in the configuration', () => {
  test('is one task, with the command, the condition and what it provides', async () => {
    const { meta, body, service, location } = await serviceOf({ service: `sh -c 'echo "{port}"' a\\ b` });
    expect(meta).toMatchObject({ name: 'sh', provides: ['db'] });
    expect(service).toEqual({ restarts: 0, killsOnStop: false });
    expect(body.file).toMatch(/\/sh$/);
    expect(body.argv).toEqual(['-c', 'echo "{port}"', 'a b']);
    expect(body.service).toEqual({ ready });
    expect(location?.file).toBe(import.meta.filename);
  });

  test('has the metadata of services beside its options', async () => {
    const url = key<{ port: number }>('url');
    const { meta, service } = await serviceOf({
      ...{ name: 'redis', provides: ['db', url], requires: ['disk'], claims: ['/var'], timeout: 5_000 },
      ...{ grace: 100, restarts: 2, retries: 1, tags: ['slow'], stop: 'kill' },
    });
    expect(meta).toMatchObject({
      ...{ name: 'redis', provides: ['db', url], requires: ['disk'], claims: ['/var'], timeout: 5_000 },
      ...{ grace: 100, restarts: 2, retries: 1, tags: ['slow'], stop: 'kill' },
    });
    expect(service).toEqual({ restarts: 2, killsOnStop: true });
  });

  test('runs where it should, as whom it should, and is stopped by the signal it wants', async () => {
    const { body, meta } = await serviceOf({
      cwd: 'bin',
      env: { A: '{port}' },
      user: 'postgres',
      stop: 'SIGINT',
    });
    expect(body).toMatchObject({
      cwd: expect.stringMatching(/\/bin$/),
      env: { A: '{port}' },
      user: 'postgres',
    });
    expect(body.service).toEqual({ ready, stopSignal: 'SIGINT' });
    expect(meta).not.toHaveProperty('stop', expect.anything());
    expect((await serviceOf({ cwd: 'private' })).body).toMatchObject({ workspace: 'private' });
  });

  test('is a program below the root, or in PATH; one that is missing is a problem, unless it does not apply', async () => {
    expect((await serviceOf({ service: ['./bin/server', '*'] })).body).toMatchObject({
      file: expect.stringMatching(/\/bin\/server$/),
      argv: ['*'],
    });
    const missing = { service: 'no-such-server', ready, provides: 'db' } as const;
    const { problems } = await made(programs(missing), scratch({}));
    expect(problems).toMatchObject([{ code: 'PEXEN_NO_PROGRAM', location: { file: import.meta.filename } }]);
    expect(await serviceOf({ ...missing, when: 'it is not installed' })).toMatchObject({
      meta: { when: expect.anything() },
    });
  });

  test('is wrong in all things at once', () => {
    expect(
      wrong({
        service: 'a | b',
        ready: { prot: 1 },
        provides: [],
        exclusive: true,
        restarts: -1,
        stopp: 'kill',
        args: {},
      }),
    ).toEqual([
      'programs: has no option "stopp" (Did you mean "stop"?)',
      expect.stringMatching(/^programs: has no option "args"/),
      expect.stringMatching(/^programs: provides must be what tasks can require/),
      expect.stringMatching(/^programs: ready must be a condition \(Write ready: \{ port: /),
      expect.stringMatching(/^programs: service contains "\|", and no shell runs it \(A shell would run it/),
      expect.stringMatching(/^a service has no metadata "exclusive"/),
      expect.stringMatching(/^restarts must be/),
    ]);
  });

  test.each([
    [{ service: '' }, /^programs: service must be a command line, not an empty one/],
    [{ service: [] }, /^programs: service must be a command line, not an empty one/],
    [{ service: 5 }, /^programs: service must be a command line, not number/],
    [{ service: `sh 'a` }, /^programs: service has a quote that is not closed/],
    [{ ready: undefined }, /^programs: needs the option "ready" \(Write ready:/],
    [{ ready: { port: '80' } }, /^programs: ready.port must be a port or "\{port\}", not "80"/],
    [{ ready: { line: '(' } }, /^programs: ready.line must be a regular expression as text/],
    [{ ready: { http: 'localhost' } }, /^programs: ready.http must be a URL of http or https/],
    [
      { ready: { http: 'http://a/', status: 7 } },
      /^programs: ready.status must be a whole number, 100 to 599/,
    ],
    [{ ready: { fd: 4 } }, /^programs: ready.fd must be 3, not 4/],
    [{ ready: { port: 80, line: 'a' } }, /^programs: ready has both "port" and "line"/],
    [{ stop: 'SIGKILL' }, /^programs: stop must be "kill" or "SIGTERM" or/],
  ])('%o is refused', (options, message) => {
    expect(wrong(options)).toEqual([expect.stringMatching(message)]);
  });

  test.each([
    { line: 'listening on port (?<port>\\d+)' },
    { file: 'up' },
    { http: 'http://127.0.0.1:{port}/health', status: 204 },
    { fd: 3 },
    { port: 5432 },
  ] as const)('it may be ready by %o', async (condition) => {
    expect((await serviceOf({ ready: condition })).body.service).toEqual({ ready: condition });
  });
});

describe('a service by its header', () => {
  const made1 = async (header: string, factory: Factory = executables({ dir: '.' })) => {
    const dir = scratch({ server: program(`# pexen: ${header}`) });
    const got = await made(factory, dir);
    const problems = got.problems.map(
      ({ message, location, hint }) => `${location?.line}:${location?.column} ${message} (${hint})`,
    );
    return { ...got, problems, found: got.tasks[0] && definition(got.tasks[0]) };
  };

  test('has its condition there, and how it is stopped', async () => {
    const header =
      "{ service: true, provides: [db], ready: { line: 'up' }, restarts: 1, stop: SIGINT, user: postgres, timeout: 5s }";
    const { problems, found } = await made1(header);
    expect(problems).toEqual([]);
    expect(found?.service).toEqual({ restarts: 1, killsOnStop: false });
    expect(found?.meta).toMatchObject({ provides: ['db'], restarts: 1, timeout: 5_000 });
    expect(found?.body).toMatchObject({
      user: 'postgres',
      service: { ready: { line: 'up' }, stopSignal: 'SIGINT' },
    });
  });

  test('may be meant to be killed, and gets the defaults that services can have', async () => {
    const factory = executables({ dir: '.', meta: { tags: ['a'], rerunnable: true, exclusive: true } });
    const { problems, found } = await made1('{ service: true, ready: { fd: 3 }, stop: kill }', factory);
    expect(problems).toEqual([]);
    expect(found?.service).toEqual({ restarts: 0, killsOnStop: true });
    expect(found?.meta).toEqual({ name: 'server', tags: ['a'], stop: 'kill' });
  });

  test.each([
    ['{ service: true }', /^2:12 service needs "ready".* \(Write ready:/],
    ['{ ready: { fd: 3 } }', /^2:12 ready is of services only \(Add service: true/],
    ['{ restarts: 1 }', /^2:12 restarts is of services only/],
    ['{ service: true, ready: { fd: 4 } }', /^2:40 ready has "fd", which must be 3, not 4/],
    ['{ service: true, ready: { prot: 4 } }', /^2:34 ready must be a condition/],
    ['{ service: true, ready: { fd: 3 }, stop: HUP }', /^2:51 stop must be "kill" or "SIGTERM"/],
    ['{ service: true, ready: { fd: 3 }, exclusive: true }', /a service has no metadata "exclusive"/],
  ])('%s is refused', async (header, message) => {
    expect((await made1(header)).problems).toEqual([expect.stringMatching(message)]);
  });
});

describe('the end of a service', () => {
  const interpreted = async (given: Parameters<typeof facts>[0]) => {
    const { body } = await serviceOf({});
    const { outcome, findings } = body.interpret(facts(given));
    return [outcome.kind, ...findings.map(({ status, name, message }) => `${status} ${name}: ${message}`)];
  };

  test('is read without TAP, and without the line that says it is ready', async () => {
    expect(
      await interpreted({ stdout: '1..2\nnot ok 1\n', report: 'pass a: b\nready {"port": 1}\n' }),
    ).toEqual(['returned', 'pass a: b']);
  });

  test('that went into the background has a hint', async () => {
    expect(await interpreted({ leaked: 1 })).toEqual([
      'returned',
      expect.stringMatching(/^warn left behind: it went into the background.*run it in the foreground/),
    ]);
  });

  test('by a signal is uncontrolled', async () => {
    expect(await interpreted({ exitCode: null, signal: 'SIGSEGV', stopSignal: 'SIGTERM' })).toEqual([
      'threw',
    ]);
  });
});

test('the paths of services begin with those of their factory', async () => {
  const factory = programs({ service: 'sh', ready, provides: 'db', name: 'redis' });
  const got = await made(factory, scratch({}), { under: ['services'] });
  expect(paths(got)).toEqual(['services/redis']);
  expect(factory.describe).toBe('service sh');
  expect(got.tasks.map(({ task }) => definitionOf(task as never).nameKind)).toEqual(['explicit']);
});
