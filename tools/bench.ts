/**
 * `pnpm bench [name…] [--json FILE] […]`: runs the benches named, or all of them. Each is a program of its own package and prints its own
 * table; the arguments after the names are passed on to it. With several benches, `--json out.json` becomes `out-NAME.json`.
 */
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';

/** Name → program, and the folder it runs in. */
const benches = {
  sched: ['packages/sched', 'bench/sched.ts'],
  quality: ['packages/sched', 'bench/quality.ts'],
  locks: ['packages/lock', 'bench/locks.ts'],
  threads: ['packages/pool-thread', 'bench/threads.ts'],
  processes: ['packages/pool-process', 'bench/processes.ts'],
  executables: ['packages/pool-process', 'bench/executables.ts'],
  nodes: ['packages/pool-nats', 'bench/nodes.ts'],
  model: ['packages/report', 'bench/model.ts'],
  formats: ['packages/report', 'bench/formats.ts'],
  journal: ['packages/store', 'bench/journal.ts'],
  price: ['packages/store', 'bench/price.ts'],
  live: ['packages/page', 'bench/live.ts'],
  watch: ['packages/usecase-testsuite', 'bench/watch.ts'],
  yaml: ['packages/usecase-testsuite', 'bench/yaml.ts'],
  page: ['packages/page', 'bench/page.ts'],
} as const;

type Name = keyof typeof benches;

const words = process.argv.slice(2);
const known = Object.keys(benches) as Name[];
const firstOption = words.findIndex((word) => word.startsWith('-'));
const named = firstOption < 0 ? words : words.slice(0, firstOption);
const options = firstOption < 0 ? [] : words.slice(firstOption);
const unknown = named.find((name) => !known.includes(name as Name));
if (unknown !== undefined) {
  console.error(`There is no bench "${unknown}". There are: ${known.join(', ')}.`);
  process.exit(2);
}
const chosen = named.length === 0 ? known : (named as Name[]);
const { tokens } = parseArgs({
  args: options,
  strict: false,
  tokens: true,
  options: { json: { type: 'string' }, data: { type: 'string' } },
});
for (const name of chosen) process.exitCode = run(name) || process.exitCode;

/** Resolves with the exit code. */
function run(name: Name): number {
  const [cwd, program] = benches[name];
  console.log(`\n=== ${name}`);
  const args = ['--expose-gc', '--conditions=@pexen/source', program, ...optionsFor(name)];
  return spawnSync(process.execPath, args, { cwd, stdio: 'inherit' }).status ?? 1;
}

/** The arguments after the names; files and folders are relative to where the command was called. */
function optionsFor(name: Name): string[] {
  return tokens.flatMap((token) => {
    if (token.kind === 'positional') return [token.value];
    if (token.kind !== 'option') return ['--'];
    if (token.value === undefined) return [token.rawName];
    if (token.name === 'data') return [token.rawName, resolve(token.value)];
    return [token.rawName, token.name === 'json' ? resolve(fileFor(name, token.value)) : token.value];
  });
}

function fileFor(name: Name, file: string): string {
  return chosen.length === 1 ? file : file.replace(/(\.json)?$/, `-${name}.json`);
}
