/** The effect of each signal on a running suite, in possible sequences. */
import { EventEmitter } from 'node:events';
import type { SuiteControls } from '@pexen/usecase-testsuite';
import { describe, expect, test } from 'vitest';
import { ScriptedClock } from '#scripted-clock';
import { obeySignals, type SignalSource } from '../src/signals.ts';

/** Records the calls to a suite with two dispatched attempts, one of them started. */
function stand() {
  const done: string[] = [];
  const note = (what: string) => (): void => void done.push(what);
  const attempt = { path: 'net/ping', attempt: 1, pool: 'default', sinceMs: 1000, lastSignOfLifeMs: 1000 };
  const running = [{ ...attempt, worker: 'w' }, attempt];
  const controls = {
    ...{
      drain: note('drain'),
      cancel: note('cancel'),
      kill: note('kill'),
      note: (text: string) => notes.push(text),
    },
    inspect: () => ({ atMs: 3000, running, waiting: [], resources: [], pools: [] }),
  } as unknown as SuiteControls;
  const notes: string[] = [];
  const emitter = new EventEmitter();
  const source = Object.assign(emitter, { exit: (code: number) => done.push(`exit ${code}`) });
  const clock = new ScriptedClock();
  const deafen = obeySignals(controls, source as unknown as SignalSource, clock);
  const send = (...signals: NodeJS.Signals[]): void => {
    for (const signal of signals) emitter.emit(signal, signal);
  };
  return { done, notes, send, deafen, emitter, clock };
}

describe('signals', () => {
  test('an interrupt drains, a second one cancels, a third one kills, a fourth one leaves', () => {
    const { done, notes, send } = stand();
    send('SIGINT');
    expect(done).toEqual(['drain']);
    expect(notes).toEqual(['Interrupted: waiting for 1 running; press again to cancel them.']);
    send('SIGINT', 'SIGINT', 'SIGINT');
    expect(done).toEqual(['drain', 'cancel', 'kill', 'exit 75']);
  });

  test('SIGUSR2 prints what the run does, and changes nothing', () => {
    const { done, notes, send, deafen, emitter } = stand();
    send('SIGUSR2', 'SIGINT');
    expect(notes.slice(0, 2)).toEqual(['Running:', '  net/ping  attempt 1 on w, for 2.0s']);
    expect(done).toEqual(['drain']);
    deafen();
    expect(emitter.listenerCount('SIGUSR2')).toBe(0);
  });

  test('SIGQUIT kills immediately, also after an interrupt', () => {
    const { done, send } = stand();
    send('SIGINT', 'SIGQUIT');
    expect(done).toEqual(['drain', 'kill']);
  });

  test.each(['SIGTERM', 'SIGHUP'] as const)(
    '%s cancels, and kills what is left after five seconds',
    (signal) => {
      const { done, send, clock } = stand();
      send(signal);
      clock.step(4_999);
      expect(done).toEqual(['cancel']);
      clock.step(1);
      expect(done).toEqual(['cancel', 'kill']);
    },
  );

  test('signals are ignored after the suite has ended, and nothing is killed', () => {
    const { done, send, deafen, emitter, clock } = stand();
    send('SIGTERM');
    deafen();
    clock.step(60_000);
    expect(done).toEqual(['cancel']);
    expect(emitter.eventNames()).toEqual([]);
  });
});
