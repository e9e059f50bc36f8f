/** The command as a user gets it who installs `pexen` into an empty folder. */
import { readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { published } from '../tidy/sources.ts';
import { Project } from './project.ts';

const everything = published().map((member) => member.manifest.name);

/** Where everything is installed once; each test gets a copy of what npm made there. */
let first: Project;

beforeAll(async () => {
  first = await Project.of('shell-scripts');
  await first.install(...everything);
});

afterAll(() => first?.[Symbol.asyncDispose]());

async function installed(name: string): Promise<Project> {
  const project = await Project.of(name);
  onTestFinished(() => project[Symbol.asyncDispose]());
  await project.takeInstalled(first);
  return project;
}

describe('three shell scripts', () => {
  test('become a suite by init and run', async () => {
    const project = await installed('shell-scripts');
    expect(await project.run('npx', 'pexen', 'init')).toMatchObject({ code: 0 });
    expect(readdirSync(project.dir)).toContainEqual(expect.stringMatching(/^pexen\.config\.m?ts$/));

    const ran = await project.run('npx', 'pexen', 'run');
    expect(ran, ran.stdout + ran.stderr).toMatchObject({ code: 0 });
    for (const name of ['disk-has-room', 'loopback', 'only-on-plan9']) expect(ran.stdout).toContain(name);
    expect(ran.stdout).toMatch(/2 passed/);
    expect(ran.stdout).toMatch(/1 skipped/);

    expect(await project.run('npx', 'pexen', 'run', '--record', 'out/run.jsonl')).toMatchObject({ code: 0 });
    const replayed = await project.run('npx', 'pexen', 'replay', 'out/run.jsonl');
    expect(replayed, replayed.stdout + replayed.stderr).toMatchObject({ code: 0 });
    expect(replayed.stdout).toMatch(/^The same \d+ decisions in \d+ steps\.$/m);
  });

  test('have a history, and may reboot the machine', async () => {
    const project = await installed('shell-scripts');
    await project.run('npx', 'pexen', 'run');
    const script = '#!/bin/sh\n# pexen: { mayReboot: true }\nexit 102\n';
    await writeFile(join(project.dir, 'reboots.sh'), script, { mode: 0o755 });
    expect(await project.run('npx', 'pexen', 'run')).toMatchObject({ code: 102 });
    expect(await project.run('npx', 'pexen', 'resume', '--pending')).toMatchObject({ code: 102 });
    const history = await project.run('npx', 'pexen', 'history');
    expect(history, history.stdout + history.stderr).toMatchObject({ code: 0 });
    expect(history.stdout).toMatch(/^2 runs, /);
    expect(history.stdout).toMatch(/ms {2}\S\S .*loopback/m);
    const unit = await project.run('npx', 'pexen', 'resume', '--install-unit');
    expect(unit.stdout).toMatch(/^ExecStart=.*\/node_modules\/pexen\/bin\/pexen\.js resume --pending/m);
  });

  test('run without a config', async () => {
    const project = await installed('shell-scripts');
    const ran = await project.run('npx', 'pexen', 'run');
    expect(ran, ran.stdout + ran.stderr).toMatchObject({ code: 0 });
    const quiet = await project.run('npx', 'pexen', 'run', '-q');
    expect(quiet.stdout).toContain('2 passed');
    expect(quiet.stdout).not.toContain('PASS');
  });
});

test('a run is sent as a trace, and its programs know their spans', async () => {
  const project = await installed('shell-scripts');
  const bodies: Buffer[] = [];
  const collector = createServer((request, response) => {
    request.on('data', (chunk: Buffer) => bodies.push(chunk));
    request.on('end', () => response.end());
  });
  await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void collector.close());
  const { port } = collector.address() as AddressInfo;
  const traced = join(project.dir, 'traced.sh');
  await writeFile(traced, '#!/bin/sh\nexpr "$TRACEPARENT" : "00-[0-9a-f]*-[0-9a-f]*-01"\n', { mode: 0o755 });
  const to = `OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:${port}`;
  const ran = await project.run('env', to, 'npx', 'pexen', 'run', '--reporter', 'lines,otel');
  expect(ran, ran.stdout + ran.stderr).toMatchObject({ code: 0 });
  expect(ran.stdout).toMatch(/PASS .*traced/);
  expect(ran.stderr).toMatch(/OpenTelemetry: 5 spans of trace/);
  expect(Buffer.concat(bodies).toString('latin1')).toContain('test.case.result.status');
});

