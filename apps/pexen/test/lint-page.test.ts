/** The guide to lint shows what the command prints of its suite, rule by rule. */
import { writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { type LintReport, lintRuleNames } from '@pexen/usecase-testsuite';
import { expect, it, onTestFinished } from 'vitest';
import { lintLines } from '../src/text/lint.ts';
import { folder, pexen } from './command.ts';
import { commandsOf, type Shown } from './page.ts';

const page = new URL('../../../docs/lint.md', import.meta.url);

/** How long the tests took in each of 40 runs, ms; those that are skipped took no time. */
const took: Readonly<Record<string, number>> = {
  ...{
    build: 2000,
    schema: 1000,
    order: 8000,
    refund: 7000,
    invoice: 9000,
    search: 4000,
    mail: 1500,
    fax: 700,
  },
  ...{ printer: 0, label: 0 },
};

const machine = {
  ...{ platform: process.platform, arch: process.arch },
  ...{ cpu: cpus()[0]?.model.trim() ?? '', cores: cpus().length },
};

/** Forty nights on this machine. */
function exported(): string {
  const lines: object[] = [{ type: 'history', version: 1 }];
  for (let run = 0; run < 40; run++) {
    const startedAtMs = new Date(2026, 9, 1 + run, 2, 30).getTime();
    const id = `0199a0${String(run).padStart(2, '0')}-77aa-7000-8000-000000000000`;
    lines.push({
      type: 'run',
      id,
      startedAtMs,
      durationMs: 27_600,
      machine,
      workers: 4,
      exitCode: 1,
      isWhole: true,
    });
    for (const [name, ms] of Object.entries(took))
      lines.push(sampleOf(name, name === 'invoice' && run === 20 ? 26_100 : ms));
  }
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('');
}

function sampleOf(name: string, ranMs: number): object {
  const sample = { type: 'sample', path: `shop/${name}`, attempts: 1, digest: 'unchanged' };
  if (ranMs === 0) return { ...sample, verdict: 'skip', outcome: 'skipped', attempts: 0 };
  if (name === 'fax') return { ...sample, verdict: 'fail', outcome: 'failed', ranMs };
  return { ...sample, verdict: 'pass', outcome: 'returned', ranMs };
}

const plain = new Writable();

it('shows real output, for every rule', { timeout: 120_000 }, async () => {
  const dir = await folder({ 'history.jsonl': exported() }, (act) => onTestFinished(act));
  const shown: Shown[] = [];
  for await (const each of commandsOf(page, dir)) shown.push(each);
  await pexen(dir, 'history', '--import', 'history.jsonl');
  const printed = await pexen(dir, 'lint');
  expect(printed.exitCode).toBe(1);
  const report = JSON.parse((await pexen(dir, 'lint', '--json')).stdout) as LintReport;
  const textOf = (of: LintReport): string =>
    `${lintLines(of, plain).join('\n')}\n`.replaceAll(`${dir}/`, '').trimEnd();
  expect(printed.stdout.trimEnd()).toBe(textOf(report));
  const [whole, ...ofRules] = shown;
  expect(printed.stdout).toContain((whole as Shown).output.trimEnd());
  for (const { words, output } of ofRules) {
    const rule = words.at(-1);
    const findings = report.findings.filter((each) => each.rule === rule);
    const real = textOf({ ...report, findings });
    expect(real, `the real output is:\n$ ${words.join(' ')}\n${real}`).toBe(output.trimEnd());
  }
  expect(ofRules.map(({ words }) => words.at(-1))).toEqual(lintRuleNames);
});

it('has exit code 0 for hints alone, and 2 for a rule or an ignore that does not exist', async () => {
  const config = (ignore: object): string =>
    `import { defineSuite, modules } from 'pexen';
    export default defineSuite({ from: { '': modules({ dir: 'tests' }) }, lint: ${JSON.stringify({ ignore })} });`;
  const tests = `import { task } from 'pexen'; export const a = task({ claims: ['/a'] }, () => {});`;
  const files = { 'pexen.config.mts': config({}), 'tests/a.task.mts': tests };
  const dir = await folder(files, (act) => onTestFinished(act));
  const hints = await pexen(dir, 'lint', '--rule', 'uncontended-lock');
  expect(hints).toMatchObject({
    exitCode: 0,
    stdout: expect.stringContaining('0 problems, 1 hint in 1 task'),
  });
  await writeFile(join(dir, 'pexen.config.mts'), config({ 'costly-locks': '/a' }));
  const [unknown, none] = await Promise.all([pexen(dir, 'lint'), pexen(dir, 'lint', '--rule', 'cost')]);
  expect(unknown).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('Did you mean "costly-lock"?'),
  });
  expect(none).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('costly-lock') });
});
