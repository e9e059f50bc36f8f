import { spawnSync } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ScriptedClock } from '#scripted-clock';
import { startTicking } from '../src/timers.ts';

const days = 24 * 3_600_000;

describe('timers', () => {
  let startTimer: typeof import('../src/timers.ts').startTimer;

  beforeEach(async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    vi.resetModules();
    ({ startTimer } = await import('../src/timers.ts'));
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  it('ring at the due time, and not before', () => {
    const ring = vi.fn();
    startTimer(10.5, ring);
    vi.advanceTimersByTime(10);
    expect(ring).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(ring).toHaveBeenCalledOnce();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('keep delays that the runtime would turn into a millisecond', () => {
    const ring = vi.fn();
    startTimer(60 * days, ring);
    vi.advanceTimersByTime(60 * days - 1);
    expect(ring).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(ring).toHaveBeenCalledOnce();
  });

  it('are cancelled, also after the longest delay of the runtime', () => {
    const ring = vi.fn();
    const cancel = startTimer(60 * days, ring);
    vi.advanceTimersByTime(30 * days);
    cancel();
    expect(vi.getTimerCount()).toBe(0);
    vi.advanceTimersByTime(60 * days);
    expect(ring).not.toHaveBeenCalled();
  });

  it('never ring after Infinity, and do not keep the process alive', () => {
    const ring = vi.fn();
    const cancel = startTimer(Infinity, ring);
    expect(vi.getTimerCount()).toBe(0);
    cancel();
    vi.advanceTimersByTime(60 * days);
    expect(ring).not.toHaveBeenCalled();
  });

  it.each([0, -1, Number.NaN, -Infinity])('ring at once after %s', (delay) => {
    const ring = vi.fn();
    startTimer(delay, ring);
    expect(ring).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(ring).toHaveBeenCalledOnce();
  });

  it('work where a body has replaced the functions of the runtime', () => {
    const ring = vi.fn();
    vi.stubGlobal('setTimeout', () => undefined);
    startTimer(5, ring);
    vi.advanceTimersByTime(5);
    vi.unstubAllGlobals();
    expect(ring).toHaveBeenCalledOnce();
  });

  it('never pass a negative delay to the runtime, although time passes while they are set', async () => {
    let nowMs = 0;
    vi.spyOn(performance, 'now').mockImplementation(() => (nowMs += 5));
    const set = vi.spyOn(globalThis, 'setTimeout');
    vi.resetModules();
    (await import('../src/timers.ts')).startTimer(1, () => {});
    expect(set.mock.calls.map(([, delay]) => delay)).toEqual([0]);
  });

  it('keep the process alive, unless keepsAlive is false', () => {
    const module = JSON.stringify(new URL('../src/timers.ts', import.meta.url).href);
    const playing = (body: string) => {
      const script = `import { startTicking, startTimer, systemClock } from ${module}; ${body}`;
      return spawnSync(process.execPath, ['--input-type=module', '--eval', script], { encoding: 'utf8' });
    };
    expect(playing('startTimer(20, () => console.log("rang"))').stdout).toBe('rang\n');
    const silent =
      'startTimer(60_000, () => {}, { keepsAlive: false }); startTicking(systemClock, 60_000, () => {})';
    expect(playing(silent)).toMatchObject({ status: 0, signal: null });
  });
});

describe('ticks', () => {
  it('come at intervals until they are stopped, even by themselves', () => {
    const clock = new ScriptedClock();
    const ticks: number[] = [];
    const stop = startTicking(clock, 100, () => {
      ticks.push(clock.now() - 1_000);
      if (ticks.length === 3) stop();
    });
    clock.step(250);
    expect(ticks).toEqual([100, 200]);
    clock.step(1_000);
    expect(ticks).toEqual([100, 200, 300]);
    expect(clock.pending).toBe(0);
  });

  it('go on after one that failed', () => {
    const clock = new ScriptedClock();
    const tick = vi.fn(() => {
      throw new Error('no ink');
    });
    startTicking(clock, 100, tick);
    expect(() => clock.step(100)).toThrow('no ink');
    expect(() => clock.step(100)).toThrow('no ink');
    expect(tick).toHaveBeenCalledTimes(2);
  });
});