test('a suite in YAML with a catalogue, and the schema that editors find in the installed package', async () => {
  const project = await installed('shell-scripts');
  const made = await project.run('npx', 'pexen', 'init', '--yaml');
  expect(made, made.stdout + made.stderr).toMatchObject({ code: 0 });
  const file = join(project.dir, 'pexen.yaml');
  const text = readFileSync(file, 'utf8');
  const [, schema = ''] = /^# yaml-language-server: \$schema=(\S+)$/m.exec(text) ?? [];
  expect(JSON.parse(readFileSync(join(project.dir, schema), 'utf8'))).toHaveProperty('$defs.SuiteFileData');
  await writeFile(
    file,
    `${text}from:
  scripts: { executables: { dir: '.', include: ['*.sh'] } }
  polite: { tasks: { asks: { command: 'true', requires: [manners] } } }
catalogue:
  tasks:
    unmannered: { command: 'false', provides: [manners], needs: { programs: no-such-program } }
    mannered: { command: 'true', provides: [manners] }
retries: 1
`,
  );
  const ran = await project.run('npx', 'pexen', 'run');
  expect(ran, ran.stdout + ran.stderr).toMatchObject({ code: 0 });
  expect(ran.stdout).toMatch(/PASS .* greets\n/);
  expect(ran.stdout).toMatch(/PASS .* scripts\/.*loopback/);
  expect(ran.stdout).toMatch(/PASS .* mannered\n(.*\n)*.*PASS .* polite\/asks\n/);
  await writeFile(file, `${text}retires: 1\n`);
  const refused = await project.run('npx', 'pexen', 'list');
  expect(refused).toMatchObject({ code: 2 });
  expect(refused.stderr).toMatch(
    /unknown entry "retires"\n +at pexen\.yaml:\d+:1\n +Did you mean "retries"\?/,
  );
});

test('services: a program with a port, and a body; both end with the run', async () => {
  const project = await installed('shell-scripts');
  const server = `import { createServer } from 'node:http';
createServer((request, response) => response.end('hello')).listen(Number(process.argv[2]), '127.0.0.1');
`;
  const tasks = `import assert from 'node:assert/strict';
import { once } from 'node:events';
import { key, service, task } from 'pexen';
const token = key('token');
export const issuer = service({ provides: [token] }, async ({ set, ready, signal }) => {
  set(token, 'secret');
  ready();
  await once(signal, 'abort');
});
export const asks = task({ requires: [token, 'web'] }, async ({ get, shared }) => {
  const answer = await fetch('http://127.0.0.1:' + shared.web.port);
  assert.equal(await answer.text() + get(token), 'hellosecret');
});
`;
  const config = `import { defineSuite, executables, modules, programs } from 'pexen';
export default defineSuite({
  from: {
    web: programs({ service: 'node server.js {port}', ready: { port: '{port}' }, provides: 'web' }),
    api: modules({ dir: '.', include: ['*.task.js'] }),
    cli: executables({ dir: '.', include: ['asks.sh'] }),
  },
});
`;
  const asks =
    '#!/bin/sh\n# pexen: { requires: [web] }\nexec node -e "fetch(process.argv[1])" http://127.0.0.1:$PEXEN_WEB_PORT\n';
  await writeFile(join(project.dir, 'server.js'), server);
  await writeFile(join(project.dir, 'api.task.js'), tasks);
  await writeFile(join(project.dir, 'asks.sh'), asks, { mode: 0o755 });
  await writeFile(join(project.dir, 'pexen.config.mjs'), config);
  const manifest = JSON.parse(readFileSync(join(project.dir, 'package.json'), 'utf8')) as object;
  await writeFile(join(project.dir, 'package.json'), JSON.stringify({ ...manifest, type: 'module' }));
  const ran = await project.run('npx', 'pexen', 'run', '--junit', 'out.xml');
  expect(ran, ran.stdout + ran.stderr).toMatchObject({ code: 0 });
  expect(ran.stdout).toMatch(/UP \[.*\] web\/node/);
  expect(ran.stdout).toMatch(/PASS .* web\/node {2}ready after \d+ms, up for /);
  expect(ran.stdout).toMatch(/4 tasks, 2 of them services: 4 passed/);
  expect(readFileSync(join(project.dir, 'out.xml'), 'utf8').match(/<testcase /g)).toHaveLength(4);
  expect(await project.run('pgrep', '-f', `${project.dir}/server.js`)).toMatchObject({ code: 1 });
});

