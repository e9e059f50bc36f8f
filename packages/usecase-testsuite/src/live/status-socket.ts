/**
 * The questions that other processes of the same user may ask a run that goes on, through a socket in the directory of the run. One question for
 * each connection: a line of JSON, answered by a line of JSON. The run does nothing before it is asked. Knows neither tasks nor what is asked.
 */
import { chmodSync, closeSync, openSync, rmSync } from 'node:fs';
import { createConnection, createServer, type Socket } from 'node:net';
import { dirname, join, relative } from 'node:path';
import { messageOf } from '@pexen/core';
import { systemClock } from '@pexen/core/timers';

/** In the directory of a run; only the user may connect. */
export const socketName = 'status.sock';
/** What the kernels that we know take for the path of a socket, bytes. */
const longestPath = 103;
/** Characters of a question. */
const longestQuestion = 65_536;
const mostConnections = 16;
/** A connection without a question is closed, ms. */
const idleMs = 5_000;

/**
 * Answers questions about the run with this directory, until the returned function is called, which also removes the socket. Without a socket, since
 * the directory cannot be written or its path is too long, no questions are answered, and the run goes on.
 */
export function answerQuestions(directory: string, answer: (question: unknown) => unknown): () => void {
  const place = join(directory, socketName);
  const connections = new Set<Socket>();
  const server = createServer((socket) => {
    connections.add(socket);
    socket.unref();
    socket.once('close', () => connections.delete(socket));
    answerOne(socket, answer);
  });
  server.maxConnections = mostConnections;
  server.on('error', () => {});
  const remove = (): void => rmSync(place, { force: true });
  try {
    remove();
    withShortPath(place, (short) => server.listen(short));
    chmodSync(place, 0o600);
    server.unref();
  } catch {
    // The run matters more than the questions about it.
  }
  return () => {
    for (const socket of connections) socket.destroy();
    server.close();
    try {
      remove();
    } catch {
      // Who asks later learns that no process listens there.
    }
  };
}

function answerOne(socket: Socket, answer: (question: unknown) => unknown): void {
  let text = '';
  socket.setEncoding('utf8');
  const stopWaiting = systemClock.after(idleMs, () => socket.destroy(), { keepsAlive: false });
  socket.on('close', stopWaiting);
  socket.on('error', () => {});
  socket.on('data', (chunk: string) => {
    text += chunk;
    const end = text.indexOf('\n');
    if (end < 0 && text.length <= longestQuestion) return;
    socket.removeAllListeners('data');
    socket.end(`${JSON.stringify(answered(text.slice(0, Math.max(0, end)), answer))}\n`);
  });
}

function answered(question: string, answer: (question: unknown) => unknown): unknown {
  try {
    return { answer: answer(JSON.parse(question)) };
  } catch (error) {
    return { problem: messageOf(error) };
  }
}

/** What comes of a question. `absent`: no process answers there. `silent`: one has the socket open, and has not answered in time. */
export type Reply =
  | { readonly kind: 'answer'; readonly answer: unknown }
  | { readonly kind: 'problem'; readonly problem: string }
  | { readonly kind: 'absent' }
  | { readonly kind: 'silent' };

/** Asks the run with this directory. Never rejects. `timeoutMs`: how long it may take to answer. */
export function askQuestion(directory: string, question: unknown, timeoutMs: number): Promise<Reply> {
  return new Promise((resolve) => {
    let text = '';
    let socket: Socket | undefined;
    try {
      withShortPath(join(directory, socketName), (short) => {
        socket = createConnection(short);
      });
    } catch {
      // Its directory is gone.
    }
    if (socket === undefined) return resolve({ kind: 'absent' });
    const asking = socket;
    asking.setEncoding('utf8');
    const stopWaiting = systemClock.after(timeoutMs, () => {
      resolve({ kind: 'silent' });
      asking.destroy();
    });
    asking.on('connect', () => asking.write(`${JSON.stringify(question)}\n`));
    asking.on('data', (chunk: string) => (text += chunk));
    asking.on('error', () => resolve({ kind: 'absent' }));
    asking.on('close', () => {
      stopWaiting();
      resolve(replyIn(text));
    });
  });
}

function replyIn(text: string): Reply {
  try {
    const { answer, problem } = JSON.parse(text) as { answer?: unknown; problem?: unknown };
    return problem === undefined ? { kind: 'answer', answer } : { kind: 'problem', problem: String(problem) };
  } catch {
    return { kind: 'absent' };
  }
}

/**
 * Uses the path of a socket in a form that kernels take: absolute, relative to the working directory, or, on Linux, through a descriptor of its
 * directory. @throws Error where no form is short enough
 */
function withShortPath(place: string, use: (short: string) => void): void {
  const short = [place, relative(process.cwd(), place)].find(
    (each) => Buffer.byteLength(each) <= longestPath,
  );
  if (short !== undefined) {
    use(short);
    return;
  }
  if (process.platform !== 'linux') throw new Error(`the path ${place} is too long for a socket`);
  const descriptor = openSync(dirname(place), 'r');
  try {
    use(`/proc/self/fd/${descriptor}/${socketName}`);
  } finally {
    closeSync(descriptor);
  }
}
