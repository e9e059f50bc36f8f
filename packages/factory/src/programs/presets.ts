/** Programs of well-known test tools: how each is started, and what its output and its exit codes mean. */

import { PexenError } from '@pexen/core';
import type { Factory } from '../factory.ts';
import {
  checkOptions,
  type OptionName,
  type PresetOptions,
  type ProgramFile,
  type ProgramsOptions,
} from '../options.ts';
import type { ExitMeaning } from './interpret.ts';
import { programsFactory } from './programs.ts';

/** Tools that number their failures have no exit codes with another meaning. */
const noSpecialCodes: Readonly<Record<number, ExitMeaning>> = { 77: 'fail', 99: 'fail' };

interface Preset extends Omit<ProgramsOptions, 'files' | 'dir'> {
  readonly files: readonly string[];
}

const known: readonly OptionName[] = [
  'dir',
  'files',
  'exclude',
  'followLinks',
  'meta',
  'args',
  'cwd',
  'argv',
  'env',
];

function presetFactory(name: string, options: PresetOptions, preset: Preset, batchable = false): Factory {
  if (!batchable && 'batch' in options) throw cannotBatch(name);
  checkOptions(name, options, batchable ? [...known, 'batch'] : known, []);
  const { args: _, env = {}, ...given } = options;
  return programsFactory(name, { ...preset, ...given, env: { ...preset.env, ...env } });
}

function cannotBatch(name: string): PexenError {
  return new PexenError([
    {
      code: 'PEXEN_BAD_OPTION',
      message: `${name}: it has no option "batch", since its output does not name the file of each result`,
      hint: 'Leave it out: each file is started by itself.',
    },
  ]);
}

/**
 * Perl tests, as `prove -l` runs them: `perl -Ilib FILE`, with the switches -T, -t and -w of the file's first line.
 *
 * @example prove({ files: 't/**\/*.t' })
 */
export function prove(options: PresetOptions = {}): Factory {
  const { args = ['-Ilib'] } = options;
  return presetFactory('prove', options, {
    files: ['t/**/*.t'],
    command: (file) => ['perl', ...perlSwitches(file), ...args, '{file}'],
    env: { HARNESS_ACTIVE: '1' },
    tap: 'perl',
    exitCodes: noSpecialCodes,
  });
}

/** Perl refuses -T on the first line of a file unless it is also among its own arguments. */
function perlSwitches({ head }: ProgramFile): string[] {
  const [, rest = ''] = /^#!.*?perl\S*(.*)/.exec(head) ?? [];
  const letters = [...rest.matchAll(/(?<=^|\s)-(\w+)/g)].map(([, each = '']) => each).join('');
  return ['T', 't', 'w'].filter((letter) => letters.includes(letter)).map((letter) => `-${letter}`);
}

/**
 * Tests for node:test, each file in a process: `node --test-reporter=tap FILE`.
 *
 * @example nodeTest({ files: 'test/**\/*.test.js', args: ['--import', 'tsx'] })
 */
export function nodeTest(options: PresetOptions = {}): Factory {
  const { args = [] } = options;
  const ends = '{js,cjs,mjs,ts,cts,mts}';
  return presetFactory('nodeTest', options, {
    files: [`**/{*.test,*-test,*_test,test-*,test}.${ends}`],
    command: ['node', '--test-reporter=tap', ...args, '{file}'],
    exitCodes: noSpecialCodes,
  });
}

/**
 * Tests for Vitest: `vitest run --reporter=tap FILE`. `batch` runs several files in one start.
 *
 * @example vitest({ files: 'src/**\/*.test.ts', batch: 20 })
 */
export function vitest(options: PresetOptions & { readonly batch?: number } = {}): Factory {
  const { args = [] } = options;
  const preset: Preset = {
    files: ['**/*.{test,spec}.{js,cjs,mjs,jsx,ts,cts,mts,tsx}'],
    // The file is a filter: of an absolute path no other file has it as a part.
    command: ['vitest', 'run', '--reporter=tap', ...args, '{path}'],
    tap: 'vitest',
    exitCodes: noSpecialCodes,
  };
  return presetFactory('vitest', options, preset, true);
}

/**
 * Tests for bats: `bats --tap FILE`.
 *
 * @example bats({ files: 'test/*.bats' })
 */
export function bats(options: PresetOptions = {}): Factory {
  const { args = [] } = options;
  return presetFactory('bats', options, {
    files: ['**/*.bats'],
    command: ['bats', '--tap', ...args, '{file}'],
    tap: true,
    exitCodes: noSpecialCodes,
  });
}

/**
 * Tests for pytest: `pytest -rap FILE`. `batch` runs several files in one start. A file without tests is skipped.
 *
 * @example pytest({ files: 'tests/**\/test_*.py', batch: 20 })
 */
export function pytest(options: PresetOptions & { readonly batch?: number } = {}): Factory {
  const { args = [] } = options;
  const preset: Preset = {
    files: ['**/{test_*,*_test}.py'],
    command: ['pytest', '-rap', '--tb=short', '--color=no', '-p', 'no:cacheprovider', ...args, '{file}'],
    // The summary cuts messages at this width.
    env: { COLUMNS: '160' },
    tap: false,
    lines: 'pytest',
    exitCodes: { 5: 'skip' },
  };
  return presetFactory('pytest', options, preset, true);
}

/**
 * Packages of Go, a task for each directory: `go test -v ./DIR`.
 *
 * @example goTest({ files: 'internal/**\/*_test.go' })
 */
export function goTest(options: PresetOptions = {}): Factory {
  const { args = [] } = options;
  return presetFactory('goTest', options, {
    files: ['**/*_test.go'],
    per: 'dir',
    command: ['go', 'test', '-v', ...args, './{dir}'],
    tap: false,
    lines: 'go',
  });
}
