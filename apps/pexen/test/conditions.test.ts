/** Conditions in headers, in code and in the configuration, as the command shows them. */
import { describe, it } from 'vitest';
import { folder, pexen } from './command.ts';

const sh = (header: string) => `#!/bin/sh\n# pexen: ${header}\ntrue\n`;

describe.concurrent('conditions', () => {
  it('skip what does not apply, with all reasons, and what requires it', async ({
    expect,
    onTestFinished,
  }) => {
    const files = {
      't/a.sh': sh('{ needs: { programs: [sh, no-such-tool], files: gone } }'),
      't/b.sh': sh('{ when: { if: \'platform == "none"\', because: needs another system } }'),
      't/c.sh': sh(
        '{ needs: { programs: sh, files: [a.sh, /], env: PATH }, when: { if: hasFile("t/a.sh") } }',
      ),
      't/d.sh': sh('{ when: { if: board == "rpi" && docker.version.isAtLeast("27") }, provides: [d] }'),
      't/e.sh': sh(`{ when: { if: 'board == "none" ? false : docker.version == "1"' }, requires: [d] }`),
      'code.task.mjs': `import { needs, task } from 'pexen';
export const f = task({ when: needs({ memory: '1K' }, ({ board }) => board === 'rpi' || 'no board') }, () => {});`,
      'pexen.config.mjs': `import { defineSuite, tree } from 'pexen';
export default defineSuite({
  from: { '': tree({ dir: '.', exclude: ['*.config.mjs'] }) },
  facts: { board: () => process.env.BOARD ?? 'none', docker: async () => ({ version: '27.1' }) },
});`,
    };
    const dir = await folder(files, onTestFinished);
    const { stdout, stderr, exitCode } = await pexen(dir, 'run', '--reporter', 'lines');
    expect(stderr).toBe('');
    const skipped = [...stdout.matchAll(/SKIP \[.*?\] (.*)/g)].map(([, text]) => text).toSorted();
    expect(skipped).toEqual([
      'code/f  no board',
      't/a.sh  needs no-such-tool, which is not on PATH; gone, which does not exist',
      't/b.sh  needs another system',
      't/d.sh  not so here: board == "rpi" && docker.version.isAtLeast("27")',
      't/e.sh  not so here: board == "none" ? false : docker.version == "1"',
    ]);
    expect(stdout).toMatch(/6 tasks: 1 passed, 5 skipped/);
    expect(exitCode).toBe(0);
  });

  it('mistakes are reported together, before anything runs', async ({ expect, onTestFinished }) => {
    const dir = await folder(
      {
        't/a.sh': sh('{ when: { if: memry.totalMb > 1 } }'),
        't/b.sh': sh('{ needs: { programms: git } }'),
        't/c.sh': sh('{ when: { if: os.name == "x" } }'),
      },
      onTestFinished,
    );
    const { stderr, exitCode } = await pexen(dir, 'list', 't');
    expect(stderr).toMatch(/unknown fact "memry"\n +at t\/a\.sh:2:24\n +Did you mean "memory"\?/);
    expect(stderr).toMatch(/unknown entry "programms"\n +at t\/b\.sh:2:21\n +Did you mean "programs"\?/);
    expect(exitCode).toBe(2);
  });

  it('an error of an expression names it', async ({ expect, onTestFinished }) => {
    const dir = await folder({ 't/c.sh': sh('{ when: { if: os.name == "x" } }') }, onTestFinished);
    const { stderr, exitCode } = await pexen(dir, 'list', 't');
    expect(stderr).toContain('its "when" threw: "os.name == "x"": is wrong: no such key: name');
    expect(exitCode).toBe(2);
  });

  it('pexen facts shows what they find, own facts included, and no variables', async ({
    expect,
    onTestFinished,
  }) => {
    const config = `import { defineSuite, tree } from 'pexen';
export default defineSuite({
  from: { '': tree({ dir: '.' }) },
  facts: {
    board: { name: 'rpi', pins: [1, 2] },
    docker: async () => ({ version: '27.1' }),
    gpu: async () => Promise.reject(new Error('no driver')),
    help: () => undefined,
  },
});`;
    const dir = await folder({ 'pexen.config.mjs': config }, onTestFinished);
    const { stdout, exitCode } = await pexen(dir, 'facts');
    expect(exitCode).toBe(0);
    const rows = Object.fromEntries(stdout.split('\n').map((line) => line.split(/ {2,}/)));
    expect(rows).toMatchObject({
      platform: JSON.stringify(process.platform),
      'board.name': '"rpi"',
      'board.pins': '[1,2]',
      'docker.version': '"27.1"',
      gpu: 'the fact "gpu" could not be determined: its function rejected: no driver',
      help: 'undefined',
    });
    expect(Object.keys(rows)).toContain('memory.totalMb');
    expect(stdout).not.toMatch(/PATH|hasProgram/);
    const json = JSON.parse((await pexen(dir, 'facts', '--json')).stdout);
    expect(json).toMatchObject({
      facts: { arch: process.arch, docker: { version: '27.1' } },
      problems: { gpu: expect.stringContaining('no driver') },
    });
    expect(json.facts).not.toHaveProperty('env');
  });
});
