/** What the bodies of a worker print: told while they run, and divided among them by the sizes of the files at their ends. */
import { join } from 'node:path';
import type { CapturedOutput, News } from '@pexen/core';
import { allOrNone } from './all-or-none.ts';
import { Capture, type CaptureLimits } from './capture.ts';
import type { Punch } from './punch.ts';

/** Where in the files an attempt's output ends. */
export interface OutputEnds {
  readonly stdout: number;
  readonly stderr: number;
}

/** Who hears what is printed. */
export type TellOutput = (news: News) => void;

export interface Output {
  readonly stdout?: CapturedOutput;
  readonly stderr?: CapturedOutput;
}

/** A file that is larger than that is emptied when nothing runs, bytes. */
const emptiedAt = 1024 * 1024;

export class WorkerStreams {
  readonly stdout: Capture;
  readonly stderr: Capture;

  /** `name` is used by no other worker of the pool. */
  constructor(folder: string, name: string, limits: CaptureLimits, punch: Punch) {
    const [stdout, stderr] = allOrNone(
      ['stdout', 'stderr'].map(
        (stream) => () => new Capture(join(folder, `${name}-${stream}`), limits, punch),
      ),
    );
    this.stdout = stdout as Capture;
    this.stderr = stderr as Capture;
  }

  /** What was written so far is nobody's. */
  begin(): void {
    this.stdout.begin();
    this.stderr.begin();
  }

  /** Tells what came since. */
  tell(tell: TellOutput, ends?: OutputEnds): void {
    for (const stream of ['stdout', 'stderr'] as const) {
      const text = this[stream].news(ends?.[stream]);
      if (text !== '') tell({ kind: 'output', stream, text });
    }
  }

  /** Tells the rest of an attempt's output, and gives the whole. `isIdle`: nothing runs in the worker now. */
  finish(tell: TellOutput, ends: OutputEnds, isIdle: boolean): Output {
    if (this.stdout.isAt(ends.stdout) && this.stderr.isAt(ends.stderr)) return silence;
    this.tell(tell, ends);
    return {
      stdout: finish(this.stdout, ends.stdout, isIdle),
      stderr: finish(this.stderr, ends.stderr, isIdle),
    };
  }

  /** The same for a worker that is gone. */
  last(tell: TellOutput): Output {
    return this.finish(tell, { stdout: this.stdout.size, stderr: this.stderr.size }, true);
  }

  close(): void {
    this.stdout.close();
    this.stderr.close();
  }
}

const silence: Output = {};

function finish(capture: Capture, end: number, isIdle: boolean): CapturedOutput {
  const trueEnd = capture.isCut ? capture.size : end;
  return capture.finishAt(trueEnd, isIdle && trueEnd > emptiedAt);
}
