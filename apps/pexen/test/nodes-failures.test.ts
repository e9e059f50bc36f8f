/**
 * What the command does where something between a run and its nodes fails: with a real server, and each node and each run in a process of its own. Skipped
 * where there is no server to be had.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findServer, initSecurity, type RunningServer, startServer } from '@pexen/pool-nats/node';
import { describe, expect, it } from 'vitest';
import { sampled } from '#sample';
import { type AtEnd, folder, startWith } from './command.ts';

const found = await findServer().catch((error: unknown) => String(error).split('\n')[0]);
const program = typeof found === 'object' ? found.file : '';

type Running = ReturnType<typeof startWith>;

/** Goes on until the file "go" is there; then what it has is passed on. */
const waits = (meta: string): string => `
  import { existsSync, writeFileSync } from 'node:fs';
  import { setTimeout as sleep } from 'node:timers/promises';
  import { task } from 'pexen';
  export const waits = task(${meta}, async () => {
    writeFileSync('started', '');
    while (!existsSync('go')) await sleep(20);
  });
`;
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

  /** The test that waits has started. */
  async hasStarted(): Promise<void> {
    await expect.poll(() => existsSync(join(this.dir, 'started'))).toBe(true);
  }

  go(): void {
    writeFileSync(join(this.dir, 'go'), '');
  }
}

const keys = `nkey: 'security/scheduler/scheduler.nkey', tls: { ca: 'security/scheduler/ca.crt' }`;

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
};

describe.skipIf(program === '')('where something fails', () => {
  it.concurrent.for(sampled(Object.entries(cases)))('%s', ([, play], { onTestFinished }) =>
    play((act) => onTestFinished(act)),
  );
});

it('there is a server to test with', ({ skip }) => {
  if (program === '') skip(String(found));
  expect(program).toMatch(/nats-server/);
});
