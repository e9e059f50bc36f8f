/**
 * Finds out when a program that is a service is ready: by a port, a line of its output, a file, an answer by HTTP, or a line on fd 3. Each kind of
 * condition first notes what is there before the program starts, so that nothing old counts. Knows nothing of attempts and of how programs start.
 */
import { statSync } from 'node:fs';
import { createConnection } from 'node:net';
import { resolve } from 'node:path';
import { messageOf, type Problem, type ReadyCondition } from '@pexen/core';
import type { Clock } from '@pexen/pool-kit';
import { hasSocket, type Listener, listenersOn } from '../platform.ts';
import { LineTail } from './line-tail.ts';
import { isPortFree } from './ports.ts';

/** What makes a service ready, to follow "without": `a line of output that matches /listening/`. */
export function describeCondition(condition: ReadyCondition): string {
  if ('port' in condition)
    return condition.port === '{port}' ? 'a listener on its port' : `a listener on port ${condition.port}`;
  if ('http' in condition) return `an answer from ${condition.http}`;
  if ('line' in condition) return `a line of output that matches /${condition.line}/`;
  if ('file' in condition) return `the file ${condition.file}`;
  return 'a line "ready" on fd 3';
}

/** What a ready service hands on to the programs and tasks that require it, besides what its author added. */
interface ServiceAddress {
  readonly host: string;
  readonly port?: number;
  readonly url?: string;
}

/** The values that a ready service reports. */
export type ServiceValues = Readonly<Record<string, unknown>>;

/** What a look at the service has shown for good. */
export type Sighting =
  | { readonly kind: 'ready'; readonly values: ServiceValues }
  /** It cannot become ready. `isPortTaken`: another process has the port, and another port may do. */
  | { readonly kind: 'hopeless'; readonly problem: Problem; readonly isPortTaken?: true };

/** Looks whether the service is ready; undefined as long as that is open. */
export type Look = () => Sighting | undefined | Promise<Sighting | undefined>;

/** A service, as far as its readiness can be seen from outside. */
export interface ObservedService {
  readonly task: string;
  readonly condition: ReadyCondition;
  /** The directory that it runs in. */
  readonly cwd: string;
  /** The files that catch its output, and fd 3. */
  readonly outputs: { readonly stdout: number; readonly stderr: number; readonly report: number };
  /** The port that was chosen for it. */
  readonly port: number | undefined;
  readonly clock: Clock;
  /** Its living processes. */
  pids(): readonly number[];
}

/** Prepares the look: call it before the program starts. */
export function readinessOf(service: ObservedService): Look | Promise<Look> {
  const { condition } = service;
  if ('port' in condition) return portOf(service, condition.port as number);
  if ('http' in condition) return httpOf(service, condition);
  if ('line' in condition) return lineOf(service, condition.line);
  if ('file' in condition) return fileOf(service, condition.file);
  return reportOf(service);
}

/**
 * Looks again and again until the service is ready, or cannot become so any more. Resolves with undefined where it has ended or is to end before that.
 * The pauses grow to a tenth of a second: services that need longer do not suffer from it.
 */
export async function untilReady(
  look: Look,
  clock: Clock,
  ended: Promise<unknown>,
  isEnding: () => boolean,
): Promise<Sighting | undefined> {
  let isOver = false;
  const over = ended.then(() => {
    isOver = true;
    return undefined;
  });
  for (let waitMs = shortestMs; ; waitMs = Math.min(waitMs * 2, longestMs)) {
    const found = await Promise.race([look(), over]);
    if (isOver || isEnding()) return undefined;
    if (found !== undefined) return found;
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = clock.after(waitMs, resolve);
    await Promise.race([promise, over]);
    cancel();
  }
}

const shortestMs = 5;
const longestMs = 100;

// A port.

/** Ready when one of its own processes listens on the port. Where the system does not show that, when the port accepts connections. */
async function portOf(service: ObservedService, port: number): Promise<Look> {
  if (!(await isPortFree(port))) return () => taken(service, port);
  let strangers = 0;
  return async () => {
    const listeners = listenersOn(port);
    if (listeners === undefined) {
      const host = await acceptingHost(port);
      return host === undefined ? undefined : ready({ host, port });
    }
    const [first] = listeners;
    if (first === undefined) return undefined;
    if (isOurs(listeners, service.pids())) return ready({ host: hostOf(first), port });
    return ++strangers < surelyStranger ? undefined : taken(service, port);
  };
}

/** A process that is just becoming another program cannot be distinguished from a stranger: only so many looks are sure. */
const surelyStranger = 5;

/** Does one of these processes have one of the sockets? Also true where the files of some cannot be read. */
function isOurs(listeners: readonly Listener[], pids: readonly number[]): boolean {
  const inodes = new Set(listeners.map(({ inode }) => inode));
  return pids.some((pid) => hasSocket(pid, inodes) !== false);
}

function taken({ task, port: chosen }: ObservedService, port: number): Sighting {
  const problem: Problem = {
    code: 'PEXEN_PORT_TAKEN',
    task,
    message: `port ${port} is in use by a process that does not belong to the service`,
    hint: 'Write {port} for a free one, or end that process. Where another program opens the port for the service, as docker does, use ready: { http: … } or { line: … }.',
  };
  return { kind: 'hopeless', problem, ...(port === chosen && { isPortTaken: true }) };
}

/** Where others reach what listens on this address. */
function hostOf({ address }: Listener): string {
  return address === '0.0.0.0' || address === '::' ? '127.0.0.1' : address;
}

/** How long a connection to this machine may take, ms. */
const connectMs = 1_000;

