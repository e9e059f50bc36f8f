/** Locks that runs share over a real server: real runs whose tasks run in processes, and what goes wrong. Each case takes some seconds, most of them waiting. */
import { describe, expect, onTestFinished, test } from 'vitest';
import { sampled } from '#sample';
import { type Line, LockRig, type Member } from './locks/rig.ts';
import { testServer } from './support/agents.ts';

const server = await testServer();
const missing = 'missing' in server ? server.missing : undefined;
if (!('missing' in server)) await server.stop();

/** The tasks of two runs, or of three, and a fault in the middle of them. */
interface Case {
  readonly what: string;
  /** Does it, and names the runs that do not survive it. */
  readonly fault: (rig: LockRig, holder: Member, others: readonly Member[]) => Promise<readonly Member[]>;
  /** What the ledger has to show besides. */
  readonly shows?: (lines: readonly Line[], holder: Member) => void;
}

const countOf = (lines: readonly Line[], what: string): number =>
  lines.filter((line) => line.what === what).length;

const cases: readonly Case[] = [
  {
    what: 'the run that holds the lock is killed: what it held is released soon, and reported',
    fault: async (_rig, holder) => {
      holder.child.kill('SIGKILL');
      return [holder];
    },
    shows: (lines) => {
      expect(lines.some(({ what, detail }) => what === 'warned' && detail === 'PEXEN_LOCK_LEFT')).toBe(true);
    },
  },
  {
    what: 'the machine of the holder dies: also the process that would release it',
    fault: async (rig, holder) => {
      const guards = rig.guardsOf(holder);
      expect(guards).toHaveLength(1);
      holder.child.kill('SIGSTOP'); // it would start another one
      for (const pid of guards) process.kill(pid, 'SIGKILL');
      holder.child.kill('SIGKILL');
      return [holder];
    },
  },
  {
    what: 'the holder is cut off, for longer than its lease: its task ends before another one begins, and it goes on later',
    fault: async (rig, holder) => {
      holder.proxy.cut({ out: true, back: true });
      await rig.until(
        (lines) => lines.findLast(({ what }) => what === 'in')?.name.startsWith(holder.name) === false,
      );
      holder.proxy.restore();
      return [];
    },
  },
  {
    what: 'nothing that the holder sends arrives any more, but it hears everything',
    fault: async (rig, holder) => {
      holder.proxy.cut({ out: true, back: false });
      await rig.until(
        (lines) => lines.findLast(({ what }) => what === 'in')?.name.startsWith(holder.name) === false,
      );
      holder.proxy.restore();
      return [];
    },
  },
  {
    what: 'the holder is stopped for longer than its lease: it is killed with its task, before another one begins',
    fault: async (rig, holder) => {
      holder.child.kill('SIGSTOP');
      await rig.until(
        (lines) => lines.findLast(({ what }) => what === 'in')?.name.startsWith(holder.name) === false,
      );
      holder.child.kill('SIGCONT');
      return [holder];
    },
  },
  {
    what: 'a run that waits is stopped for a while',
    fault: async (rig, _holder, [other]) => {
      const before = countOf(rig.lines(), 'in');
      other?.child.kill('SIGSTOP');
      await rig.until((lines) => countOf(lines, 'in') > before + 3);
      other?.child.kill('SIGCONT');
      return [];
    },
  },
  {
    what: 'the server starts again, with its data',
    fault: async (rig) => {
      await rig.restartServer(100, false);
      return [];
    },
    shows: (lines) => {
      expect(countOf(lines, 'in')).toBe(countOf(lines, 'out')); // no lease was lost
    },
  },
  {
    what: 'the server is away for longer than the leases',
    fault: async (rig) => {
      await rig.restartServer(6_000, false);
      return [];
    },
  },
  {
    what: 'the server starts again, and has lost everything',
    fault: async (rig) => {
      await rig.restartServer(100, true);
      return [];
    },
  },
];

describe.skipIf(missing !== undefined)('locks of the cluster', () => {
  test.for(sampled(cases).map((each) => [each.what, each] as const))(
    '%s',
    { timeout: 180_000 },
    async ([, { fault, shows }]) => {
      const rig = await LockRig.start();
      onTestFinished(() => rig.stop());
      const members = [
        await rig.member('a', 6, 400),
        await rig.member('b', 6, 400),
        await rig.member('c', 6, 400),
      ];
      await rig.until((lines) => members.every(({ name }) => lines.some((line) => line.name === `${name}0`)));
      const holder = await rig.holder();
      const dead = await fault(
        rig,
        holder,
        members.filter((each) => each !== holder),
      );
      expect(await rig.unfinished(...members.filter((each) => !dead.includes(each)))).toEqual([]);
      expect(rig.overlaps()).toEqual([]);
      shows?.(rig.lines(), holder);
    },
  );
});

test('there is a server to test with', ({ skip }) => {
  if (missing !== undefined) skip(missing);
  expect(cases.length).toBeGreaterThan(0);
});
