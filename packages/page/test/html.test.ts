/** The reporter that writes the page: the rules of reporters, its document, and a run of the command. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inflateRawSync } from 'node:zlib';
import { mixedRun, reporterConformance } from '@pexen/report/conformance';
import { RunModel } from '@pexen/report/model';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bin, conditions } from '#command';
import { html, type PageDocument, reportDocument } from '../src/index.ts';

reporterConformance({
  test,
  make: (folder) => html({ file: join(folder, 'report.html') }),
  read: (folder) => JSON.stringify(documentIn(join(folder, 'report.html'))),
});

/** The document in a report. */
function documentIn(file: string): PageDocument {
  const text = readFileSync(file, 'utf8');
  const [, plain] = /<script type="application\/json" id="pexen-data">([^<]*)<\/script>/.exec(text) ?? [];
  if (plain !== undefined) return JSON.parse(plain);
  const [, packed = ''] = /id="pexen-data-deflated">([^<]*)<\/script>/.exec(text) ?? [];
  return JSON.parse(inflateRawSync(Buffer.from(packed, 'base64')).toString());
}

test('options that it does not have are refused with a suggestion', () => {
  expect(() => html({ fil: 'x' } as never)).toThrow(/has no option "fil"/);
});

test('the document has each task once, with places of failures in sources that are there', () => {
  const folder = mkdtempSync(join(tmpdir(), 'pexen-html-'));
  const file = join(folder, 'a.task.ts');
  writeFileSync(file, 'one\ntwo\nthree\n');
  const run = mixedRun();
  const model = new RunModel();
  for (const entry of run.entries)
    if ('event' in entry)
      model.apply(
        JSON.parse(
          JSON.stringify(entry.event).replaceAll('/home/ada/suite/api/users.task.ts:31', `${file}:2`),
        ),
      );
  const document = reportDocument(model, {}, { title: 'suite', wallNow: () => 7 });
  rmSync(folder, { recursive: true });
  expect(document.tasks).toHaveLength(model.counts.tasks);
  expect(document).toMatchObject({ life: 'report', title: 'suite', madeAt: 7, command: 'npx pexen run' });
  expect(document.details?.['api/users/create']?.frames).toEqual([
    { file, line: 2, what: 'thrown here', firstLine: 1, lines: ['one', 'two', 'three', ''] },
  ]);
});

describe('a run of the command', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'pexen-html-'));
    mkdirSync(join(folder, 'tests'));
    writeFileSync(join(folder, 'tests/ok.sh'), '#!/bin/sh\necho fine\n', { mode: 0o755 });
    writeFileSync(
      join(folder, 'tests/bad.sh'),
      '#!/bin/sh\n# pexen: { tags: [slow] }\necho "no route" >&2\n[ -f fixed ]\n',
      { mode: 0o755 },
    );
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const pexen = (...args: readonly string[]) => {
    try {
      const stdout = execFileSync(process.execPath, [...conditions, bin, ...args], {
        cwd: folder,
        // Package managers let their tools find more than a suite has.
        env: { ...process.env, NODE_PATH: '' },
        encoding: 'utf8',
        stdio: 'pipe',
      });
      return { code: 0, text: stdout };
    } catch (error) {
      const { status, stdout, stderr } = error as { status: number; stdout: string; stderr: string };
      return { code: status, text: stdout + stderr };
    }
  };

  test('without the package, one line says how to install it, and nothing runs', () => {
    const { code, text } = pexen('run', '--reporter', 'html=out/report.html');
    expect(code).toBe(2);
    expect(text).toContain('npm install --save-dev @pexen/page');
    expect(text).not.toContain('ok.sh');
  });

  test('writes the page, with the run before from the second run on; report writes it of past runs', () => {
    mkdirSync(join(folder, 'node_modules/@pexen'), { recursive: true });
    symlinkSync(fileURLToPath(new URL('..', import.meta.url)), join(folder, 'node_modules/@pexen/page'));
    expect(pexen('run').code).toBe(1);
    const second = pexen('run', '--reporter', 'html=out/report.html');
    expect(second.text).toContain('HTML report: out/report.html');
    const document = documentIn(join(folder, 'out/report.html'));
    expect(document.tasks.map(({ facts, result }) => [facts.path, result?.judgement.verdict]).sort()).toEqual(
      [
        ['tests/bad.sh', 'fail'],
        ['tests/ok.sh', 'pass'],
      ],
    );
    expect(document.before?.tasks['tests/bad.sh']?.[0]).toBe('fail');
    expect(document.history?.tasks['tests/ok.sh']).toBe('p');
    expect(document.runs).toHaveLength(1);

    pexen('report', '1', '--reporter', 'html=out/first.html');
    const first = documentIn(join(folder, 'out/first.html'));
    expect([first.before, first.history]).toEqual([undefined, undefined]);

    for (const shard of ['1/2', '2/2']) pexen('run', '--shard', shard);
    const merged = pexen('report', '3', '4', '--reporter', 'html=out/merged.html');
    expect(merged.text).toContain('HTML report: out/merged.html');
    const both = documentIn(join(folder, 'out/merged.html'));
    expect(both.tasks.map(({ facts }) => facts.path).sort()).toEqual(['tests/bad.sh', 'tests/ok.sh']);
    expect(both.sources?.map(({ name }) => name)).toEqual(['shard 1/2', 'shard 2/2']);
  });
});
