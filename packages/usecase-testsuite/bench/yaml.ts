/**
 * How long it takes to list a suite of 10,000 tasks: in YAML, and in code for comparison, in a process that is started for it, as the command is.
 * Prints the least and the median by the clock. `node --conditions=@pexen/source bench/yaml.ts [ROUNDS]`.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const tasks = 10_000;
const rounds = Number(process.argv[2] ?? 5);
const root = mkdtempSync(join(tmpdir(), 'pexen-yaml-'));

const inYaml = `tasks:\n${Array.from(
  { length: tasks },
  (_, n) => `  t${n}:
    command: [sh, ./test, --case, "${n}"]
    uses: [/db/${n % 50}]
    timeout: 20s
    tags: [net, fast]
    provides: [c${n}]
${n === 0 ? '' : `    requires: [c${n - 1}]\n`}`,
).join('')}`;

const inCode = `
const core = ${JSON.stringify(pathToFileURL(join(import.meta.dirname, '../../core/src/index.ts')).href)};
const { executableTask } = await import(core);
const body = { file: '/bin/sh', argv: [], cwd: '/', env: {}, interpret: () => ({ outcome: { kind: 'returned' }, findings: [] }) };
const tasks = Array.from({ length: ${tasks} }, (_, n) => ({ under: [], task: executableTask(
  { name: 't' + n, uses: ['/db/' + (n % 50)], timeout: 20_000, tags: ['net', 'fast'], provides: ['c' + n], ...(n > 0 && { requires: ['c' + (n - 1)] }) },
  { ...body, argv: ['./test', '--case', String(n)] },
) }));
export default { from: { '': { kind: 'code', describe: 'code', async *make() { yield* tasks; } } } };
`;

const forms = { 'in YAML': ['pexen.yaml', inYaml], 'in code': ['pexen.config.mjs', inCode] } as const;
const command = join(import.meta.dirname, '../../../apps/pexen/src/cli.ts');

function listMs(file: string): number {
  const args = ['--conditions=@pexen/source', command, 'list', '--config', join(root, file)];
  const start = performance.now();
  const { stdout, status } = spawnSync(process.execPath, args, {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 1e9,
  });
  const ms = performance.now() - start;
  if (status !== 0 || stdout.split('\n').length !== tasks + 1)
    throw new Error(`it listed something else: ${status}`);
  return ms;
}

function middle(values: readonly number[]): string {
  const sorted = values.toSorted((a, b) => a - b);
  return `${Math.round(sorted[0] ?? 0)} (median ${Math.round(sorted[Math.floor(sorted.length / 2)] ?? 0)})`;
}

for (const [name, [file, text]] of Object.entries(forms)) {
  writeFileSync(join(root, file), text);
  const all = Array.from({ length: rounds }, () => listMs(file));
  console.log(`${name}: ${middle(all)} ms`);
}
rmSync(root, { recursive: true });
