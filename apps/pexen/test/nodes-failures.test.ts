/**
 * What the command does where something between a run and its nodes fails: with a real server, and each node and each run in a process of its own. Skipped
 * where there is no server to be had.
 */
import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findServer, initSecurity, type RunningServer, startServer } from '@pexen/pool-nats/node';
import { describe, expect, it } from 'vitest';
import { sampled } from '#sample';
import { type AtEnd, folder, startWith } from './command.ts';

const found = await findServer().catch((error: unknown) => String(error).split('\n')[0]);
const program = typeof found === 'object' ? found.file : '';

type Running = ReturnType<typeof startWith>;

/** Notes each of its starts, in a file of that name, and goes on until the file "go" is there; then what it has is passed on. */
const waits = (meta: string, started = 'started'): string => `
  import { appendFileSync, existsSync, readFileSync } from 'node:fs';
  import { setTimeout as sleep } from 'node:timers/promises';
  import { task } from 'pexen';
  export const waits = task(${meta}, async () => {
    appendFileSync('${started}', process.pid + '\\n');
    const runs = (pid) => { try { return process.kill(pid, 0); } catch { return false; } };
    const pids = readFileSync('${started}', 'utf8').split('\\n').filter(Boolean).map(Number);
    if (pids.slice(0, -1).some(runs)) throw new Error('it runs already');
    while (!existsSync('go')) await sleep(20);
  });
`;
/** Kills something at each start, and notes that. */
const kills = (meta: string, pid: string): string => `
  import { appendFileSync } from 'node:fs';
  import { task } from 'pexen';
  export const kills = task(${meta}, async () => {
    appendFileSync('started', process.pid + '\\n');
    process.kill(${pid}, 'SIGKILL');
    await new Promise(() => {});
  });
`;
const passes = (meta: string): string =>
  `import { task } from 'pexen';\nexport const passes = task(${meta}, () => {});`;
const teardown = "import { task } from 'pexen';\nexport const removes = task({ tearsDown: 'a' }, () => {});";

/** A configuration with a pool of nodes: short leases, since tests wait for them. */
function configuration(options = ''): string {
  return `
    import { nats } from '@pexen/pool-nats';
    import { defineSuite, tree } from 'pexen';
    const times = { heartbeatMs: 200, leaseMs: 3000, endingMs: 1000 };
    export default defineSuite({
      from: { tests: tree({ dir: 'tests' }) },
      pool: () => nats({ pool: 'lab', ...times, ${options} }),
    });`;
}

/** A folder with a suite, and what is started in it. */
class Lab {
  readonly dir: string;
  readonly #atEnd: AtEnd;
  readonly #variables: Record<string, string> = {};
  server: RunningServer | undefined;

  private constructor(dir: string, atEnd: AtEnd) {
    this.dir = dir;
    this.#atEnd = atEnd;
  }

  static async of(atEnd: AtEnd, tests: Readonly<Record<string, string>>, options?: string): Promise<Lab> {
    const files = Object.entries(tests).map(([name, text]) => [`tests/${name}`, text]);
    const all = { 'pexen.config.ts': configuration(options), ...Object.fromEntries(files) };
    return new Lab(await folder(all, atEnd), atEnd);
  }

  /** With a server that everyone on this machine may use. */
  async open(): Promise<this> {
    this.#served(await startServer(program));
    return this;
  }

  /** With a server that knows who is who; `scheduler` and the nodes have keys. */
  async secure(...nodes: readonly string[]): Promise<this> {
    const security = join(this.dir, 'security');
    await initSecurity({ folder: security, pool: 'lab', servers: 'tls://localhost:4222', nodes });
    this.#served(await startServer(program, { config: join(security, 'server/nats.conf') }));
    return this;
  }

  #served(server: RunningServer): void {
    this.server = server;
    this.#atEnd(() => server.stop());
    const url = server.url.replace('tls://127.0.0.1', 'tls://localhost');
    Object.assign(this.#variables, { PEXEN_NODE_SERVERS: url, PEXEN_NATS_SERVERS: url });
  }

