/**
 * docs/importers.md and docs/factories.md as the author of an importer follows them, and docs/reporters.md as the author of a reporter does: their files in
 * an empty project, with the packed packages.
 */
import { readFileSync } from 'node:fs';
import { cp, mkdir, symlink, writeFile } from 'node:fs/promises';
import { stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { published, ROOT } from '../tidy/sources.ts';
import { Project } from './project.ts';

const page = readFileSync(join(ROOT, 'docs/importers.md'), 'utf8');
/** It has the test of the importer. */
const rules = readFileSync(join(ROOT, 'docs/factories.md'), 'utf8');
const reporters = readFileSync(join(ROOT, 'docs/reporters.md'), 'utf8');
let project: Project;

beforeAll(async () => {
  project = await Project.of('importer');
  await project.install(...published().map(({ manifest }) => manifest.name));
  for (const [, name, code] of (page + rules).matchAll(/^```ts no-run\n\/\/ (.+\.ts)\n([\s\S]*?)^```$/gm))
    await writeFile(join(project.dir, String(name)), String(code));
  await writeFile(join(project.dir, 'office.checks'), blockAfter('cat office.checks'));
  await mkdir(join(project.dir, 'reporter/tests'), { recursive: true });
  for (const [, name, code] of reporters.matchAll(
    /^```(?:ts|sh) no-run\n(?:\/\/|#) (\S+\.(?:ts|sh))\n([\s\S]*?)^```$/gm,
  ))
    await writeFile(join(project.dir, 'reporter', String(name)), String(code), { mode: 0o755 });
  await mkdir(join(project.dir, 'node_modules/@types'), { recursive: true });
  await symlink(join(ROOT, 'node_modules/@types/node'), join(project.dir, 'node_modules/@types/node'));
});

afterAll(() => project?.[Symbol.asyncDispose]());

/** What a console block shows below this command. */
function blockAfter(command: string): string {
  const start = page.indexOf(`$ ${command}\n`) + command.length + 3;
  return page.slice(start, page.indexOf('\n```', start) + 1);
}

function withoutTimesAndIds(text: string): string {
  return text
    .replaceAll(/\d+\.\d+s|\d+m?s\b/g, '0s')
    .replaceAll(/ +0s/g, ' 0s')
    .replaceAll(/runs\/[\da-f-]{36}/g, 'runs/…');
}

/** Starts may be in another order where two tasks end at the same time. */
function lines(text: string): string[] {
  return withoutTimesAndIds(text).trimEnd().split('\n').sort();
}

test('it compiles with all strict options, and with the declarations of all packages', async () => {
  expect(await project.run(join(ROOT, 'node_modules/.bin/tsc'), '-p', '.')).toMatchObject({
    ...{ code: 0, stdout: '' },
  });
});

test('its suite runs, and prints what the page shows: no frame of the importer', async () => {
  // In continuous integration, the summary would repeat failures in full.
  const ended = await project.run('npx', 'pexen', 'run', '--failures', 'short');
  expect(ended.stderr).toBe('');
  expect(lines(ended.stdout)).toEqual(lines(blockAfter('npx pexen run')));
  expect(ended.code).toBe(1);
});

test('the attachment of the importer is in the JUnit report', async () => {
  await project.run('npx', 'pexen', 'run', '--junit', 'out/junit.xml');
  expect(readFileSync(join(project.dir, 'out/junit.xml'), 'utf8')).toMatch(/printed[\s\S]*~ ink: bad/);
});

test('it passes the conformance kit', async () => {
  const ended = await project.run('node', '--test', '--test-reporter=tap', 'checks.test.ts');
  expect(ended.code, ended.stdout).toBe(0);
  expect(ended.stdout).toMatch(/^# fail 0$/m);
  expect(Number(/^# pass (\d+)$/m.exec(ended.stdout)?.[1])).toBeGreaterThan(14);
});

test('as a package of its own, it is used by another project', async () => {
  const { manifest, entry } = await packaged();
  const consumer = join(project.dir, 'consumer');
  await mkdir(join(consumer, 'node_modules'), { recursive: true });
  await cp(entry, join(consumer, 'node_modules', manifest.name), { recursive: true });
  await writeFile(join(consumer, 'package.json'), '{ "type": "module" }');
  await writeFile(join(consumer, 'office.checks'), 'letter | | true\n');
  await writeFile(
    join(consumer, 'pexen.config.mjs'),
    `import { defineSuite } from 'pexen';
import { checks } from '${manifest.name}';
export default defineSuite({ from: { office: checks('office.checks') } });`,
  );
  const ended = await project.run('sh', '-c', 'cd consumer && npx pexen run --reporter lines');
  expect(ended.stderr).toBe('');
  expect(ended.stdout).toContain('1 task: 1 passed');
});

/** The package that the page describes, compiled as its author would do it. */
async function packaged(): Promise<{ readonly manifest: { readonly name: string }; readonly entry: string }> {
  const [, text = '{}'] = /^```json\n(\{\n {2}"name": "pexen-factory-[\s\S]*?)^```$/m.exec(rules) ?? [];
  const manifest = JSON.parse(text) as { readonly name: string };
  const entry = join(project.dir, 'package');
  await mkdir(entry);
  await writeFile(join(entry, 'package.json'), text);
  await writeFile(
    join(entry, 'checks.js'),
    stripTypeScriptTypes(readFileSync(join(project.dir, 'checks.ts'), 'utf8')),
  );
  return { manifest, entry };
}

test('problems and warnings have the codes of the importer, and its places', async () => {
  await writeFile(join(project.dir, 'office.checks'), 'letter\n\nposter\n');
  const ended = await project.run('npx', 'pexen', 'run');
  expect(ended.stderr).toContain('error CHECKS_SYNTAX "letter" is not a check');
  expect(ended.stderr).toContain('office.checks:3');
  expect(ended.stderr).toContain('warning CHECKS_EMPTY office.checks has no checks');
  expect(ended.code).toBe(2);
});

test('a maker has functions as bodies that run in the default pool', async () => {
  const config = `import { defineSuite } from 'pexen';
import { primes } from './primes.ts';
export default defineSuite({ from: { primes } });
`;
  await writeFile(join(project.dir, 'primes.config.ts'), config);
  const ended = await project.run('npx', 'pexen', 'run', '--config', 'primes.config.ts');
  expect(ended.stderr).toBe('');
  expect(ended.stdout).toContain('4 tasks: 3 passed, 1 skipped');
});

/** Runs a command line in the folder of the reporter. */
function inReporter(command: string): ReturnType<Project['run']> {
  return project.run('sh', '-c', `cd reporter && ${command}`);
}

/** The table on the page, without durations. */
const withoutMs = (text: string): string => text.replaceAll(/,\d+,/g, ',0,');

test('the reporter of the page writes what the page shows', async () => {
  const [, command = '', sentence, table] =
    /^\$ (npx pexen run .*)\n([\s\S]*?)^\$ cat out\/run\.csv\n([\s\S]*?)^```$/m.exec(reporters) ?? [];
  const ended = await inReporter(command);
  expect(ended).toMatchObject({ code: 1, stdout: '', stderr: sentence });
  expect(withoutMs(readFileSync(join(project.dir, 'reporter/out/run.csv'), 'utf8'))).toBe(
    withoutMs(String(table)),
  );
});

test('it is used by the configuration of the page', async () => {
  const ended = await inReporter('npx pexen run');
  expect(ended.stderr).toBe('CSV: out/run.csv\n');
  expect(ended.stdout).toContain('1 task: 1 failed');
});

test('it passes the conformance kit, and the test of its content', async () => {
  const ended = await inReporter('node --test --test-reporter=tap csv.test.ts content.test.ts');
  expect(ended.code, ended.stdout).toBe(0);
  expect(ended.stdout).toMatch(/^# fail 0$/m);
  expect(Number(/^# pass (\d+)$/m.exec(ended.stdout)?.[1])).toBe(17);
});

test('as a package of its own it is named in full, and where it is missing, one line says how to install it', async () => {
  const missing = await inReporter('npx pexen run --reporter pexen-reporter-csv');
  expect(missing.code).toBe(2);
  expect(missing.stderr).toContain('Install it: npm install --save-dev pexen-reporter-csv');
  const [, manifest = ''] =
    /^```json\n(\{\n {2}"name": "pexen-reporter-[\s\S]*?)^```$/m.exec(reporters) ?? [];
  const folder = join(project.dir, 'reporter/node_modules/pexen-reporter-csv');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'package.json'), manifest);
  const source = readFileSync(join(project.dir, 'reporter/csv.ts'), 'utf8');
  await writeFile(join(folder, 'csv.js'), stripTypeScriptTypes(source));
  const ended = await inReporter('npx pexen run --reporter pexen-reporter-csv=out/package.csv');
  expect(ended.stderr).toBe('CSV: out/package.csv\n');
  expect(readFileSync(join(project.dir, 'reporter/out/package.csv'), 'utf8')).toContain('sys/fails.sh,fail,');
});
