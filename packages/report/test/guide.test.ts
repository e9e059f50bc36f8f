/** The reports in the guide are those of one run. UPDATE_GOLDEN=1 writes them; docs.test.ts compares the guide. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import {
  ctrf,
  type FileReporterName,
  github,
  gitlab,
  jsonLines,
  junit,
  markdown,
  type Reporter,
  tap,
  trace,
} from '../src/index.ts';
import { guideRun } from './guide-run.ts';
import { listen } from './listen.ts';
import { MemoryStream } from './memory-stream.ts';

const folder = mkdtempSync(join(tmpdir(), 'pexen-guide-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const makers: Readonly<Record<FileReporterName, (stream: MemoryStream) => Reporter>> = {
  junit: (stream) => junit({ stream }),
  tap: (stream) => tap({ stream }),
  ctrf: (stream) => ctrf({ stream }),
  jsonl: (stream) => jsonLines({ stream }),
  github: (stream) => github({ stream, env: { GITHUB_WORKSPACE: '/home/ada/suite' } }),
  gitlab: (stream) => gitlab({ stream, sections: true, file: join(folder, 'quality.json'), env: {} }),
  markdown: (stream) => markdown({ stream }),
  trace: (stream) => trace({ stream }),
};

test.each(Object.keys(makers) as FileReporterName[])('%s', async (name) => {
  const stream = new MemoryStream();
  const listener = listen(makers[name](stream));
  for (const event of guideRun().events) listener.event(event);
  await listener.close();
  const text = name === 'gitlab' ? readFileSync(join(folder, 'quality.json'), 'utf8') : stream.text;
  const file = new URL(`golden/guide-${name}.txt`, import.meta.url);
  const steady = text.replaceAll(/hostname="[^"]*"/g, 'hostname="here"');
  if (process.env.UPDATE_GOLDEN === '1') writeFileSync(file, steady);
  expect(steady).toBe(readFileSync(file, 'utf8'));
});