async function acceptingHost(port: number): Promise<string | undefined> {
  for (const host of ['127.0.0.1', '::1']) if (await accepts(host, port)) return host;
  return undefined;
}

function accepts(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ host, port, timeout: connectMs });
    const end = (isOpen: boolean) => (): void => {
      socket.destroy();
      resolve(isOpen);
    };
    socket.once('connect', end(true)).once('timeout', end(false)).once('error', end(false));
  });
}

/** The address of a service that was given a port, and shows in another way that it is ready. */
function addressOf(port: number | undefined): ServiceAddress {
  if (port === undefined) return { host: '127.0.0.1' };
  const [first] = listenersOn(port) ?? [];
  return { host: first === undefined ? '127.0.0.1' : hostOf(first), port };
}

function ready(values: ServiceValues | ServiceAddress): Sighting {
  return { kind: 'ready', values: { ...values } };
}

// An answer by HTTP.

/** How long one answer may take, ms. */
const answerMs = 2_000;

type Http = Extract<ReadyCondition, { readonly http: string }>;

/** Ready when the URL answers with the right status. A server that answered before the start does not belong to the service. */
async function httpOf(service: ObservedService, { http, status }: Http): Promise<Look> {
  const url = new URL(http);
  const port = Number(url.port) || (url.protocol === 'https:' ? 443 : 80);
  const fits = (given: number): boolean =>
    status === undefined ? given >= 200 && given < 400 : given === status;
  if ((await statusOf(http, service.clock)) !== undefined) return () => taken(service, port);
  const { origin, hostname } = url;
  return async () => {
    const given = await statusOf(http, service.clock);
    const host = hostname.replace(/^\[|\]$/g, '');
    return given !== undefined && fits(given) ? ready({ host, port, url: origin }) : undefined;
  };
}

/** The status of the answer; undefined without one. The connection is closed at once: another look needs no open one. */
async function statusOf(url: string, clock: Clock): Promise<number | undefined> {
  const controller = new AbortController();
  const late = Promise.withResolvers<undefined>();
  const cancel = clock.after(answerMs, () => late.resolve(undefined));
  try {
    return await Promise.race([answerOf(url, controller.signal), late.promise]);
  } finally {
    cancel();
    controller.abort();
  }
}

async function answerOf(url: string, signal: AbortSignal): Promise<number | undefined> {
  try {
    const answer = await fetch(url, { signal, redirect: 'manual', headers: { connection: 'close' } });
    await answer.body?.cancel();
    return answer.status;
  } catch {
    return undefined;
  }
}

// A line of its output.

/** Ready when a line of stdout or stderr matches. The named groups of the expression are values; `port` is a number. */
function lineOf({ condition: _, outputs, port }: ObservedService, line: string): Look {
  const expression = new RegExp(line);
  const tails = [new LineTail(outputs.stdout), new LineTail(outputs.stderr)];
  return () => {
    for (const tail of tails)
      for (const text of tail.readLines()) {
        const match = expression.exec(text);
        if (match !== null) return ready({ ...addressOf(port), ...groupsOf(match) });
      }
    return undefined;
  };
}

function groupsOf({ groups = {} }: RegExpExecArray): ServiceValues {
  const found = Object.entries(groups).filter(([, value]) => value !== undefined);
  return Object.fromEntries(
    found.map(([name, value]) => [name, name === 'port' ? Number(value) : value] as const),
  );
}

// A file.

/** Ready when the file is there and is not the one that was there before the start. */
function fileOf({ cwd, port }: ObservedService, file: string): Look {
  const path = resolve(cwd, file);
  const before = versionOf(path);
  return () => {
    const now = versionOf(path);
    return now === undefined || now === before ? undefined : ready(addressOf(port));
  };
}

/** Distinguishes a file from one that was there before, also where the old one is written again. What cannot be reached is not there. */
function versionOf(path: string): string | undefined {
  try {
    const { ino, ctimeNs } = statSync(path, { bigint: true });
    return `${ino} ${ctimeNs}`;
  } catch {
    return undefined;
  }
}

// A line on fd 3.

const readyLine = /^[ \t]*ready(?:[ \t]+(.*))?$/;

/** Ready with a line `ready` on fd 3, or `ready {"url": "…"}` with values of its own. */
function reportOf({ task, outputs, port }: ObservedService): Look {
  const tail = new LineTail(outputs.report);
  return () => {
    for (const line of tail.readLines()) {
      const match = readyLine.exec(line);
      if (match === null) continue;
      const own = valuesIn(match[1]?.trim() ?? '');
      return 'problem' in own
        ? { kind: 'hopeless', problem: badLine(task, line, own.problem) }
        : ready({ ...addressOf(port), ...own.values });
    }
    return undefined;
  };
}

function valuesIn(text: string): { readonly values: ServiceValues } | { readonly problem: string } {
  if (text === '') return { values: {} };
  try {
    const values: unknown = JSON.parse(text);
    if (typeof values === 'object' && values !== null && !Array.isArray(values))
      return { values: values as ServiceValues };
    return { problem: 'it is not an object' };
  } catch (error) {
    return { problem: messageOf(error) };
  }
}

const longestQuote = 200;

function badLine(task: string, line: string, why: string): Problem {
  const quote = line.length > longestQuote ? `${line.slice(0, longestQuote)}…` : line;
  return {
    code: 'PEXEN_BAD_READY',
    task,
    message: `it reported that it is ready with values that cannot be read: ${quote} (${why})`,
    hint: 'Write ready, or ready and an object as JSON on the same line: ready {"port": 8080}.',
  };
}
