/** The loop of a watched suite, by a scripted clock and scripted rounds. */

import { describe, expect, test } from 'vitest';
import { ScriptedClock } from '#scripted-clock';
import type { RoundOrder, RoundReport } from '../../src/watch/round.ts';
import { type RoundEnd, WatchSession } from '../../src/watch/session.ts';

const memory = { modules: {}, foundation: '', upToDate: {}, failed: [], last: [] };

function report(ran: number, more: Partial<RoundReport> = {}): RoundEnd {
  const nothing = { outside: [], written: [], ignored: [] };
  return { kind: 'reported', report: { exitCode: 0, ran, memory, root: '/p', ...nothing, ...more } };
}

/** A session, and what it did, as lines. */
class Rig {
  readonly clock = new ScriptedClock();
  readonly log: string[] = [];
  readonly orders: RoundOrder[] = [];
  readonly session: WatchSession;
  #end: ((end: RoundEnd) => void) | undefined;

  constructor() {
    this.session = new WatchSession({
      clock: this.clock,
      startRound: (order) => {
        this.orders.push(order);
        const { kind, changed, filter } = order;
        this.log.push(
          ['start', kind, ...changed, ...(filter === undefined ? [] : [`only ${filter}`])].join(' '),
        );
        const { promise, resolve } = Promise.withResolvers<RoundEnd>();
        this.#end = resolve;
        return { ended: promise, signal: (signal) => this.log.push(`signal ${signal}`) };
      },
      onReport: () => {},
      say: (line) => this.log.push(line),
      waiting: (filter) => this.log.push(filter === undefined ? 'wait' : `wait ${filter}`),
    });
    void this.session.ended.then((exitCode) => this.log.push(`exit ${exitCode}`));
  }

  async ends(end: RoundEnd): Promise<void> {
    this.#end?.(end);
    await this.clock.advance(0);
  }

  /** Changes that have settled. */
  async changes(...paths: string[]): Promise<void> {
    for (const path of paths) this.session.changed(path);
    await this.clock.advance(40);
  }

  taken(): string[] {
    return this.log.splice(0);
  }
}

async function waiting(): Promise<Rig> {
  const rig = new Rig();
  await rig.ends(report(3));
  expect(rig.taken()).toEqual(['start all', 'wait']);
  return rig;
}

test('runs everything, waits, and runs what a change affects', async () => {
  const rig = await waiting();
  await rig.changes('/p/a.ts');
  await rig.ends(report(1));
  expect(rig.taken()).toEqual(['start affected /p/a.ts', 'wait']);
  expect(rig.orders[1]?.memory).toEqual(memory);
});

