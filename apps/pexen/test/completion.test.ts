/** Completion in shells, and the page that explains every option. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { describe, it } from 'vitest';
import { bin, conditions } from '#command';
import { folder, pexen } from './command.ts';

const page = readFileSync(new URL('../../../docs/command.md', import.meta.url), 'utf8');
const sh = '#!/bin/sh\nexit 0\n';

describe.concurrent('pexen complete', () => {
  it('suggests commands, options, their values, and call paths of the last run', async ({
    expect,
    onTestFinished,
  }) => {
    const dir = await folder({ 'net/ping.sh': sh, 'net/mtu.sh': sh, 'disk.sh': sh }, onTestFinished);
    const suggested = async (...words: string[]) => {
      const { stdout } = await pexen(dir, 'complete', '--', ...words);
      return stdout
        .split('\n')
        .slice(0, -2)
        .map((line) => line.split('\t')[0]);
    };
    expect(await suggested('re')).toEqual(['resume', 'report', 'replay']);
    expect((await suggested('run', '--fail')).toSorted()).toEqual([
      ...['--fail-on-flaky', '--failed-first', '--failures'],
    ]);
    expect(await suggested('run', '--pool', '')).toEqual(['processes', 'threads', 'inline']);
    expect(await suggested('run', 'net/')).toEqual([]);
    expect((await pexen(dir, 'run')).exitCode).toBe(0);
    expect((await suggested('run', 'net/')).toSorted()).toEqual(['net/mtu.sh', 'net/ping.sh']);
    expect(await suggested('list', 'status:f')).toEqual(['status:failed', 'status:flaky']);
  });

  it.for(['bash', 'zsh', 'fish'])('prints the script for %s', async (shell, { expect, onTestFinished }) => {
    const { stdout, exitCode } = await pexen(await folder({}, onTestFinished), 'complete', shell);
    expect(stdout).toContain('pexen complete --');
    expect(exitCode).toBe(0);
  });

  it('works in bash (skipped without its package bash-completion)', async ({
    expect,
    onTestFinished,
    skip,
  }) => {
    const library = '/usr/share/bash-completion/bash_completion';
    if (!existsSync(library)) return skip('there is no bash-completion');
    const dir = await folder({ 'net/ping.sh': sh }, onTestFinished);
    await pexen(dir, 'run');
    const script = `source ${library}
      pexen() { ${process.execPath} ${conditions.join(' ')} ${bin} "$@"; }
      source <(pexen complete bash)
      COMP_WORDS=(pexen run net/); COMP_CWORD=2; COMP_LINE='pexen run net/'; COMP_POINT=14
      __pexen_complete 2>/dev/null; printf '%s\\n' "\${COMPREPLY[@]}"`;
    expect(execFileSync('bash', ['-c', script], { cwd: dir, encoding: 'utf8' })).toContain('net/ping.sh');
  });
});

describe.concurrent('the page of the command', () => {
  it.for(['run', 'list', 'graph', 'why'])(
    'explains every option of pexen %s',
    async (command, { expect, onTestFinished }) => {
      const { stdout } = await pexen(await folder({}, onTestFinished), command, '--help');
      const options = [...stdout.matchAll(/^ {2}(?:-\w, )?(--[a-z-]+)/gm)].map(([, name]) => name);
      const unexplained = options.filter(
        (name) => !['--help', '--version', '--json'].includes(name ?? '') && !page.includes(`${name}`),
      );
      expect(unexplained).toEqual([]);
    },
  );
});
