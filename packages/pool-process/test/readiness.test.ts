/** Ports and readiness by themselves: without processes, with a scripted clock, and as on systems without /proc. */
import { closeSync, openSync, writeSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { ScriptedClock, settle } from '#scripted-clock';
import * as platform from '../src/platform.ts';
import { LineTail } from '../src/services/line-tail.ts';
import { isPortFree, releasePort, reservePort } from '../src/services/ports.ts';
import { type Look, type ObservedService, readinessOf, untilReady } from '../src/services/readiness.ts';
import { scratch } from './support/attempts.ts';

async function listening(host: string, port = 0): Promise<number> {
  const server: Server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(port, host, resolve));
  onTestFinished(() => void server.close());
  return (server.address() as { port: number }).port;
}

function appended(): { readonly fd: number; write(text: string): void } {
  const fd = openSync(join(scratch(), 'output'), 'a+');
  onTestFinished(() => closeSync(fd));
  return { fd, write: (text) => void writeSync(fd, text) };
}

function observed(service: Partial<ObservedService> & Pick<ObservedService, 'condition'>): ObservedService {
  const { fd } = appended();
  const outputs = { stdout: fd, stderr: fd, report: fd };
  return {
    task: 'db',
    cwd: '/',
    outputs,
    port: undefined,
    clock: new ScriptedClock(),
    pids: () => [],
    ...service,
  };
}

afterEach(() => void vi.restoreAllMocks());

describe('ports', () => {
  test('are never the same while they are reserved, and free', async () => {
    const ports = await Promise.all(Array.from({ length: 200 }, () => reservePort()));
    onTestFinished(() => ports.forEach(releasePort));
    expect(new Set(ports).size).toBe(200);
    expect(Math.min(...ports)).toBeGreaterThanOrEqual(20_000);
    expect(Math.max(...ports)).toBeLessThan(32_768);
  });

  test('are not free on any address of this machine', async () => {
    for (const host of ['127.0.0.1', '::1', '0.0.0.0'])
      expect(await isPortFree(await listening(host))).toBe(false);
  });

  test('that are taken are passed over; where none is free, that is a problem', async () => {
    let asked = 0;
    const port = await reservePort(async () => ++asked === 3);
    releasePort(port);
    expect(asked).toBe(3);
    await expect(reservePort(async () => false)).rejects.toMatchObject({ code: 'PEXEN_NO_PORT' });
  });
});

describe('listeners', () => {
  test.runIf(platform.hasProc())('are known by their address and their process', async () => {
    const port = await listening('127.0.0.1');
    const [listener, ...others] = platform.listenersOn(port) ?? [];
    expect(listener).toMatchObject({ address: '127.0.0.1' });
    expect(others).toEqual([]);
    const inodes = new Set([listener?.inode ?? '']);
    expect(platform.hasSocket(process.pid, inodes)).toBe(true);
    expect(platform.hasSocket(process.ppid, inodes)).not.toBe(true);
    expect(platform.hasSocket(2 ** 22 + 1, inodes)).toBe(false);
    expect(platform.listenersOn(1)).toEqual([]);
  });

  test.runIf(platform.hasProc())('of the new protocol, too', async () => {
    expect(platform.listenersOn(await listening('::1'))).toMatchObject([{ address: '::1' }]);
    expect(platform.listenersOn(await listening('::'))).toMatchObject([{ address: '::' }]);
  });
});

describe('without /proc', () => {
  test('a port that was closed before counts once it accepts connections', async () => {
    vi.spyOn(platform, 'listenersOn').mockReturnValue(undefined);
    const port = await reservePort();
    onTestFinished(() => releasePort(port));
    const look = await readinessOf(observed({ condition: { port }, port }));
    expect(await look()).toBeUndefined();
    await listening('::1', port);
    expect(await look()).toEqual({ kind: 'ready', values: { host: '::1', port } });
  });

  test('one that was open before never counts', async () => {
    vi.spyOn(platform, 'listenersOn').mockReturnValue(undefined);
    const look = await readinessOf(observed({ condition: { port: await listening('127.0.0.1') } }));
    expect(await look()).toMatchObject({ kind: 'hopeless', problem: { code: 'PEXEN_PORT_TAKEN' } });
  });
});

describe('a stranger on the port', () => {
  test.runIf(platform.hasProc())('is certain after some looks only', async () => {
    const port = await reservePort();
    onTestFinished(() => releasePort(port));
    const look = await readinessOf(observed({ condition: { port }, port }));
    await listening('127.0.0.1', port);
    const seen: unknown[] = [];
    for (let n = 0; n < 5; n++) seen.push(await look());
    expect(seen.slice(0, 4)).toEqual([undefined, undefined, undefined, undefined]);
    expect(seen[4]).toMatchObject({ kind: 'hopeless', isPortTaken: true });
  });
});

describe('lines', () => {
  test('are complete, without control sequences and carriage returns, and none is read twice', () => {
    const output = appended();
    output.write('before\n');
    const tail = new LineTail(output.fd);
    output.write('one\r\ntw');
    expect(tail.readLines()).toEqual(['one']);
    output.write('o\n\u001b[1mthree\u001b[0m\n');
    expect(tail.readLines()).toEqual(['two', 'three']);
    expect(tail.readLines()).toEqual([]);
  });

  test('that are long are cut, and a flood is read over several calls', () => {
    const output = appended();
    const tail = new LineTail(output.fd);
    output.write(`${'x'.repeat(3_000_000)}\nend\n`);
    expect(tail.readLines()).toEqual([]);
    expect(tail.readLines()).toEqual([]);
    expect(tail.readLines()).toEqual(['x'.repeat(16_384), 'end']);
  });
});

describe('looking again', () => {
  const ready = { kind: 'ready', values: {} } as const;

  test('happens at growing intervals, and ends when it is ready', async () => {
    const clock = new ScriptedClock();
    const times: number[] = [];
    const look: Look = () => {
      times.push(clock.now());
      return times.length === 7 ? ready : undefined;
    };
    const found = untilReady(look, clock, new Promise(() => {}), () => false);
    for (let n = 0; n < 60; n++) await clock.advance(5);
    expect(await found).toBe(ready);
    expect(times.map((time) => time - (times[0] ?? 0))).toEqual([0, 5, 15, 35, 75, 155, 255]);
    expect(clock.pending).toBe(0);
  });

  test('ends at once with the service, also during a look', async () => {
    for (const look of [() => undefined, () => new Promise<undefined>(() => {})]) {
      const clock = new ScriptedClock();
      const ended = Promise.withResolvers<void>();
      const found = untilReady(look, clock, ended.promise, () => false);
      await settle();
      ended.resolve();
      expect(await found).toBeUndefined();
      expect(clock.pending).toBe(0);
    }
  });

  test('finds nothing any more once the service was asked to stop', async () => {
    expect(
      await untilReady(
        () => ready,
        new ScriptedClock(),
        new Promise(() => {}),
        () => true,
      ),
    ).toBeUndefined();
  });
});