describe('changes', () => {
  test('are collected until nothing has changed for 40 ms', async () => {
    const rig = await waiting();
    for (const path of ['/p/b.ts', '/p/a.ts', '/p/b.ts']) {
      rig.session.changed(path);
      await rig.clock.advance(39);
    }
    expect(rig.taken()).toEqual([]);
    await rig.clock.advance(1);
    expect(rig.taken()).toEqual(['start affected /p/a.ts /p/b.ts']);
  });

  test('that never stop start a round after two seconds', async () => {
    const rig = await waiting();
    for (let ms = 0; ms < 1_980; ms += 20) {
      rig.session.changed('/p/log');
      await rig.clock.advance(20);
    }
    expect(rig.taken()).toEqual([]);
    rig.session.changed('/p/log');
    await rig.clock.advance(20);
    expect(rig.taken()).toEqual(['start affected /p/log']);
  });

  test('during a round are part of the next one', async () => {
    const rig = await waiting();
    await rig.changes('/p/a.ts');
    rig.session.changed('/p/b.ts');
    await rig.clock.advance(500);
    expect(rig.taken()).toEqual(['start affected /p/a.ts']);
    await rig.ends(report(1));
    await rig.clock.advance(40);
    expect(rig.taken()).toEqual(['wait', 'start affected /p/b.ts']);
  });

  test('that affect nothing are named, unless the round may have caused them', async () => {
    const rig = await waiting();
    await rig.changes('/p/README.md');
    rig.session.changed('/p/out.txt');
    await rig.ends(report(0));
    expect(rig.taken()).toEqual([
      'start affected /p/README.md',
      'README.md changed: nothing to run.',
      'wait',
    ]);
    await rig.clock.advance(40);
    await rig.ends(report(0));
    expect(rig.taken()).toEqual(['start affected /p/out.txt']);
  });

  test('of reports and of ignored files do not count', async () => {
    const rig = new Rig();
    rig.session.changed('/p/out/junit.xml');
    await rig.ends(report(3, { written: ['/p/out/junit.xml'], ignored: ['logs', 'tests/**/*.log'] }));
    await rig.changes('/p/out/junit.xml', '/p/logs/1/a.txt', '/p/tests/x/y.log');
    expect(rig.taken()).toEqual(['start all', 'wait']);
    await rig.changes('/p/tests/x/y.txt');
    expect(rig.taken()).toEqual(['start affected /p/tests/x/y.txt']);
  });

  test('that each round causes by itself end after ten rounds', async () => {
    const rig = await waiting();
    await rig.changes('/p/in.txt');
    let rounds = 0;
    for (; rig.taken().some((line) => line.startsWith('start')) && rounds < 50; rounds++) {
      rig.session.changed('/p/in.txt');
      await rig.ends(report(1));
      await rig.clock.advance(40);
    }
    expect(rounds).toBe(11);
    await rig.changes('/p/a.ts');
    expect(rig.taken()).toEqual(['start affected /p/a.ts']);
  });

  test('to other files each time do not count as such a loop', async () => {
    const rig = await waiting();
    await rig.changes('/p/0.ts');
    for (let round = 1; round < 30; round++) {
      rig.session.changed(`/p/${round % 2}.ts`);
      await rig.ends(report(1));
      await rig.clock.advance(40);
      expect(rig.taken()).toContain(`start affected /p/${round % 2}.ts`);
    }
  });
});

describe('a round that cannot run', () => {
  test('is waited for; what changed since then counts as changed', async () => {
    const rig = await waiting();
    await rig.changes('/p/a.ts');
    await rig.ends({ kind: 'refused' });
    await rig.changes('/p/b.ts');
    await rig.ends({ kind: 'refused' });
    await rig.changes('/p/b.ts');
    expect(rig.orders.map(({ touched }) => touched)).toEqual([
      [],
      [],
      ['/p/a.ts', '/p/b.ts'],
      ['/p/a.ts', '/p/b.ts'],
    ]);
    await rig.ends(report(2));
    await rig.changes('/p/c.ts');
    expect(rig.orders.at(-1)?.touched).toEqual([]);
  });

  test('is said to have died if it did', async () => {
    const rig = await waiting();
    await rig.changes('/p/a.ts');
    await rig.ends({ kind: 'died', reason: 'SIGSEGV' });
    expect(rig.taken()).toEqual(['start affected /p/a.ts', 'The process of the run ended: SIGSEGV.', 'wait']);
  });
});

describe('keys', () => {
  test.each(['all', 'failed', 'again'] as const)('%s starts such a round', async (kind) => {
    const rig = await waiting();
    rig.session.key({ kind });
    expect(rig.taken()).toEqual([`start ${kind}`]);
  });

  test('a filter runs what it selects, and holds until it is removed', async () => {
    const rig = await waiting();
    rig.session.key({ kind: 'filter', query: 'tag:net' });
    await rig.ends(report(2));
    await rig.changes('/p/a.ts');
    await rig.ends(report(1));
    rig.session.key({ kind: 'all' });
    expect(rig.taken()).toEqual([
      'start all only tag:net',
      'wait tag:net',
      'start affected /p/a.ts only tag:net',
      'wait tag:net',
      'start all',
    ]);
  });

  test('an empty filter removes it', async () => {
    const rig = await waiting();
    rig.session.key({ kind: 'filter', query: 'net' });
    await rig.ends(report(2));
    rig.session.key({ kind: 'filter', query: '' });
    expect(rig.taken()).toEqual(['start all only net', 'wait net', 'start all']);
  });

  test('during a round take effect after it, the last of them', async () => {
    const rig = new Rig();
    rig.session.key({ kind: 'failed' });
    rig.session.key({ kind: 'again' });
    await rig.ends(report(3));
    expect(rig.taken()).toEqual(['start all', 'wait', 'start again']);
  });

  test('leave changes for the next round, unless they run everything', async () => {
    const rig = new Rig();
    rig.session.changed('/p/a.ts');
    rig.session.key({ kind: 'failed' });
    await rig.ends(report(3));
    await rig.ends(report(1));
    await rig.clock.advance(40);
    rig.session.changed('/p/b.ts');
    rig.session.key({ kind: 'all' });
    await rig.ends(report(1));
    await rig.ends(report(3));
    await rig.clock.advance(40);
    expect(rig.taken().filter((line) => line !== 'wait')).toEqual([
      'start all',
      'start failed',
      'start affected /p/a.ts',
      'start all /p/b.ts',
    ]);
  });

  test('changes wait while a query is typed', async () => {
    const rig = await waiting();
    rig.session.typing(true);
    await rig.changes('/p/a.ts');
    expect(rig.taken()).toEqual([]);
    rig.session.typing(false);
    expect(rig.taken()).toEqual(['start affected /p/a.ts']);
  });

  test('nothing failed', async () => {
    const rig = await waiting();
    rig.session.key({ kind: 'failed' });
    await rig.ends(report(0));
    expect(rig.taken()).toEqual(['start failed', 'No test failed.', 'wait']);
  });
});

