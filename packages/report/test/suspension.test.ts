/** Ctrl-Z and fg, with a real process: its terminal while it is stopped, and after. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';

const source = new URL('../src/index.ts', import.meta.url).href;
const script = `
  const { live, multi } = await import(${JSON.stringify(source)});
  Object.assign(process.stdout, { isTTY: true, columns: 80, rows: 24 });
  const reporter = multi([live({ color: false })], ({ error }) => { throw error; });
  reporter.event({ type: 'run-started', version: 2, seq: 1, atMs: 0, startedAt: 0, pools: [] });
  reporter.event({ type: 'tasks-added', seq: 2, atMs: 0, origin: 'start', tasks: [{ id: 0, path: 'a', callPath: ['a'] }] });
  reporter.event({ type: 'task-started', seq: 3, atMs: 0, task: 0, path: 'a', attempt: 1, worker: 'w' });
  setInterval(() => {}, 1000); // as a run would: the reporter does not keep the process alive
  process.once('SIGUSR2', () => reporter.close().then(() => process.exit(0)));`;

const hide = '\u001b[?25l';
const show = '\u001b[?25h';

test.runIf(process.platform === 'linux')(
  'the cursor is shown while the process is stopped, and the picture when it continues',
  async () => {
    const argv = ['--conditions=@pexen/source', '--input-type=module', '-e', script];
    const child = spawn(process.execPath, argv, { cwd: fileURLToPath(new URL('..', import.meta.url)) });
    onTestFinished(() => void child.kill('SIGKILL'));
    let written = '';
    const waiting = new Set<() => void>();
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      written += text;
      for (const look of waiting) look();
    });
    const until = (isTrue: () => boolean): Promise<void> =>
      new Promise((resolve) => {
        const look = (): unknown => isTrue() && resolve();
        waiting.add(look);
        look();
      });

    await until(() => written.includes('1 running'));
    expect(written.lastIndexOf(hide)).toBeGreaterThan(written.lastIndexOf(show));
    const before = written.length;
    child.kill('SIGTSTP');
    await until(() => written.includes(show, before));
    const stopped = written.length;
    await expect.poll(() => stateOf(child.pid), { interval: 5 }).toBe('T');
    expect(written.slice(before)).not.toContain('1 running');

    child.kill('SIGCONT');
    await until(() => written.includes('1 running', stopped));
    expect(written.slice(stopped)).toContain(hide);
    child.kill('SIGUSR2');
    const code = await new Promise((resolve) => child.once('exit', resolve));
    expect(code).toBe(0);
    expect(written.lastIndexOf(show)).toBeGreaterThan(written.lastIndexOf(hide));
  },
);

/** The state in /proc: `T` is stopped. */
function stateOf(pid: number | undefined): string | undefined {
  return /\) (\w)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1];
}
