/** Runs in the order of an earlier run. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'vitest';
import { folder, pexen, start } from './command.ts';

const script = (after: string) => `#!/bin/sh\necho ${after} >> order\n`;
describe.concurrent('pexen run --replay', () => {
  it('starts the same tests in the same order, and says what is different', async ({
    expect,
    onTestFinished,
  }) => {
    const names = ['a', 'b', 'c', 'd', 'e'];
    const files = Object.fromEntries(names.map((name) => [`${name}.sh`, script(name)]));
    const dir = await folder(files, onTestFinished);
    const order = (): string => {
      const text = readFileSync(join(dir, 'order'), 'utf8').replaceAll('\n', '');
      writeFileSync(join(dir, 'order'), '');
      return text;
    };
    await pexen(dir, 'run', '-j1', '--shuffle=3');
    const first = order();
    expect(first).not.toBe('abcde');
    const again = await pexen(dir, 'run', '--replay');
    expect(again.stderr).toContain('Replayed run 1: 5 starts in the same order, nothing overlapped.');
    expect(again.stdout).toContain('Replays run 1: its order of starts, and what overlapped.');
    expect(order()).toBe(first);

    writeFileSync(join(dir, 'a.sh'), '#!/bin/sh\necho a >> order\nexit 1\n');
    writeFileSync(join(dir, 'f.sh'), script('f'), { mode: 0o755 });
    const changed = await pexen(dir, 'run', '--replay=1', '-q');
    expect(changed.exitCode).toBe(1);
    expect(changed.stderr).toContain('Replayed run 1: 5 starts in the same order');
    expect(changed.stderr).toContain('  Not in run 1, and left out: f.sh');
    expect(changed.stderr).toContain('  a.sh: pass then, fail now');
    expect(order()).toBe(first);
  });

  it('goes on in the same order when it was interrupted and is resumed', async ({
    expect,
    onTestFinished,
  }) => {
    const names = ['d', 'b', 'e', 'a', 'f', 'c'];
    const steps = names.flatMap((name) => [{ start: `${name}.sh` }, { end: `${name}.sh` }]);
    const held = '#!/bin/sh\nuntil [ -e gate ]; do sleep 0.01; done\necho e >> order\n';
    const files = Object.fromEntries(names.map((name) => [`${name}.sh`, name === 'e' ? held : script(name)]));
    const dir = await folder(
      { ...files, 'order.json': JSON.stringify({ version: 1, steps }) },
      onTestFinished,
    );
    const first = start(dir, 'run', '--replay=order.json', '-j', '1');
    await first.until(({ stdout }) => /PASS.* b\.sh/.test(stdout));
    first.kill('SIGKILL');
    await first.ended;
    writeFileSync(join(dir, 'gate'), '');
    const resumed = await pexen(dir, 'resume');
    expect(resumed.exitCode, resumed.stdout + resumed.stderr).toBe(0);
    expect(resumed.stdout).toContain('Session 2 of run 1, in the order that it replays.');
    expect(readFileSync(join(dir, 'order'), 'utf8').replaceAll('\n', '')).toMatch(/^dbe+afc$/);
  });

  it('takes a schedule in a file, and refuses what is none', async ({ expect, onTestFinished }) => {
    const steps = [{ start: 'b.sh' }, { start: 'a.sh' }, { end: 'a.sh' }, { end: 'b.sh' }];
    const dir = await folder(
      {
        'a.sh': '#!/bin/sh\n: > seen\n',
        // That a has started is to be reported before this ends, on a busy machine as well.
        'b.sh': '#!/bin/sh\nuntil [ -e seen ]; do sleep 0.01; done\nsleep 1\n',
        'c.sh': script('c'),
        'order.json': JSON.stringify({ version: 1, steps }),
        'bad.json': JSON.stringify({ version: 1, steps: [{ start: 1 }] }),
      },
      onTestFinished,
    );
    const ran = await pexen(dir, 'run', '--replay=order.json');
    expect(ran.stdout, ran.stderr).toContain('2 passed');
    expect(ran.stderr).toContain('Replayed order.json: 2 starts in the same order, 1 overlap again.');
    const bad = await pexen(dir, 'run', '--replay=bad.json');
    expect(bad).toMatchObject({ exitCode: 2 });
    expect(bad.stderr).toMatch(/PEXEN_BAD_SCHEDULE.*bad\.json cannot be read: its step 1 is \{"start":1\}/);
    const none = await pexen(dir, 'run', '--replay=77');
    expect(none.stderr).toMatch(/PEXEN_UNKNOWN_RUN.*there is no run 77/);
    const both = await pexen(dir, 'run', '--replay=1', '--shuffle', '--repeat', '3', '--shard', '1/2');
    expect(both.exitCode).toBe(2);
    expect(both.stderr).toMatch(
      /3 problems[\s\S]*an order of its own[\s\S]*replayed once[\s\S]*Leave out --shard/,
    );
  });
});