describe('the end', () => {
  test.each([
    ['SIGINT', 0],
    ['SIGTERM', 75],
    ['SIGHUP', 75],
  ] as const)('%s while it waits exits with %d', async (signal, exitCode) => {
    const rig = await waiting();
    rig.session.signal(signal);
    await rig.clock.advance(0);
    expect(rig.taken()).toEqual([`exit ${exitCode}`]);
    await rig.changes('/p/a.ts');
    expect(rig.taken()).toEqual([]);
  });

  test('signals during a round are for the round, and the session ends with it', async () => {
    const rig = new Rig();
    rig.session.signal('SIGINT');
    rig.session.signal('SIGINT');
    rig.session.key({ kind: 'all' });
    await rig.ends({ kind: 'died', reason: 'exit code 75' });
    expect(rig.taken()).toEqual(['start all', 'signal SIGINT', 'signal SIGINT', 'exit 75']);
  });

  test.each([
    ['is still loading', 'SIGINT', { kind: 'died', reason: 'exit code 75' }, 0],
    ['runs nothing', 'SIGINT', report(0), 0],
    ['runs nothing', 'SIGTERM', report(0), 75],
    ['runs a test', 'SIGINT', report(1), 75],
  ] as const)(
    'a round that only looks at what the round before wrote, and %s: %s exits as the user sees it',
    async (_what, signal, end, exitCode) => {
      const rig = new Rig();
      rig.session.changed('/p/written');
      await rig.ends(report(3));
      await rig.clock.advance(40);
      rig.session.signal(signal);
      await rig.ends(end);
      expect(rig.taken()).toEqual([
        ...['start all', 'wait', 'start affected /p/written'],
        ...[`signal ${signal}`, `exit ${exitCode}`],
      ]);
    },
  );
});

describe('what a page asks for', () => {
  test('named tests run once; changes, keys and the filter are as before', async () => {
    const rig = await waiting();
    rig.session.key({ kind: 'named', paths: ['a', 'b'] });
    await rig.ends(report(2));
    expect(rig.orders[1]?.paths).toEqual(['a', 'b']);
    await rig.changes('/p/a.ts');
    await rig.ends(report(1));
    expect(rig.orders[2]?.paths).toBeUndefined();
    expect(rig.taken()).toEqual(['start named', 'wait', 'start affected /p/a.ts', 'wait']);
  });

  test('changes wait while it does not watch', async () => {
    const rig = await waiting();
    rig.session.watch(false);
    await rig.changes('/p/a.ts');
    expect(rig.taken()).toEqual([]);
    await rig.changes('/p/b.ts');
    rig.session.watch(true);
    expect(rig.taken()).toEqual(['start affected /p/a.ts /p/b.ts']);
  });

  test('a round is stopped, and the session goes on', async () => {
    const rig = new Rig();
    rig.session.stopRound('drain');
    rig.session.stopRound('cancel');
    await rig.ends(report(1, { exitCode: 75 }));
    rig.session.stopRound('cancel');
    expect(rig.taken()).toEqual(['start all', 'signal SIGINT', 'signal SIGTERM', 'wait']);
  });
});
