/**
 * `pnpm bench [name…] [--json FILE] […]`: runs the benches named, or all of them. Each is a program of its own package and prints its own
 * table; what stands behind the names is handed on to it. With several benches, `--json out.json` becomes `out-NAME.json`.
 */
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';

/** Name → program, and the folder it runs in. */
const benches = {
  sched: ['packages/sched', 'bench/sched.ts'],
  quality: ['packages/sched', 'bench/quality.ts'],
  locks: ['packages/lock', 'bench/locks.ts'],
  threads: ['packages/pool-thread', 'bench/threads.ts'],
  processes: ['packages/pool-process', 'bench/processes.ts'],
  executables: ['packages/pool-process', 'bench/executables.ts'],
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
const { values } = parseArgs({ args: options, strict: false, options: { json: { type: 'string' } } });
for (const name of chosen) process.exitCode = run(name) || process.exitCode;

/** Answers with the exit code. */
function run(name: Name): number {
  const [cwd, program] = benches[name];
  console.log(`\n=== ${name}`);
  const args = ['--expose-gc', '--conditions=@pexen/source', program, ...optionsFor(name)];
  return spawnSync(process.execPath, args, { cwd, stdio: 'inherit' }).status ?? 1;
}

/** Files are relative to where the command was called, which is the root. */
function optionsFor(name: Name): string[] {
  if (typeof values.json !== 'string') return options;
  const file = chosen.length === 1 ? values.json : values.json.replace(/(\.json)?$/, `-${name}.json`);
  return options.map((word) => (word === values.json ? `${process.cwd()}/${file}` : word));
}
