/** Leads what this process or thread prints to the attempt that runs. Output outside of attempts goes where it always went. */
import { nextTick } from '../own-globals.ts';
import type { OutputCapture } from './output-capture.ts';

/** Gives the capture of the attempt that runs, if one does. */
export type CurrentCapture = () => OutputCapture | undefined;

type Write = typeof process.stdout.write;

/** Takes over `process.stdout` and `process.stderr`, for good: call it once, in a worker. */
export function divertOutput(current: CurrentCapture): void {
  for (const stream of ['stdout', 'stderr'] as const) divert(stream, current);
}

function divert(stream: 'stdout' | 'stderr', current: CurrentCapture): void {
  const target = process[stream];
  const pass = target.write.bind(target) as (...args: readonly unknown[]) => boolean;
  const write = (chunk: string | Uint8Array, ...rest: readonly unknown[]): boolean => {
    const capture = current();
    if (capture === undefined) return pass(chunk, ...rest);
    const [encoding] = rest;
    const isEncoded =
      typeof chunk === 'string' && typeof encoding === 'string' && !/^utf-?8$/i.test(encoding);
    capture.write(stream, isEncoded ? Buffer.from(chunk, encoding as BufferEncoding) : chunk);
    const done = rest.find((each): each is () => void => typeof each === 'function');
    if (done !== undefined) nextTick(done);
    return true;
  };
  target.write = write as Write;
}
