/** All own reporters pass the conformance kit. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'vitest';
import { reporterConformance } from '../src/conformance.ts';
import { decouple, type FileReporterName, fileReporters, lines, live, type Reporter } from '../src/index.ts';
import { MemoryStream } from './memory-stream.ts';

const report = (folder: string): string => join(folder, 'report');
const read = (folder: string): string => readFileSync(report(folder), 'utf8');
/** What goes to the log of a job. */
const stream = new MemoryStream();

const makers: Readonly<Partial<Record<FileReporterName, (file: string) => Reporter>>> = {
  github: (file) => fileReporters.github.make({ file, stream } as never),
  gitlab: (file) => fileReporters.gitlab.make({ file, stream } as never),
};

describe.each(Object.keys(fileReporters) as FileReporterName[])('%s', (name) => {
  const make = makers[name] ?? ((file: string) => fileReporters[name].make({ file }));
  reporterConformance({ test, read, make: (folder) => make(report(folder)) });
});

describe('lines', () => {
  reporterConformance({ test, make: () => lines({ stream: new MemoryStream() }) });
});

describe('live', () => {
  reporterConformance({ test, make: () => live({ stream: new MemoryStream(), columns: 80, rows: 24 }) });
});

describe('a slow one behind a queue', () => {
  reporterConformance({
    test,
    read,
    make: (folder) => decouple(fileReporters.tap.make({ file: report(folder) })),
  });
});
