/**
 * The worker's end of the two pipes to its host. Writing waits until the host has taken it: what was said before a crash, a
 * hang or a kill is always heard, and a flood is held back. Knows nothing of what is said.
 */
import { writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { encodeFrame, FrameReader } from './codec.ts';

const fromHost = 3;
const toHost = 4;

/**
 * Says it to the host.
 * @throws what V8 throws for a message that cannot be serialized
 */
export function say(message: unknown): void {
  const frame = encodeFrame(message);
  let at = 0;
  while (at < frame.length) at += write(frame, at);
}

/** Hears what the host says, one message after the other; `gone` once the host is. */
export function listen(hear: (message: unknown) => void, gone: () => void): void {
  const reader = new FrameReader();
  const socket = new Socket({ fd: fromHost, readable: true, writable: false });
  socket.on('data', (chunk: Buffer) => {
    for (const message of reader.push(chunk)) hear(message);
  });
  socket.once('end', gone);
  socket.once('error', gone);
}

function write(frame: Buffer, at: number): number {
  try {
    return writeSync(toHost, frame, at);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return 0;
    // There is nobody any more to whom anything could be said, or the body has closed what is not its own.
    process.kill(process.pid, 'SIGKILL');
    throw error;
  }
}
