/**
 * The program of a spawn helper: starts programs on behalf of its host. A process is forked with all its memory, which takes
 * milliseconds in a host with a large heap and blocks it meanwhile; a helper has nothing to copy.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { Channel } from './channel.ts';
import { throughShell } from './shell-start.ts';
import type { FromHelper, ToHelper } from './spawn-messages.ts';

type Order = Extract<ToHelper, { do: 'spawn' }>;

const groups = new Set<number>();
let base: Extract<ToHelper, { do: 'base' }> = { do: 'base', env: {}, raw: [], openFiles: null };

const channel = new Channel(3, 4);
channel.listen((message) => obey(message as ToHelper), endWithHost);

function obey(message: ToHelper): void {
  if (message.do === 'base') base = message;
  else start(message);
}

function start(order: Order): void {
  const fds: number[] = [];
  try {
    const { cwd } = order;
    for (const path of order.files) fds.push(openSync(path, 'a'));
    const stdio = ['ignore' as const, ...fds];
    const env = environment(order);
    const { file, argv } = throughShell(order, base, env) ?? order;
    watch(order.id, spawn(file, argv, { cwd, env, stdio, detached: true }));
  } catch (error) {
    refuse(order.id, error);
  } finally {
    for (const fd of fds) closeSync(fd);
  }
}

function watch(id: number, child: ChildProcess): void {
  const { pid } = child;
  child.once('error', (error) => refuse(id, error));
  if (pid === undefined) return;
  groups.add(pid);
  tell({ is: 'running', id, pid });
  child.once('exit', (exitCode, signal) => {
    groups.delete(pid);
    tell({ is: 'ended', id, exitCode, signal });
  });
}

function refuse(id: number, error: unknown): void {
  const { code = '', message } = error as NodeJS.ErrnoException;
  tell({ is: 'refused', id, code, message });
}

function environment({ env }: Order): NodeJS.ProcessEnv {
  const all: NodeJS.ProcessEnv = { ...base.env };
  for (const [name, value] of Object.entries(env)) all[name] = value ?? undefined;
  return all;
}

function endWithHost(): void {
  for (const group of groups) {
    try {
      process.kill(-group, 'SIGKILL');
    } catch {
      // It has just ended.
    }
  }
  process.exit(0);
}

function tell(message: FromHelper): void {
  channel.say(message);
}
