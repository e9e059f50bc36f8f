/** What the bodies of a worker print: told while they run, and divided among them by the sizes of the files at their ends. */
import type { CapturedOutput } from '@pexen/core';
import type { Capture } from './capture.ts';
import type { Job } from './job.ts';

export interface WorkerStreams {
  readonly stdout: Capture;
  readonly stderr: Capture;
}

/** Where in the files an attempt's output ends. */
export interface OutputEnds {
  readonly stdout: number;
  readonly stderr: number;
}

export interface Output {
  readonly stdout?: CapturedOutput;
  readonly stderr?: CapturedOutput;
}

/** A file that is larger than that is emptied when nothing runs, bytes. */
const emptiedAt = 1024 * 1024;

/** Tells what came since. */
export function tellOutput(streams: WorkerStreams, job: Job, ends?: OutputEnds): void {
  for (const stream of ['stdout', 'stderr'] as const) {
    const text = streams[stream].news(ends?.[stream]);
    if (text !== '') job.ticket.tell({ kind: 'output', stream, text });
  }
}

/** Tells the rest of an attempt's output, and gives the whole. `isIdle`: nothing runs in the worker now. */
export function finishOutput(streams: WorkerStreams, job: Job, ends: OutputEnds, isIdle: boolean): Output {
  const isSilent = streams.stdout.isAt(ends.stdout) && streams.stderr.isAt(ends.stderr);
  if (isSilent) return silence;
  tellOutput(streams, job, ends);
  return {
    stdout: finish(streams.stdout, ends.stdout, isIdle),
    stderr: finish(streams.stderr, ends.stderr, isIdle),
  };
}

/** The same for a worker that is gone. */
export function lastOutput(streams: WorkerStreams, job: Job): Output {
  return finishOutput(streams, job, { stdout: streams.stdout.size, stderr: streams.stderr.size }, true);
}

const silence: Output = {};

function finish(capture: Capture, end: number, isIdle: boolean): CapturedOutput {
  const trueEnd = capture.isCut ? capture.size : end;
  return capture.finishAt(trueEnd, isIdle && trueEnd > emptiedAt);
}
