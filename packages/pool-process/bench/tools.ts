/** Tools that run programs, those of them that are installed, each of which runs `/bin/true` so many times. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, openSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Lap } from './side-by-side.ts';

interface Tool {
  readonly name: string;
  /** Writes what the tool reads into its folder. */
  readonly prepare: (folder: string) => void;
  readonly command: readonly string[];
  /** A file to be its stdin. */
  readonly stdin?: string;
  /** A file that it writes and that must not be there. */
  readonly writes?: string;
}

/** One lap for each tool that is there. */
export function tools(folder: string, count: number, atATime: number): Lap[] {
  return all(count, atATime)
    .filter(
      ({ command: [program = ''] }) =>
        spawnSync(program, ['--version'], { stdio: 'ignore' }).error === undefined,
    )
    .map((tool) => {
      const own = join(folder, tool.name);
      mkdirSync(own);
      tool.prepare(own);
      return { name: tool.name, lap: async () => (count / (await time(tool, own))) * 1_000 };
    });
}

function all(count: number, atATime: number): Tool[] {
  const numbers = Array.from({ length: count }, (_, number) => number);
  const jobs = String(atATime);
  return [
    {
      name: 'make',
      command: ['make', '-s', '-j', jobs],
      prepare: (folder) => {
        const targets = numbers.map((number) => `t${number}`);
        const rules = targets.map((target) => `${target}:\n\t@/bin/true`);
        writeFileSync(
          join(folder, 'Makefile'),
          `all: ${targets.join(' ')}\n${rules.join('\n')}\n.PHONY: all\n`,
        );
      },
    },
    {
      name: 'ninja',
      command: ['ninja', '--quiet', '-j', jobs],
      prepare: (folder) => {
        const builds = numbers.map((number) => `build t${number}: true`);
        writeFileSync(
          join(folder, 'build.ninja'),
          `rule true\n  command = /bin/true\n${builds.join('\n')}\n`,
        );
      },
    },
    {
      name: 'ctest',
      command: ['ctest', '-Q', '-j', jobs],
      prepare: (folder) => {
        const tests = numbers.map((number) => `add_test(t${number} /bin/true)`);
        writeFileSync(join(folder, 'CTestTestfile.cmake'), `${tests.join('\n')}\n`);
      },
    },
    {
      name: 'kyua',
      command: [
        ...[
          'kyua',
          '--config=none',
          '--loglevel=error',
          '--logfile=/dev/null',
          `--variable=parallelism=${jobs}`,
        ],
        ...['test', '--results-file=results.db'],
      ],
      writes: 'results.db',
      prepare: (folder) => {
        for (const number of numbers) symlinkSync('/bin/true', join(folder, `t${number}`));
        const tests = numbers.map((number) => `plain_test_program{name='t${number}'}`);
        writeFileSync(join(folder, 'Kyuafile'), `syntax(2)\ntest_suite('bench')\n${tests.join('\n')}\n`);
      },
    },
    {
      name: 'xargs',
      command: ['xargs', '-P', jobs, '-n', '1', '/bin/true'],
      prepare: (folder) => writeFileSync(join(folder, 'numbers'), numbers.join('\n')),
      stdin: 'numbers',
    },
  ];
}

function time({ command: [program = '', ...argv], stdin, writes }: Tool, folder: string): Promise<number> {
  if (writes !== undefined) rmSync(join(folder, writes), { force: true });
  const input = stdin === undefined ? 'ignore' : openSync(join(folder, stdin), 'r');
  const startedAt = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn(program, argv, { cwd: folder, stdio: [input, 'ignore', 'inherit'] });
    child.once('error', reject);
    child.once('exit', (code) =>
      code === 0 ? resolve(performance.now() - startedAt) : reject(new Error(`${program}: ${code}`)),
    );
  });
}
