/** A pool whose messages may be lost, late or duplicated keeps the contract of pools over a network. */
import { NetworkFaults, poolConformance } from '@pexen/pool-kit/conformance';
import { describe, expect, test } from 'vitest';
import { networked } from './wrong-pools/networked.ts';

const ofNetwork = (name: string, body: () => Promise<void>): void => {
  if (name.startsWith('network: ')) test.concurrent(name, body);
};

poolConformance({
  test: ofNetwork,
  timeoutMs: 30_000,
  factory: () => networked(new NetworkFaults()),
  network: networked,
});

describe('messages that are passed through', () => {
  test('come at once while there is no fault', () => {
    const { faults, came, send } = rig();
    send('a');
    expect(came).toEqual(['a']);
    faults.cut({ worker: 'another one' });
    faults.cut({ direction: 'from worker' });
    send('b');
    expect(came).toEqual(['a', 'b']);
  });

  test('are lost while the connection is cut, pending ones, too', async () => {
    const { faults, came, send } = rig();
    faults.delay(5);
    send('under way');
    faults.cut({ worker: 'one' });
    send('cut off');
    await new Promise((resolve) => setTimeout(resolve, 20));
    faults.restore();
    send('restored');
    expect(came).toEqual(['restored']);
  });

  test('stay in order where the delay changes', async () => {
    const { faults, came, send } = rig();
    faults.delay(20);
    send('a');
    faults.restore();
    send('b');
    expect(came).toEqual([]);
    await expect.poll(() => came).toEqual(['a', 'b']);
  });

  test('come twice when they are duplicated, and not at all once everything is stopped', async () => {
    const { faults, came, send } = rig();
    faults.duplicate();
    send('a');
    await expect.poll(() => came).toEqual(['a', 'a']);
    send('b');
    faults.stop();
    await new Promise((resolve) => setTimeout(resolve, 40));
    expect(came).toEqual(['a', 'a', 'b']);
  });
});

function rig() {
  const faults = new NetworkFaults();
  const came: string[] = [];
  const send = (message: string): void => faults.toWorker('one', () => void came.push(message));
  return { faults, came, send };
}