test('libraries that are loaded late are there: YAML, expressions, TAP, XML, wide characters, the live view', async () => {
  const project = await installed('shell-scripts');
  const script =
    '#!/bin/sh\n# pexen: { tags: [wide], when: { if: platform != "none" } }\necho 1..2; echo ok 1 - 一; echo not ok 2 - 二\n';
  await writeFile(join(project.dir, '文件.sh'), script, { mode: 0o755 });
  const words = ['--tag', 'wide', '--reporter', 'live', '--junit', 'out.xml'];
  const ran = await project.run('npx', 'pexen', 'run', ...words);
  expect(ran, ran.stdout + ran.stderr).toMatchObject({ code: 1 });
  expect(ran.stdout).toMatch(/✗ 二/);
  expect(readFileSync(join(project.dir, 'out.xml'), 'utf8')).toContain('name="文件.sh › 二"');
  expect(ran.stderr).toContain('JUnit report: out.xml');
  const [run = ''] = readdirSync(join(project.dir, '.pexen/runs'));
  const out = join(project.dir, '.pexen/runs', run, 'out');
  expect(readdirSync(out)).toEqual(['文件.sh-s1-a1.stdout']);
  expect(readFileSync(join(out, '文件.sh-s1-a1.stdout'), 'utf8')).toMatch(/^1\.\.2\n/);
});

describe('one module of three exported tasks', () => {
  test('becomes a suite by init and run', async () => {
    const project = await installed('exported-tasks');
    expect(await project.run('npx', 'pexen', 'init')).toMatchObject({ code: 0 });

    const ran = await project.run('npx', 'pexen', 'run');
    expect(ran, ran.stdout + ran.stderr).toMatchObject({ code: 0 });
    for (const name of ['server', 'answers', 'deletes']) expect(ran.stdout).toContain(name);
    expect(ran.stdout).toMatch(/3 passed/);
  });

  test('a pattern selects, with what it needs; one that matches nothing is exit code 4', async () => {
    const project = await installed('exported-tasks');
    const one = await project.run('npx', 'pexen', 'run', '**/answers');
    expect(one, one.stdout + one.stderr).toMatchObject({ code: 0 });
    expect(one.stdout).toMatch(/2 passed/);
    expect(await project.run('npx', 'pexen', 'run', 'no/such/**')).toMatchObject({ code: 4 });
    const why = await project.run('npx', 'pexen', 'why', '**/answers');
    expect(why.stdout, why.stderr).toMatch(/^Run 1 is over\.\n"\S+answers" returned /);
    const graph = await project.run('npx', 'pexen', 'graph', '**/answers', '--format', 'mermaid');
    expect(graph.stdout, graph.stderr).toMatch(/^flowchart LR\n {2}n0\["/);
  });

  test('runs in two shards, whose reports are merged', async () => {
    const project = await installed('exported-tasks');
    for (const shard of ['1/2', '2/2'])
      expect(await project.run('npx', 'pexen', 'run', '--shard', shard)).toMatchObject({ code: 0 });
    const merged = await project.run('npx', 'pexen', 'report', '1', '2', '--junit', 'out.xml');
    expect(merged, merged.stdout + merged.stderr).toMatchObject({ code: 0 });
    expect(merged.stdout).toContain('2 runs: shards 1/2, 2/2.');
    expect(merged.stdout).toContain('3 tasks: 3 passed');
    expect(readFileSync(join(project.dir, 'out.xml'), 'utf8')).toContain('tests="3"');
    expect(await project.run('npx', 'pexen', 'report', '2')).toMatchObject({ code: 1 });
  });
});

test('an old Node prints what to do', async () => {
  const project = await installed('shell-scripts');
  const door = readFileSync(join(project.dir, 'node_modules/pexen/bin/pexen.js'), 'utf8');
  const onOldNode = `Object.defineProperty(process.versions, 'node', { value: '20.20.2' });\n${door.replace(/^#!.*\n/, '')}`;
  const ended = await project.run('node', '--eval', onOldNode);
  expect(ended).toMatchObject({ code: 3, stdout: '' });
  expect(ended.stderr).toContain('pexen needs Node 22.18 or newer, and this is Node 20.20.2');
});
