/**
 * From an edit to the verdict with `pexen run --watch`: `node bench/watch.ts [--rounds 20] [--tests 50] [--source] [--json FILE]`.
 * Milliseconds by the clock, from the write of the file to the verdict on standard output, with the real command and the built packages
 * (`pnpm build` first; `--source`: the sources). The suite has as many tests as stated; each edit affects one.
 */
import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string' },
    tests: { type: 'string' },
    source: { type: 'boolean' },
    json: { type: 'string' },
  },
});
const rounds = Number(values.rounds ?? 20);
const tests = Number(values.tests ?? 50);
const app = fileURLToPath(new URL('../../../apps/pexen', import.meta.url));
/** How long an editing person takes at least: meanwhile the process of the next run starts. */
const thinkingMs = 1_000;

const dir = makeSuite();
const conditions = values.source === true ? ['--conditions=@pexen/source'] : [];
const argv = [...conditions, join(app, 'bin/pexen.js'), 'run', '--watch', '--reporter', 'lines'];
const command = spawn(process.execPath, argv, { cwd: dir, stdio: ['ignore', 'pipe', 'inherit'] });
let printed = '';
let look = (): void => {};
command.stdout.setEncoding('utf8').on('data', (text: string) => {
  printed += text;
  look();
});

const edits = {
  'a shell test': { file: 'tests/a.sh', text: (round: number) => shell(round) },
  'a TypeScript test': { file: 'tests/a.task.ts', text: (round: number) => module(round) },
  'a helper of a TypeScript test': { file: 'tests/helper.ts', text: (round: number) => helper(round) },
};

const started = performance.now();
await sees(/Waiting for changes/);
const rows: Record<string, string | number>[] = [
  { edit: '(the first run of everything)', median: ms(performance.now() - started) },
];
const load = loadavg()[0] as number;
for (const [edit, { file, text }] of Object.entries(edits)) {
  const verdicts: number[] = [];
  const ends: number[] = [];
  for (let round = 1; round <= rounds; round++) {
    await sleep(thinkingMs);
    printed = '';
    const editedAt = performance.now();
    writeFileSync(join(dir, file), text(round));
    await sees(/^ +(?:PASS|FAIL) \[/m);
    verdicts.push(performance.now() - editedAt);
    await sees(/Waiting for changes/);
    ends.push(performance.now() - editedAt);
  }
  rows.push({
    edit,
    least: quantile(verdicts, 0),
    median: quantile(verdicts, 0.5),
    p90: quantile(verdicts, 0.9),
    'until it waits again': quantile(ends, 0.5),
  });
}
command.kill('SIGTERM');
rmSync(dir, { recursive: true });
console.log(`edit → verdict, ms; ${tests} tests, ${rounds} edits each; load ${load.toFixed(1)} at the start`);
console.table(rows);
if (values.json !== undefined) writeFileSync(values.json, JSON.stringify({ load, rows }, undefined, 2));

function makeSuite(): string {
  const folder = mkdtempSync(join(tmpdir(), 'pexen-watch-bench-'));
  mkdirSync(join(folder, 'tests'));
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(app, join(folder, 'node_modules/pexen'));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  writeFileSync(
    join(folder, 'pexen.config.ts'),
    "import { defineSuite, tree } from 'pexen';\nexport default defineSuite({ from: { '': tree({ dir: 'tests' }) } });\n",
  );
  writeFileSync(join(folder, 'tests/helper.ts'), helper(0));
  writeFileSync(join(folder, 'tests/a.task.ts'), module(0));
  for (let at = 0; at < tests - 2; at++) {
    const name = join(folder, at % 2 === 0 ? `tests/b${at}.sh` : `tests/b${at}.task.ts`);
    writeFileSync(name, at % 2 === 0 ? shell(0) : module(0, false));
    if (name.endsWith('.sh')) chmodSync(name, 0o755);
  }
  writeFileSync(join(folder, 'tests/a.sh'), shell(0));
  chmodSync(join(folder, 'tests/a.sh'), 0o755);
  return folder;
}

function shell(round: number): string {
  return `#!/bin/sh\n# ${round}\ntrue\n`;
}

function helper(round: number): string {
  return `export const answer: number = ${round};\n`;
}

function module(round: number, helped = true): string {
  const imported = helped ? "import { answer } from './helper.ts';\n" : 'const answer = 1;\n';
  return `import { task } from 'pexen';\n${imported}// ${round}\nexport const one = task({}, () => void answer);\n`;
}

async function sees(pattern: RegExp): Promise<void> {
  await new Promise<void>((resolve) => {
    look = () => {
      if (pattern.test(printed)) resolve();
    };
    look();
  });
}

function quantile(all: readonly number[], share: number): number {
  const sorted = all.toSorted((a, b) => a - b);
  return ms(sorted[Math.min(Math.floor(sorted.length * share), sorted.length - 1)] as number);
}

function ms(value: number): number {
  return Math.round(value);
}
