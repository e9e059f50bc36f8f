/** Nodes that speak another version: they are named once, before anything is sent to them, and not used. */
import type { Problem } from '@pexen/core';
import { expect, onTestFinished, test } from 'vitest';
import { encodePacket, formatVersion } from '../src/codec.ts';
import { natsPool } from '../src/host/nats-pool.ts';
import { settingsOf } from '../src/options.ts';
import { protocolVersion } from '../src/protocol/messages.ts';
import { Subjects } from '../src/subjects.ts';
import { HandClock, Hub } from './fuzz/hub.ts';

const own = { version: protocolVersion, format: formatVersion };
const others = { protocol: { ...own, version: protocolVersion + 1 }, 'V8 format': { ...own, format: 1 } };

test.each(Object.entries(others))(
  'a node with another %s is named once and not used',
  async (what, versions) => {
    const [hub, clock, warnings] = [new Hub(), new HandClock(), [] as Problem[]];
    const subjects = new Subjects('p');
    const toNode: unknown[] = [];
    hub.subscribe(subjects.toNode('new', 'a'), ({ bytes }) => toNode.push(bytes));
    const pool = natsPool(settingsOf({ pool: 'p', waitMs: 1_000, clock }), {
      toNode: (_, deliver) => deliver(),
      fromNode: (_, deliver) => deliver(),
      connect: async () => hub.connect(),
    });
    onTestFinished(() => pool.close('kill'));
    const context = { slotsChanged() {}, workerLost() {}, lateError() {} };
    const opened = pool.open({ ...context, warn: (warning) => void warnings.push(warning) });
    const failure = opened.catch((error: unknown) => String(error));
    await new Promise((resolve) => setImmediate(resolve));
    // A later version may say other things about itself.
    const hello = encodePacket({ ...versions, node: 'a', name: 'new', spirit: 7 });
    for (let n = 0; n < 3; n++) hub.publish(subjects.hello('new'), hello);
    clock.advance(1_001);
    expect(await failure).toMatch(/PEXEN_NO_NODE: 0 of 1 nodes.*; new speaks another version/);
    expect(warnings.map(({ code }) => code)).toEqual(['PEXEN_NODE_VERSION']);
    expect(warnings[0]?.message).toContain(`the node "new" is not used: it speaks ${what}`);
    expect(toNode).toEqual([]);
  },
);
