import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

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

  it('ring at their time, and not before', () => {
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

  it('never ring after Infinity, and keep nothing alive', () => {
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

  it('go on where a body replaced the functions of the runtime', () => {
    const ring = vi.fn();
    vi.stubGlobal('setTimeout', () => undefined);
    startTimer(5, ring);
    vi.advanceTimersByTime(5);
    vi.unstubAllGlobals();
    expect(ring).toHaveBeenCalledOnce();
  });

  it('never ask the runtime for a negative delay, though time passes while they are set', async () => {
    let nowMs = 0;
    vi.spyOn(performance, 'now').mockImplementation(() => (nowMs += 5));
    const set = vi.spyOn(globalThis, 'setTimeout');
    vi.resetModules();
    (await import('../src/timers.ts')).startTimer(1, () => {});
    expect(set.mock.calls.map(([, delay]) => delay)).toEqual([0]);
  });
});
