/**
 * What a node is and has, by name: what its machine is, what its probes have found, and what was stated when it was started. A statement goes over what a
 * probe found, and both over the rest.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { arch, availableParallelism, hostname, platform, release, totalmem, type, uptime } from 'node:os';
import type { NodeProperties } from '@pexen/core';
import { systemClock } from '@pexen/pool-kit';

/** `arch`, `memory.totalMb`: words with dots between them. */
export const propertyName: RegExp = /^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*$/;

/** The name of a probe. */
export const probeName: RegExp = /^[A-Za-z_]\w*$/;

/** A probe that takes longer has found nothing, ms. */
const probeMs = 10_000;

/** A probe may print so much, bytes. */
const probeBytes = 64 * 1024;

/** What a node is asked to say of itself. */
export interface PropertyOptions {
  readonly name: string;
  readonly slots: number;
  /** Statements that are texts. */
  readonly labels: NodeProperties;
  readonly properties: NodeProperties;
  /** Commands for `sh`, by name. */
  readonly probes: Readonly<Record<string, string>>;
  readonly log: (line: string) => void;
}

export class Properties {
  readonly #options: PropertyOptions;
  readonly #machine: NodeProperties;
  #probed: NodeProperties = {};

  constructor(options: PropertyOptions) {
    this.#options = options;
    this.#machine = machineProperties(options);
  }

  get all(): NodeProperties {
    const { properties, labels } = this.#options;
    return { ...this.#machine, ...this.#probed, ...properties, ...labels };
  }

  /** Runs all probes. Resolves with true where that has changed something. Never rejects. */
  async probe(): Promise<boolean> {
    const probes = Object.entries(this.#options.probes);
    const found = await Promise.all(probes.map(([name, command]) => this.#run(name, command)));
    const before = JSON.stringify(this.#probed);
    this.#probed = Object.assign({}, ...found);
    return JSON.stringify(this.#probed) !== before;
  }

  async #run(name: string, command: string): Promise<NodeProperties> {
    const { stdout, failure } = await ran(command);
    if (failure === undefined) return { [`has.${name}`]: true, ...printedBy(name, stdout) };
    this.#options.log(`has no ${name}: ${failure}`);
    return { [`has.${name}`]: false };
  }
}

/** Runs a command in a process group of its own, of which nothing is left afterwards. */
async function ran(command: string): Promise<{ readonly stdout: string; readonly failure?: string }> {
  const child = spawn('/bin/sh', ['-c', command], { detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  let failure: string | undefined;
  const end = (why?: string): void => {
    failure ??= why;
    if (child.pid !== undefined) killGroup(child.pid);
  };
  const printed = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (text: string) => {
      printed[name] += text;
      if (printed[name].length > probeBytes) end(`its probe printed more than ${probeBytes} bytes`);
    });
  const cancel = systemClock.after(probeMs, () => end(`its probe took longer than ${probeMs / 1000} s`));
  child.once('exit', () => end());
  child.once('error', (error) => end(error.message));
  const [code, signal] = (await once(child, 'close').catch(() => [])) as [number | null, string | null];
  cancel();
  if (code !== 0) failure ??= printed.stderr.trim().split('\n', 1)[0] || endOf(code, signal);
  return { stdout: printed.stdout, ...(failure !== undefined && { failure }) };
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Nothing of it is left.
  }
}

function endOf(code: number | null, signal: string | null): string {
  return signal === null ? `its probe ended with ${code}` : `its probe was ended by ${signal}`;
}

/** What a probe has printed: an object as JSON has several properties below its name; anything else is the value of its name. */
function printedBy(name: string, stdout: string): NodeProperties {
  const text = stdout.trim();
  if (text === '') return {};
  const value = parsed(text);
  return typeof value === 'object' ? Object.fromEntries(scalarsOf(name, value)) : { [name]: value };
}

function parsed(text: string): object | string | number | boolean {
  try {
    const value: unknown = JSON.parse(text);
    if (isScalar(value) || (typeof value === 'object' && value !== null)) return value;
  } catch {
    // It is a text.
  }
  return text.split('\n', 1)[0] ?? '';
}

/**
 * The entries of an object, and of the objects in it, with dotted names. Lists and names that expressions cannot read are left out.
 *
 * @example
 * scalarsOf('gpu', { model: 'a100', memory: { totalMb: 40_960 } }) // [['gpu.model', 'a100'], ['gpu.memory.totalMb', 40_960]]
 */
function scalarsOf(name: string, value: object): [string, string | number | boolean][] {
  return Object.entries(value).flatMap(([key, each]): [string, string | number | boolean][] => {
    const dotted = `${name}.${key}`;
    if (!propertyName.test(dotted)) return [];
    if (isScalar(each)) return [[dotted, each]];
    const isTable = typeof each === 'object' && each !== null && !Array.isArray(each);
    return isTable ? scalarsOf(dotted, each) : [];
  });
}

/** A value of a property. */
export function isScalar(value: unknown): value is string | number | boolean {
  return typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value);
}

/** The names are those of the facts about a machine. */
function machineProperties({ name, slots }: PropertyOptions): NodeProperties {
  return {
    name,
    slots,
    hostname: hostname(),
    platform: platform(),
    arch: arch(),
    cpus: availableParallelism(),
    'memory.totalMb': Math.floor(totalmem() / 1024 ** 2),
    'kernel.name': type(),
    'kernel.release': release(),
    'nodejs.version': process.versions.node,
  };
}

/** Which boot of the machine this is. `idFile` is where Linux shows its id; elsewhere the time of the boot counts, in seconds. */
export function bootMark(idFile = '/proc/sys/kernel/random/boot_id'): string {
  try {
    return readFileSync(idFile, 'utf8').trim();
  } catch {
    return `booted at ${Math.round(Date.now() / 1000 - uptime())}`;
  }
}
