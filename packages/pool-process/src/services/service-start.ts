/**
 * One start of a program as a service: chooses its port, puts it in the place of `{port}`, and finds out when the service is ready. Knows nothing of
 * processes and of what becomes of the values.
 */
import type { ProgramService, ReadyCondition } from '@pexen/core';
import type { Clock } from '@pexen/pool-kit';
import type { Program } from '../serialized-work.ts';
import { isPortFree, releasePort, reservePort } from './ports.ts';
import { type Look, readinessOf, type Sighting, untilReady } from './readiness.ts';

/** What is observed of its processes. */
export interface ObservedProcesses {
  /** The files that catch its output, and fd 3. */
  readonly outputs: { readonly stdout: number; readonly stderr: number; readonly report: number };
  /** Its living processes. */
  pids(): readonly number[];
}

export class ServiceStart {
  /** The program with its port. */
  readonly program: Program;
  readonly #look: Look;
  readonly #port: number | undefined;
  readonly #clock: Clock;

  private constructor(program: Program, look: Look, port: number | undefined, clock: Clock) {
    this.program = program;
    this.#look = look;
    this.#port = port;
    this.#clock = clock;
  }

  /**
   * Prepares the start; `close` is to be called when the service is over.
   * @throws PexenError PEXEN_NO_PORT
   */
  static async prepare(
    program: Program,
    task: string,
    processes: ObservedProcesses,
    clock: Clock,
  ): Promise<ServiceStart> {
    const wantsPort = JSON.stringify([program.argv, program.env, program.service]).includes(placeholder);
    const port = wantsPort ? await reservePort(isPortFree) : undefined;
    const filled = port === undefined ? program : withPort(program, port);
    const { ready: condition } = filled.service as ProgramService;
    try {
      const look = await readinessOf({ ...{ task, condition, cwd: filled.cwd, port, clock }, ...processes });
      return new ServiceStart(filled, look, port, clock);
    } catch (error) {
      if (port !== undefined) releasePort(port);
      throw error;
    }
  }

  /** Resolves when it is ready, or cannot become so; with undefined if it has ended, or is to end, before that. */
  watch(ended: Promise<unknown>, isEnding: () => boolean): Promise<Sighting | undefined> {
    return untilReady(this.#look, this.#clock, ended, isEnding);
  }

  close(): void {
    if (this.#port !== undefined) releasePort(this.#port);
  }
}

const placeholder = '{port}';

function withPort(program: Program, port: number): Program {
  const fill = (text: string): string => text.replaceAll(placeholder, String(port));
  const { argv, env, service } = program;
  return {
    ...program,
    argv: argv.map(fill),
    env: Object.fromEntries(Object.entries(env).map(([name, value]) => [name, fill(value)])),
    ...(service !== undefined && {
      service: { ...service, ready: conditionWith(service.ready, port, fill) },
    }),
  };
}

function conditionWith(ready: ReadyCondition, port: number, fill: (text: string) => string): ReadyCondition {
  if ('port' in ready) return { port: ready.port === placeholder ? port : ready.port };
  if ('line' in ready) return { line: fill(ready.line) };
  if ('file' in ready) return { file: fill(ready.file) };
  return 'http' in ready ? { ...ready, http: fill(ready.http) } : ready;
}
