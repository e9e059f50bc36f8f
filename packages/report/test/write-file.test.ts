/** Writing a report: atomically to a plain file, and into devices and pipes. */
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { prepareFile, writeWhole } from '../src/write-file.ts';

function folder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'pexen-report-'));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  return dir;
}

test('an older file is removed first; the new one appears as a whole', () => {
  const dir = folder();
  const file = join(dir, 'deep/er/out.xml');
  prepareFile(file);
  writeWhole(file, ['old']);
  prepareFile(file);
  expect(existsSync(file)).toBe(false);
  expect(() =>
    writeWhole(
      file,
      (function* () {
        yield 'half';
        throw new Error('no stream');
      })(),
    ),
  ).toThrow('no stream');
  expect(readdirSync(join(dir, 'deep/er'))).toEqual([]);
  writeWhole(file, ['a', 'b']);
  expect(readFileSync(file, 'utf8')).toBe('ab');
});

test('a link stays a link, and its target is written', () => {
  const dir = folder();
  writeFileSync(join(dir, 'real.xml'), 'old');
  symlinkSync('real.xml', join(dir, 'link.xml'));
  writeWhole(join(dir, 'link.xml'), ['new']);
  expect(lstatSync(join(dir, 'link.xml')).isSymbolicLink()).toBe(true);
  expect(readFileSync(join(dir, 'real.xml'), 'utf8')).toBe('new');
});

test.runIf(existsSync('/dev/full'))('a device is written to, and stays one', () => {
  prepareFile('/dev/full');
  expect(() => writeWhole('/dev/full', ['x'])).toThrow('ENOSPC');
  expect(statSync('/dev/full').isCharacterDevice()).toBe(true);
});

test.runIf(existsSync('/dev/stdout'))('what a shell has opened is written to, and not replaced', () => {
  const dir = folder();
  const { href } = new URL('../src/write-file.ts', import.meta.url);
  const script = `import { prepareFile, writeWhole } from ${JSON.stringify(href)};
    console.log('before'); prepareFile('/dev/stdout'); writeWhole('/dev/stdout', ['whole\\n']);`;
  writeFileSync(join(dir, 'script.mjs'), script);
  expect(execFileSync('sh', ['-c', `"$0" script.mjs | cat`, process.execPath], { cwd: dir }).toString()).toBe(
    'before\nwhole\n',
  );
  execFileSync('sh', ['-c', '"$0" script.mjs >> out', process.execPath], { cwd: dir });
  expect(readFileSync(join(dir, 'out'), 'utf8')).toBe('before\nwhole\n');
});

test('a file that cannot be written is an error before the run', () => {
  const dir = folder();
  mkdirSync(join(dir, 'out.xml'));
  expect(() => prepareFile(join(dir, 'out.xml'))).toThrow(`EISDIR: ${dir}/out.xml is a folder`);
  writeFileSync(join(dir, 'file'), '');
  expect(() => prepareFile(join(dir, 'file/out.xml'))).toThrow(/ENOTDIR|EEXIST/);
});

test('a folder that cannot be made is an error', () => {
  const dir = folder();
  symlinkSync('nowhere', join(dir, 'link'));
  expect(() => prepareFile(join(dir, 'link/out.xml'))).toThrow(/ENOENT|EEXIST/);
  expect(() => prepareFile(join(dir, 'link/deep/out.xml'))).toThrow(/ENOENT|EEXIST/);
});

/** In a process of its own, since the fault was an endless loop. */
test.runIf(existsSync('/proc/self'))('a folder that the system refuses to make is an error', () => {
  const { href } = new URL('../src/write-file.ts', import.meta.url);
  const script = `import { prepareFile } from ${JSON.stringify(href)};
    try { prepareFile('/proc/no/such/out.xml'); } catch (error) { console.log(error.code); }`;
  const options = { timeout: 20_000, killSignal: 'SIGKILL' } as const;
  const printed = execFileSync(process.execPath, ['--input-type=module', '-e', script], options);
  expect(printed.toString()).toBe('ENOENT\n');
});
