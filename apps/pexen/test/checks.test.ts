/** A planted leak of each kind, while four tests overlap: its check finds it, and blames the right tests. */
import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { folder, pexen } from './command.ts';

const script = (text: string): string => `#!/bin/sh\n${text}\n`;
/** All four are there before a leak is planted, and all leaks are planted before one of the four ends. */
const meet =
  'touch "$MARKS/$(basename $0).in"; until [ $(ls "$MARKS" | grep -c in$) = 4 ]; do sleep 0.05; done';
const part =
  'for mark in planted pid-port pid-process; do until [ -s "$MARKS/$mark" ]; do sleep 0.05; done; done';

const tests: Readonly<Record<string, string>> = {
  't/clean': script(`${meet}; ${part}`),
  't/file': script(`${meet}; touch "$WATCHED/left"; echo >"$MARKS/planted"; ${part}`),
  't/port': script(`${meet}; PEXEN_ATTEMPT= setsid node -e '
require("net").createServer().listen(0, "127.0.0.1", () => require("fs").writeFileSync(process.env.MARKS + "/pid-port", String(process.pid)));
setTimeout(() => {}, 60000)' >/dev/null 2>&1 &
${part}`),
  't/process':
    script(`${meet}; PEXEN_ATTEMPT= setsid sh -c 'mkfifo "$MARKS/never"; echo $$ >"$MARKS/pid-process"; read line <"$MARKS/never"' &
${part}`),
};

const config = `import { appendFileSync } from 'node:fs';
import { defineSuite, executables } from 'pexen';
const reporter = { event(event) {
  if (event.type !== 'task-finished') return;
  const findings = event.findings.map(({ name, message }) => [name, message.replace(/^(process|port) [^]*$/, '$1')]);
  appendFileSync('found', JSON.stringify([event.path, event.judgement.verdict, findings]) + '\\n');
}, close() {} };
export default defineSuite({
  from: { '': executables({ dir: 't' }) },
  workers: 4,
  reporters: [reporter],
  checks: { processes: 'warn', ports: 'warn', files: { in: ['watched'], report: 'fail' } },
});
`;

test.skipIf(process.platform !== 'linux' || !existsSync('/usr/bin/setsid'))(
  'leaks of four tests that overlap (Linux, with setsid)',
  { timeout: 120_000 },
  async () => {
    const dir = await folder(
      { ...tests, 'pexen.config.ts': config.replace("'watched'", 'process.env.WATCHED') },
      async () => {},
    );
    for (const name of Object.keys(tests)) await chmod(join(dir, name), 0o755);
    const [marks, watched] = [join(dir, 'marks'), join(dir, 'watched')];
    await mkdir(join(marks, 't'), { recursive: true });
    await mkdir(watched);
    Object.assign(process.env, { MARKS: marks, WATCHED: watched });
    onTestFinished(async () => {
      for (const name of ['port', 'process']) {
        const pid = Number(await readFile(join(marks, `pid-${name}`), 'utf8').catch(() => ''));
        if (pid > 1) process.kill(pid);
      }
    });
    const ended = await pexen(dir, 'run');
    const text = await readFile(join(dir, 'found'), 'utf8').catch(() => ended.stderr);
    const found = new Map(
      text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as [string, string, [string, string][]])
        .map((each) => [each[0], each] as const),
    );
    const named = (path: string, name: string): string[] =>
      (found.get(path)?.[2] ?? [])
        .filter((finding) => finding[0] === `left behind (${name})`)
        .map(([, message]) => message);
    const paths = ['clean', 'file', 'port', 'process'];
    // The file may have been left by each of them; the others say whose they are.
    const namedBy = paths.map((path) => {
      const [message = ''] = named(path, 'files');
      expect([path, message.startsWith(join(watched, 'left'))]).toEqual([path, true]);
      expect(found.get(path)?.[1]).toBe('fail');
      return message
        .replace(/^.*?(?:same time: |$)/, '')
        .split(', ')
        .filter(Boolean).length;
    });
    expect(Math.max(...namedBy)).toBe(3);
    expect(paths.map((path) => named(path, 'ports'))).toEqual([[], [], ['port'], []]);
    expect(paths.map((path) => named(path, 'processes'))).toEqual([
      ...[[], []],
      ...[['process'], ['process']],
    ]);
  },
);
