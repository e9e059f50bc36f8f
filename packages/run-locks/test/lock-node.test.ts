/** What the simulation seldom meets, played by hand. */
import { expect, test } from 'vitest';
import { LockNode } from '../src/protocol/lock-node.ts';
import type { Command, Input, SharedRequest } from '../src/protocol/messages.ts';

/** A fact without its time. */
type Fact = Input extends infer I ? (I extends { readonly atMs: number } ? Omit<I, 'atMs'> : never) : never;

class NodeOfTest {
  readonly node = new LockNode({ run: 'own', label: 'this run' });
  nowMs = 0;

  /** Returns the orders; every check finds the epoch in force. */
  pass(...facts: readonly Fact[]): Command[] {
    const all: Command[] = [];
    const left = [...facts];
    for (let fact = left.shift(); fact !== undefined; fact = left.shift()) {
      const commands = this.node.handle({ ...fact, atMs: this.nowMs } as Input);
      for (const command of commands)
        if (command.type === 'check-epoch')
          left.push({ type: 'epoch-checked', check: command.check, isInForce: true });
      all.push(...commands);
    }
    return all;
  }
}

function claim(id: number): SharedRequest {
  return { id, task: `t${id}`, uses: [], claims: [['db']], amounts: [], priority: 0, rank: 0 };
}

const typesOf = (commands: readonly Command[]): string[] => commands.map(({ type }) => type);

test('the first run claims the first epoch, and is granted what it asks for', () => {
  const world = new NodeOfTest();
  expect(typesOf(world.pass({ type: 'acquire', request: claim(1) }))).toEqual(['find-epoch']);
  expect(world.pass({ type: 'epoch-found', epoch: 0 })).toEqual([{ type: 'claim-epoch', epoch: 1 }]);
  world.pass({ type: 'epoch-claimed', epoch: 1, isOurs: true });
  const granted = world.pass({ type: 'holds-loaded', epoch: 1, runs: [] });
  expect(typesOf(granted)).toEqual(['write-holds', 'check-epoch', 'granted']);
  expect(world.node.keepsTable).toBe(true);
});

test('a run that broke off before the table was there is not taken for connected', () => {
  const world = new NodeOfTest();
  world.pass(
    { type: 'acquire', request: claim(1) },
    { type: 'epoch-found', epoch: 0 },
    { type: 'epoch-claimed', epoch: 1, isOurs: true },
    {
      ...{ type: 'received', link: 5 },
      message: { type: 'hello', info: { run: 'other', label: 'another' }, holds: [], wants: [claim(9)] },
    },
    { type: 'link-closed', link: 5 },
    { type: 'holds-loaded', epoch: 1, runs: [] },
  );
  const released = world.pass({ type: 'release', id: 1 });
  expect(typesOf(released)).toEqual(['write-holds']);
});

test('a task whose request is not answered gives up its place after a second, and the table its epoch after three', () => {
  const world = new NodeOfTest();
  world.pass({ type: 'acquire', request: claim(1) }, { type: 'epoch-found', epoch: 4 });
  const hello = world.pass({ type: 'dialed', epoch: 4, link: 1 });
  expect(typesOf(hello)).toEqual(['send']);
  const seen: string[] = [];
  for (world.nowMs = 500; world.nowMs <= 4_000; world.nowMs += 500)
    seen.push(`${world.nowMs}: ${typesOf(world.pass({ type: 'tick' })).join(' ')}`);
  expect(seen).toEqual([
    '500: send',
    '1000: awaited send',
    '1500: send',
    '2000: send',
    '2500: send',
    '3000: send',
    '3500: close-link claim-epoch',
    '4000: ',
  ]);
});

test('a run that finds its epoch over gives up the table, and looks for the new one', () => {
  const world = new NodeOfTest();
  world.pass(
    { type: 'acquire', request: claim(1) },
    { type: 'epoch-found', epoch: 0 },
    { type: 'epoch-claimed', epoch: 1, isOurs: true },
    { type: 'holds-loaded', epoch: 1, runs: [] },
  );
  const [look] = world.node.handle({ type: 'tick', atMs: 500 });
  if (look?.type !== 'check-epoch') throw new Error(`it orders ${look?.type}`);
  const over = world.node.handle({ type: 'epoch-checked', atMs: 500, check: look.check, isInForce: false });
  expect(typesOf(over)).toEqual(['find-epoch']);
  expect(world.node.keepsTable).toBe(false);
});

test('a run that was stopped itself does not take the table for silent', () => {
  const world = new NodeOfTest();
  world.pass({ type: 'acquire', request: claim(1) }, { type: 'epoch-found', epoch: 4 });
  world.pass({ type: 'dialed', epoch: 4, link: 1 });
  world.nowMs = 500;
  world.pass({ type: 'tick' });
  world.nowMs = 60_000;
  expect(typesOf(world.pass({ type: 'tick' }))).toEqual(['awaited', 'send']);
});
