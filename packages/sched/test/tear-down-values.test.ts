import { key, task } from '@pexen/core';
import { expect, it } from 'vitest';
import { run } from '../src/index.ts';

const service = key<number>('service');
const start = task({ name: 'start', provides: [service] }, ({ set, shared }) => {
  shared.log = '/var/log/service';
  set(service, 80);
});

it('a teardown gets the value and the dictionary of the provider', async () => {
  const stop = task({ name: 'stop', tearsDown: service }, ({ get, shared }) => [get(service), shared.log]);
  const { rest } = await run([start, stop]).summary;
  expect(rest.at(-1)).toMatchObject({ path: 'stop', value: [80, '/var/log/service'] });
});

it('a teardown gets no value where the provider failed before it set one', async () => {
  const fails = task({ name: 'fails', provides: [service] }, () => {
    throw new Error('no port');
  });
  const stop = task({ name: 'stop', tearsDown: service }, ({ get }) => get(service) ?? 'nothing');
  const { rest } = await run([fails, stop]).summary;
  expect(rest.at(-1)).toMatchObject({ path: 'stop', value: 'nothing' });
});

it('a teardown of several gets the values of all of them', async () => {
  const log = key<string>('log');
  const logs = task({ name: 'logs', provides: [log], requires: [service] }, ({ set }) => set(log, 'syslog'));
  const stop = task({ name: 'stop', tearsDown: [log, service] }, ({ get }) => [get(service), get(log)]);
  const { rest } = await run([start, logs, stop]).summary;
  expect(rest.at(-1)).toMatchObject({ path: 'stop', value: [80, 'syslog'] });
});

it('a task may require what it tears down', async () => {
  const stop = task({ name: 'stop', requires: [service], tearsDown: service }, ({ get }) => get(service));
  const { rest } = await run([start, stop]).summary;
  expect(rest.at(-1)).toMatchObject({ path: 'stop', value: 80 });
});
