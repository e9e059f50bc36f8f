/** `pexen history`, and the page that describes it. */
import { existsSync, readFileSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'vitest';
import { type Ended, folder, pexen, start } from './command.ts';

const page = readFileSync(new URL('../../../docs/history.md', import.meta.url), 'utf8');
const machine = {
  ...{ platform: process.platform, arch: process.arch },
  ...{ cpu: cpus()[0]?.model.trim() ?? '', cores: cpus().length },
};
const machineText = `${machine.platform} ${machine.arch}, ${machine.cores} × ${machine.cpu || 'unknown processor'}`;

/** Twelve runs on this machine, in the night of each day. */
const longAgo = new Date(2026, 9, 1, 2, 30).getTime();
const tasks: Readonly<Record<string, { readonly ms: readonly number[]; readonly marks: string }>> = {
  'db/migrate': {
    ms: [4100, 4200, 4000, 4300, 4100, 4150, 8300, 8200, 8400, 8250, 8300, 8350],
    marks: '............',
  },
  'net/ping': {
    ms: [1200, 1180, 310, 1220, 1190, 1210, 1230, 320, 1200, 1210, 1190, 1205],
    marks: '..F....F....',
  },
  'net/ping6': { ms: [640, 655, 650, 2900, 645, 650, 660, 640, 655, 650, 640, 645], marks: '.~........~.' },
  'ui/login': { ms: [85, 80, 90, 82, 88, 86, 84, 81, 0, 83, 85, 87], marks: '........s...' },
};

function exported(): string {
  const lines: object[] = [{ type: 'history', version: 1 }];
  for (let run = 0; run < 12; run++) {
    const startedAtMs = new Date(2026, 9, 1 + run, 2, 30).getTime();
    const id = `0199a0${run.toString(16)}0-77aa-7000-8000-000000000000`;
    lines.push({
      type: 'run',
      id,
      startedAtMs,
      durationMs: 9000,
      machine,
      workers: 2,
      exitCode: 0,
      isWhole: true,
    });
    for (const [path, { ms, marks }] of Object.entries(tasks))
      lines.push(sampleOf(path, ms[run] as number, marks[run]));
  }
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('');
}

function sampleOf(path: string, ranMs: number, mark: string | undefined): object {
  const sample = { type: 'sample', path, digest: 'unchanged' };
  if (mark === 's') return { ...sample, verdict: 'skip', outcome: 'skipped', attempts: 0 };
  if (mark === 'F') return { ...sample, verdict: 'fail', outcome: 'failed', attempts: 1, ranMs };
  const isFlaky = mark === '~';
  return {
    ...sample,
    verdict: isFlaky ? 'flaky' : 'pass',
    outcome: 'returned',
    attempts: isFlaky ? 2 : 1,
    ranMs,
  };
}

async function filled(atEnd: Parameters<typeof folder>[1]): Promise<string> {
  const dir = await folder({ 'nightly.jsonl': exported(), 'pexen.config.mts': config }, atEnd);
  await pexen(dir, 'history', '--import', 'nightly.jsonl');
  return dir;
}

const config = `import { defineSuite, modules } from 'pexen';
export default defineSuite({ from: { '': modules({ dir: '.', match: ['*.task.mts'] }) } });`;

/** As on the page: another machine, and another folder. */
function asOnThePage({ stdout }: Ended): string {
  return stdout.replaceAll(machineText, 'linux x64, 2 × Intel Xeon');
}

describe.concurrent('pexen history', () => {
  it('says so where there is none', async ({ expect, onTestFinished }) => {
    const dir = await folder({ 'pexen.config.mts': config }, onTestFinished);
    const { stdout, exitCode } = await pexen(dir, 'history');
    expect(stdout).toBe('No run is known yet. The history starts with the next one.\n');
    expect(exitCode).toBe(0);
    expect(JSON.parse((await pexen(dir, 'history', '--json')).stdout)).toEqual({
      version: 1,
      machine,
      runs: [],
      tasks: [],
    });
  });

  it('shows all tasks, or one, as on the page', async ({ expect, onTestFinished }) => {
    const dir = await filled(onTestFinished);
    for (const words of [[], ['net/ping']]) {
      const shown = await pexen(dir, 'history', ...words);
      expect(shown.exitCode).toBe(0);
      const command = ['$ pexen history', ...words].join(' ');
      expect(page).toContain(`${command}\n${asOnThePage(shown)}`);
    }
  });

  it('selects by queries, and gives everything as JSON', async ({ expect, onTestFinished }) => {
    const dir = await filled(onTestFinished);
    const { stdout } = await pexen(dir, 'history', '--json', 'net/**');
    const report = JSON.parse(stdout);
    expect(report.runs).toHaveLength(12);
    expect(report.runs[0]).toMatchObject({ exitCode: 0, workers: 2, startedAtMs: longAgo + 11 * 86_400_000 });
    expect(report.tasks.map(({ path }: { path: string }) => path)).toEqual(['net/ping', 'net/ping6']);
    const [ping] = report.tasks;
    expect(ping.expected).toMatchObject({ ms: 1205, isGuess: false });
    expect(ping.flakiness).toEqual({ score: expect.any(Number), events: 4 });
    expect(
      ping.samples
        .map(({ verdict }: { verdict: string }) => verdict)
        .filter((verdict: string) => verdict !== 'pass'),
    ).toEqual(['fail', 'fail']);
    const none = await pexen(dir, 'history', 'nett');
    expect(none).toMatchObject({ exitCode: 4, stderr: expect.stringContaining('no task matches "nett"') });
  });

  it('exports what another machine imports, which knows what to expect before its first run', async ({
    expect,
    onTestFinished,
  }) => {
    const dir = await filled(onTestFinished);
    expect((await pexen(dir, 'history', '--export', 'all.jsonl')).exitCode).toBe(0);
    const text = await readFile(join(dir, 'all.jsonl'), 'utf8');
    expect(text).toContain('{"type":"weight","path":"ui/login","weightMs":85}\n');
    const test = `import { task } from 'pexen';
      export const login = task({ name: 'login' }, () => {});
      export const ping = task({ name: 'ping' }, () => {});`;
    const files = {
      'pexen.config.mts': config.replace("'':", "'ui':"),
      'a.task.mts': test,
      'all.jsonl': text,
    };
    const other = await folder(files, onTestFinished);
    const imported = await pexen(other, 'history', '--import', 'all.jsonl', '--import', 'all.jsonl');
    expect(imported.stdout).toBe(
      'all.jsonl: 12 new runs, 48 new results\nall.jsonl: 0 new runs, 0 new results\n',
    );
    const list = JSON.parse((await pexen(other, 'list', '--json')).stdout);
    expect(list.tasks).toMatchObject([
      { path: 'ui/a/login', order: 1 },
      { path: 'ui/a/ping', order: 2 },
    ]);
  });

  it('has what a run did before its command was killed, and notices what changes without a change', async ({
    expect,
    onTestFinished,
  }) => {
    const dir = await folder(
      {
        'quick.sh': '#!/bin/sh\n# pexen: { provides: [quick] }\n[ ! -e broken ]',
        // It starts once its start is recorded, and so is what was recorded before.
        'long.sh': `#!/bin/sh
# pexen: { requires: [quick], rerunnable: false }
touch started
[ -e go ] || sleep 1000`,
        'pexen.config.mts': `import { defineSuite, tree } from 'pexen';
          export default defineSuite({ from: { '': tree({ dir: '.', include: ['*.sh'] }) }, workers: 2 });`,
      },
      onTestFinished,
    );
    const killed = start(dir, 'run', '--reporter', 'lines');
    await expect.poll(() => existsSync(join(dir, 'started'))).toBe(true);
    killed.kill('SIGKILL');
    await killed.ended;
    await writeFile(join(dir, 'go'), '');
    for (const isBroken of [true, false]) {
      if (isBroken) await writeFile(join(dir, 'broken'), '');
      else await rm(join(dir, 'broken'));
      expect((await pexen(dir, 'run')).exitCode).toBe(isBroken ? 1 : 0);
    }
    const { runs, tasks } = JSON.parse((await pexen(dir, 'history', '--json', 'quick.sh')).stdout);
    expect(runs.map(({ exitCode }: { exitCode?: number }) => exitCode)).toEqual([0, 1, undefined]);
    const [quick] = tasks;
    expect(quick.samples.map(({ verdict }: { verdict: string }) => verdict)).toEqual([
      'pass',
      'fail',
      'pass',
    ]);
    expect(quick.flakiness).toMatchObject({ events: 2 });
  });

  it('refuses a file that is not an export, and adds nothing of it', async ({ expect, onTestFinished }) => {
    const dir = await folder({ 'pexen.config.mts': config }, onTestFinished);
    await writeFile(join(dir, 'wrong.jsonl'), `${exported()}{"type":"sample","path":5}\n`);
    const { exitCode, stderr } = await pexen(dir, 'history', '--import', 'wrong.jsonl');
    expect(stderr).toContain('wrong.jsonl:62 is not a sample: an entry is missing or of another type');
    expect(exitCode).toBe(2);
    expect((await pexen(dir, 'history')).stdout).toContain('No run is known yet.');
    const missing = await pexen(dir, 'history', '--import', 'missing.jsonl');
    expect(missing).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('missing.jsonl cannot be read'),
    });
  });
});
