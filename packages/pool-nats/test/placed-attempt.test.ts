/** Addresses of a run on a node whose files are elsewhere, and what is reported from there. */
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { fileStamp } from '@pexen/core';
import { encodeThrown } from '@pexen/pool-kit';
import type { RemoteAttempt } from '@pexen/pool-process/remote';
import { expect, onTestFinished, test } from 'vitest';
import { withModulesHere } from '../src/host/modules-here.ts';
import { placed, reportedFrom } from '../src/node/placed-attempt.ts';

const base = { id: 1, graceMs: 0, isHasty: false };

test('a module is that of here, if it is in the folder of the run', () => {
  const urlOf = (url: string): unknown => {
    const envelope = {
      path: 'a',
      attempt: 1,
      address: { kind: 'made', url, id: 'a', fingerprint: '' },
    } as const;
    const attempt: RemoteAttempt = { ...base, work: { kind: 'body', envelope, mayLeave: false } };
    const { work } = placed(attempt, '/srv/suite', '/cache/b');
    return work.kind === 'body' ? work.envelope.address?.url : undefined;
  };
  expect(urlOf('file:///srv/suite/tests/a%20b.ts')).toBe('file:///cache/b/tests/a%20b.ts');
  expect(urlOf('file:///srv/suite-2/a.ts')).toBe('file:///srv/suite-2/a.ts');
  expect(urlOf('data:text/javascript,')).toBe('data:text/javascript,');
});

test('a program gets paths of here in its arguments, its variables and its folder', () => {
  const program = {
    file: '/srv/suite/run.sh',
    argv: ['--in', '/srv/suite/data.json', '/etc/hosts', 'data'],
    cwd: '/srv/suite',
    env: { LIB: '/usr/lib:/srv/suite/lib', HOME: '/home/a', URL: 'http://a' },
  };
  const { work } = placed(
    { ...base, work: { kind: 'program', program, path: 'a', attempt: 1 } },
    '/srv/suite',
    '/cache/b',
  );
  expect(work).toMatchObject({
    program: {
      file: '/cache/b/run.sh',
      argv: ['--in', '/cache/b/data.json', '/etc/hosts', 'data'],
      cwd: '/cache/b',
      env: { LIB: '/usr/lib:/cache/b/lib', HOME: '/home/a', URL: 'http://a' },
    },
  });
});

test('errors and modules are reported with the places of the run', () => {
  const error = new Error('cannot read /cache/b/x', { cause: new Error('in /cache/b/y') });
  error.stack = 'Error: cannot read\n    at file:///cache/b/tests/a.ts:1:2';
  const modules = {
    urls: ['file:///cache/b/a.ts', 'file:///cache/bb/a.ts'],
    stamps: ['1', '2'],
    edges: [0, 1],
  };
  const outcome = { kind: 'threw', error: encodeThrown(error), modules } as const;
  const report = reportedFrom({ is: 'ended', id: 1, outcome }, '/cache/b', '/srv/suite');
  expect(report).toMatchObject({
    outcome: {
      modules: { urls: ['file:///srv/suite/a.ts', 'file:///cache/bb/a.ts'], edges: [0, 1] },
      error: {
        error: {
          message: 'cannot read /srv/suite/x',
          stack: expect.stringContaining('file:///srv/suite/tests/a.ts:1:2'),
          cause: { error: { message: 'in /srv/suite/y' } },
        },
      },
    },
  });
});

test('files that a node has loaded count in the state that they have here', () => {
  const folder = mkdtempSync(join(tmpdir(), 'pexen-modules-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'a.ts');
  writeFileSync(file, 'a');
  const urls = [pathToFileURL(file).href, 'file:///none/b.ts', 'file:///none/node_modules/p/', 'data:,'];
  const modules = { urls, stamps: ['1-2-3', '4', '', ''], edges: [0, 1] };
  const report = { is: 'ended', id: 1, outcome: { kind: 'returned', value: 1, modules } } as const;
  const stamp = fileStamp(statSync(file, { bigint: true }));
  expect(withModulesHere(report)).toMatchObject({
    outcome: { modules: { urls, stamps: [stamp, '', '', ''] } },
  });
  const other = { is: 'started', id: 1, worker: 'w' } as const;
  expect(withModulesHere(other)).toBe(other);
});
