/** Checks, before anything runs, that a debugger can follow what `--inspect` asks for. */
import { createServer } from 'node:net';
import { definitionOf, messageOf, type Problem, type Runnable } from '@pexen/core';
import type { Plan } from '@pexen/sched';
import type { StatedOptions } from './run-options.ts';

/** All problems of debugging this plan: one module task, in a worker, at a free port. */
export async function debuggingProblems(
  plan: Plan,
  { inspectPort, pool }: StatedOptions,
): Promise<Problem[]> {
  if (inspectPort === undefined) return [];
  if (pool === 'inline')
    return [badInspect('--inspect is for workers, and --pool inline has none', inlineHint)];
  const busy = await whyBusy(inspectPort);
  return [
    ...taskProblems(plan),
    ...(busy === undefined
      ? []
      : [badInspect(`the port ${inspectPort} cannot be used: ${busy}`, 'Name another one: --inspect=9230.')]),
  ];
}

const inlineHint = 'Write: node --inspect-brk node_modules/pexen/bin/pexen.js run --pool inline …';

/** A debugger follows one task; those that it requires run before it, without one to follow. */
function taskProblems({ tasks }: Plan): Problem[] {
  const [only, ...others] = tasks.filter(({ pulledIn }) => pulledIn === undefined);
  if (only === undefined || others.length > 0)
    return [
      badInspect(
        `--inspect is for one task, and ${others.length + (only === undefined ? 0 : 1)} are selected`,
        'Name one, as in: pexen run --inspect api/login',
      ),
    ];
  const { entry, path } = only;
  const runnable = ('under' in entry ? entry.task : entry) as Runnable;
  const { body, service } = definitionOf(runnable);
  if (service !== undefined)
    return [
      badInspect(`--inspect is for one task, and "${path}" is a service`, 'Name a task that needs it.'),
    ];
  if (typeof body === 'function') return [];
  return [
    badInspect(
      `--inspect is for tasks of modules, and "${path}" is a program`,
      'Debug the program by itself.',
    ),
  ];
}

/** Why the port cannot be listened to, if so. */
function whyBusy(port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error) => resolve(messageOf(error)));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(undefined)));
  });
}

function badInspect(message: string, hint: string): Problem {
  return { code: 'PEXEN_BAD_OPTION', message, hint };
}