  start(...words: readonly string[]): Running {
    const running = startWith(this.#variables, this.dir, ...words);
    this.#atEnd(async () => {
      running.kill('SIGKILL');
      await running.ended;
    });
    return running;
  }

  /** The same where there is no server. */
  startAway(...words: readonly string[]): Running {
    const nowhere = { PEXEN_NATS_SERVERS: 'nats://127.0.0.1:9' };
    return startWith({ ...this.#variables, ...nowhere }, this.dir, ...words);
  }

  async node(name: string, ...words: readonly string[]): Promise<Running> {
    const running = this.start('node', '--name', name, '--pool', 'lab', '--slots', '1', ...words);
    await running.sees('works for the pool');
    return running;
  }

  /** From now on the server does not let this one in: what is below that remark in its configuration is gone. */
  revoke(remark: string): void {
    const users = join(this.dir, 'security/server/users.conf');
    const entry = new RegExp(`  # ${remark}\\n  \\{[^]*?\\n  \\}\\n`);
    writeFileSync(users, readFileSync(users, 'utf8').replace(entry, ''));
    process.kill(this.server?.pid ?? 0, 'SIGHUP');
  }

  /** The test that notes its starts in that file has started. */
  async hasStarted(file = 'started'): Promise<void> {
    await expect.poll(() => existsSync(join(this.dir, file))).toBe(true);
  }

  /** The processes in which it has started. */
  startsIn(file: string): readonly number[] {
    return readFileSync(join(this.dir, file), 'utf8').split('\n').filter(Boolean).map(Number);
  }

  /** How often it has started. */
  get starts(): number {
    return this.startsIn('started').length;
  }

  /** What another machine has of the run: a copy of its folder as it is now. */
  copy(): string {
    cpSync(join(this.dir, '.pexen'), join(this.dir, 'copy'), { recursive: true });
    return 'copy';
  }

  go(): void {
    writeFileSync(join(this.dir, 'go'), '');
  }

  /** The test goes on, and the resumed run ends with it: it was started once. */
  async endsWell(resumed: Running): Promise<void> {
    this.go();
    expect(await resumed.ended).toMatchObject({ exitCode: 0 });
    expect(this.starts).toBe(1);
  }
}

/** A run whose one test has started on a node. */
async function runOnOneNode(
  atEnd: AtEnd,
  { rerunnable, leaseMs }: { readonly rerunnable: boolean; readonly leaseMs: number },
): Promise<{ readonly lab: Lab; readonly run: Running }> {
  const tests = { 'a.task.ts': waits(`{ rerunnable: ${rerunnable} }`) };
  const lab = await (await Lab.of(atEnd, tests, `leaseMs: ${leaseMs}`)).open();
  await lab.node('one');
  const run = lab.start('run');
  await lab.hasStarted();
  return { lab, run };
}

const keys = `nkey: 'security/scheduler/scheduler.nkey', tls: { ca: 'security/scheduler/ca.crt' }`;

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** What fails, and what follows. */
const cases: Readonly<Record<string, (atEnd: AtEnd) => Promise<void>>> = {
  'a node whose key is revoked says so and ends, and its tests run elsewhere': async (atEnd) => {
    const lab = await (await Lab.of(atEnd, { 'a.task.ts': waits('{ rerunnable: true }') }, keys)).secure(
      'one',
      'two',
    );
    const node = (name: string) => lab.node(name, '--file', `security/nodes/${name}/node.json`);
    const one = await node('one');
    const run = lab.start('run');
    await lab.hasStarted();
    const two = await node('two');
    lab.revoke('the node one');
    const { exitCode, stderr } = await one.ended;
    expect([exitCode, stderr]).toEqual([3, expect.stringContaining('PEXEN_NATS_CLOSED')]);
    lab.go();
    const ended = await run.ended;
    expect([ended.exitCode, ended.stdout], ended.stderr).toEqual([0, expect.stringMatching(/1 flaky/)]);
    two.kill('SIGTERM');
    expect(await two.ended).toMatchObject({ exitCode: 0 });
  },

  'a run whose key is revoked says so and ends; its node is free again': async (atEnd) => {
    const tests = { 'a.task.ts': waits("{ provides: ['a'] }"), 'b.task.ts': teardown };
    const lab = await (await Lab.of(atEnd, tests, keys)).secure('one');
    const one = await lab.node('one', '--file', 'security/nodes/one/node.json');
    const run = lab.start('run');
    await lab.hasStarted();
    lab.revoke('a scheduler');
    const { exitCode, stdout, stderr } = await run.ended;
    expect([exitCode, stderr], stdout).toEqual([3, expect.stringContaining('PEXEN_NATS_CLOSED')]);
    one.kill('SIGTERM');
    expect(await one.ended).toMatchObject({ exitCode: 0 });
  },

  'a run that goes on is not resumed from a copy of its folder: that says who has it, and exits with 3':
    async (atEnd) => {
      const { lab, run } = await runOnOneNode(atEnd, { rerunnable: false, leaseMs: 60_000 });
      const copy = lab.copy();
      for (const _ of [1, 2]) {
        const { exitCode, stderr } = await lab.start('resume', '--state-dir', copy).ended;
        expect([exitCode, stderr]).toEqual([
          3,
          expect.stringMatching(
            new RegExp(
              `PEXEN_RUN_IN_USE session 1 of this run, on .* \\(process ${run.pid}\\) since \\d.* UTC, works`,
            ),
          ),
        ]);
      }
      run.kill('SIGKILL');
      await run.ended;
      const resumed = lab.start('resume', '--state-dir', copy);
      await resumed.sees('ADOPTED');
      const { exitCode, stderr } = await lab.start('resume').ended;
      expect([exitCode, stderr]).toEqual([3, expect.stringContaining(`(process ${resumed.pid})`)]);
      await lab.endsWell(resumed);
    },

  'a resume that does not reach its nodes decides nothing, and exits with 3; the next one does not lose anything':
    async (atEnd) => {
      const { lab, run } = await runOnOneNode(atEnd, { rerunnable: false, leaseMs: 60_000 });
      run.kill('SIGKILL');
      await run.ended;
      const { exitCode, stderr } = await lab.startAway('resume').ended;
      expect([exitCode, stderr]).toEqual([3, expect.stringContaining('PEXEN_NATS_CONNECT')]);
      const resumed = lab.start('resume');
      await resumed.sees('ADOPTED');
      await lab.endsWell(resumed);
    },

  'a run that is stopped for too long is taken over from a copy of its folder, and ends when it wakes up':
    async (atEnd) => {
      const { lab, run } = await runOnOneNode(atEnd, { rerunnable: true, leaseMs: 6000 });
      const copy = lab.copy();
      run.kill('SIGSTOP');
      const resumed = lab.start('resume', '--state-dir', copy);
      // It goes on with what runs there, or runs it again: that depends on how fast it was.
      await resumed.until(({ stdout }) => stdout.includes('ADOPTED') || lab.starts > 1);
      run.kill('SIGCONT');
      const { exitCode, stderr } = await run.ended;
      expect([exitCode, stderr]).toEqual([3, expect.stringContaining('PEXEN_NODE_SUPERSEDED')]);
      lab.go();
      const ended = await resumed.ended;
      expect([ended.exitCode, ended.stderr]).toEqual([0, expect.stringContaining('PEXEN_RUN_WAITS')]);
    },

  'a run that is killed, and gone for longer than its leases: its nodes end what it ran, and a resume runs that again, if it may':
    async (atEnd) => {
      const tests = {
        'a.task.ts': waits("{ claims: ['/board'] }"),
        'b.task.ts': waits('{ rerunnable: false }', 'once'),
      };
      const lab = await (await Lab.of(atEnd, tests, 'nodes: 2, leaseMs: 8000')).open();
      const [one] = [await lab.node('one'), await lab.node('two')];
      const run = lab.start('run');
      await Promise.all([lab.hasStarted(), lab.hasStarted('once')]);
      run.kill('SIGKILL');
      await run.ended;
      const left = [...lab.startsIn('started'), ...lab.startsIn('once')];
      await expect.poll(() => left.filter(isRunning), { timeout: 60_000 }).toEqual([]);
      const resumed = lab.start('resume');
      await expect.poll(() => lab.starts, { timeout: 60_000 }).toBe(2);
      lab.go();
      const { exitCode, stdout, stderr } = await resumed.ended;
      expect([exitCode, stdout], stderr).toEqual([1, expect.stringMatching(/1 passed, 1 crashed/)]);
      expect(stdout).not.toContain('ADOPTED');
      expect([lab.starts, lab.startsIn('once').length]).toEqual([2, 1]);
      one.kill('SIGTERM');
      expect(await one.ended).toMatchObject({ exitCode: 0 });
    },

  'a test kills each process that it runs in: it has crashed as often as it may, and the others go on':
    async (atEnd) => {
      const tests = { 'a.task.ts': kills('{ retries: 2 }', 'process.pid'), 'b.task.ts': passes('{}') };
      const lab = await (await Lab.of(atEnd, tests)).open();
      await lab.node('one');
      const { exitCode, stdout, stderr } = await lab.start('run').ended;
      expect([exitCode, stdout], stderr).toEqual([1, expect.stringMatching(/1 passed, 1 crashed/)]);
      expect(stdout).toContain('SIGKILL');
      expect(lab.starts).toBe(3);
    },

  'a test kills the agent of its node each time, which is started again: it is lost for good with the third, and the others go on':
    async (atEnd) => {
      const tests = {
        'a.task.ts': kills("{ on: 'name=old' }", 'process.ppid'),
        'b.task.ts': passes("{ on: 'name=fit' }"),
      };
      const lab = await (await Lab.of(atEnd, tests, 'nodes: 2, leaseMs: 60_000')).open();
      await lab.node('fit');
      let old = await lab.node('old');
      const run = lab.start('run');
      for (const _ of [1, 2, 3]) {
        await old.ended;
        old = await lab.node('old');
      }
      const { exitCode, stdout, stderr } = await run.ended;
      expect([exitCode, stdout], stderr).toEqual([1, expect.stringMatching(/1 passed, 1 crashed/)]);
      expect(lab.starts).toBe(3);
    },

  'values of more than a packet pass from node to node; one of more than 64 MiB fails its test, and nothing else':
    async (atEnd) => {
      const text = `
        import { key, task } from 'pexen';
        const [two, huge] = [key('two'), key('huge')];
        const text = (mebibytes) => 'x'.repeat(mebibytes * 1024 ** 2);
        export const fits = task({ on: 'name=one', provides: [two] }, ({ set }) => set(two, text(2)));
        export const arrives = task({ on: 'name=two', requires: [two] }, ({ get }) => {
          if (get(two) !== text(2)) throw new Error('it is another one');
        });
        export const exceeds = task({ on: 'name=one', provides: [huge] }, ({ set }) => set(huge, text(65)));
        export const misses = task({ requires: [huge] }, () => {});
        export const goesOn = task({ on: 'name=one', after: [exceeds] }, () => {});
      `;
      const lab = await (await Lab.of(atEnd, { 'a.task.ts': text }, 'nodes: 2, leaseMs: 60_000')).open();
      await Promise.all([lab.node('one'), lab.node('two')]);
      const { exitCode, stdout, stderr } = await lab.start('run').ended;
      expect([exitCode, stdout], stderr).toEqual([1, expect.stringMatching(/3 passed, 1 error, 1 skipped/)]);
      expect(stdout).toContain('PEXEN_VALUE_TOO_LARGE');
    },
};

describe.skipIf(program === '')('where something fails', () => {
  it.concurrent.for(sampled(Object.entries(cases)))(
    '%s',
    { timeout: 300_000 },
    ([, play], { onTestFinished }) => play((act) => onTestFinished(act)),
  );
});

it('there is a server to test with', ({ skip }) => {
  if (program === '') skip(String(found));
  expect(program).toMatch(/nats-server/);
});
