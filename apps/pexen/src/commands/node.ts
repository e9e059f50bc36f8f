/**
 * `pexen node` and `pexen nats`: this machine as a node of a pool, and a server for first steps. Both are in a package of their own, which is loaded
 * when it is needed and need not be installed.
 */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { messageOf, misuse, type NodeProperties, refuse } from '@pexen/core';
import { isRecord } from '@pexen/core/options';
import { machineProperties } from '@pexen/factory';
import { type ExitCode, exitCodes } from '@pexen/usecase-testsuite';
import { optionalModule } from '../optional-package.ts';
import { workingDirectory } from '../working-directory.ts';

/** The options of `pexen node`, as they are written on the command line or in the environment. */
export interface NodeOptions {
  readonly file?: string;
  readonly servers?: string;
  readonly pool?: string;
  readonly name?: string;
  readonly label?: readonly string[];
  readonly probe?: readonly string[];
  readonly slots?: number;
  readonly root?: readonly string[];
  readonly token?: string;
  readonly user?: string;
  readonly password?: string;
  readonly nkey?: string;
  readonly creds?: string;
  readonly tlsCa?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly insecure?: boolean;
}

/** The options of `pexen nats`. */
export interface NatsOptions {
  readonly port?: number;
  readonly config?: string;
}

/** The part of `@pexen/pool-nats/node` that the command uses. */
export interface NodeModule {
  startNode(options: object): Promise<RunningNode>;
  findNodes(options: object): Promise<readonly FoundNode[]>;
  findServer(): Promise<{ readonly file: string; readonly from: string }>;
  startServer(
    file: string,
    options: { readonly port: number; readonly config?: string },
  ): Promise<RunningServer>;
  initSecurity(options: object): Promise<SecurityReport>;
}

interface SecurityReport {
  readonly written: readonly { readonly file: string; readonly isSecret: boolean }[];
  readonly revoked: readonly string[];
  readonly pool: string;
  readonly nodes: readonly string[];
  readonly validUntil: Date;
}

interface RunningNode {
  readonly name: string;
  readonly server: string;
  readonly stopped: Promise<void>;
  drain(): void;
  stop(): void;
}

interface FoundNode {
  readonly name: string;
  readonly state: string;
  readonly slots: number;
  readonly properties: NodeProperties;
}

interface RunningServer {
  readonly url: string;
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}

/** Works for the runs of a pool until it is asked to stop: the first signal drains, the second ends what runs. */
export async function node(options: NodeOptions): Promise<ExitCode> {
  const { startNode } = await poolNats('pexen node');
  const say = (line: string): void => void process.stdout.write(`${line}\n`);
  const settings = settingsOf(options);
  const properties = { ...machineProperties(), ...settings.properties };
  const running = await startNode({ ...settings, properties, log: say });
  say(`${running.name} works for the pool "${settings.pool ?? 'default'}" at ${running.server}`);
  let signals = 0;
  const onSignal = (): void => (signals++ === 0 ? running.drain() : running.stop());
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
  await running.stopped;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.off(signal, onSignal);
  return exitCodes.ok;
}

/** Runs a server that only this machine can reach, until it is asked to stop. */
export async function nats({ port = 4222, config }: NatsOptions): Promise<ExitCode> {
  const { findServer, startServer } = await poolNats('pexen nats');
  const { file } = await findServer();
  const server = await startServer(file, {
    port,
    ...(config !== undefined && { config: resolve(workingDirectory(), config) }),
  });
  process.stdout.write(`${file} serves ${server.url}, for this machine only; Ctrl-C stops it\n`);
  const stop = (): void => void server.stop();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, stop);
  await server.ended;
  return exitCodes.ok;
}

/** What the command needs of its package. */
export function poolNats(command: string): Promise<NodeModule> {
  return optionalModule('@pexen/pool-nats', 'node', command);
}

/** What the command line says goes over what the file says. */
export function settingsOf({
  file,
  label,
  probe,
  root,
  tlsCa,
  tlsCert,
  tlsKey,
  ...given
}: NodeOptions): Settings {
  const fromFile = file === undefined ? {} : settingsIn(resolve(workingDirectory(), file));
  const tls = Object.entries({ ca: tlsCa, cert: tlsCert, key: tlsKey }).filter(
    ([, path]) => path !== undefined,
  );
  return {
    ...fromFile,
    ...given,
    ...(label !== undefined && { labels: pairsOf('label', label, 'arch=arm64') }),
    ...(probe !== undefined && { probes: pairsOf('probe', probe, "'kvm=test -w /dev/kvm'") }),
    ...(root !== undefined && { roots: root.map((each) => resolve(workingDirectory(), each)) }),
    ...(tls.length > 0 && { tls: Object.fromEntries(tls) }),
  };
}

interface Settings {
  readonly pool?: string;
  readonly properties?: NodeProperties;
}

/** The options in a file, whose paths of keys are relative to it: the folder may be copied. */
function settingsIn(file: string): Settings {
  const from = (path: unknown): unknown => (typeof path === 'string' ? resolve(dirname(file), path) : path);
  try {
    const { nkey, creds, tls, ...others } = JSON.parse(readFileSync(file, 'utf8'));
    return {
      ...others,
      ...(nkey !== undefined && { nkey: from(nkey) }),
      ...(creds !== undefined && { creds: from(creds) }),
      ...(isRecord(tls) ? { tls: mapValues(tls, from) } : tls !== undefined && { tls }),
    };
  } catch (error) {
    throw misuse(
      'PEXEN_NODE_FILE',
      `${file} cannot be read as JSON: ${messageOf(error)}`,
      'Write an object: { "servers": "nats://hub:4222", "slots": 4 }',
    );
  }
}

function mapValues(table: object, change: (value: unknown) => unknown): object {
  return Object.fromEntries(Object.entries(table).map(([name, value]) => [name, change(value)]));
}

/** `arch=arm64` … */
function pairsOf(what: string, words: readonly string[], example: string): Record<string, string> {
  const pairs = words.map((word): [string, string] => {
    const [name = '', ...value] = word.split('=');
    return [name, value.join('=')];
  });
  const wrong = pairs.filter(([name, value]) => name === '' || value === '');
  refuse(
    wrong.map(([name]) => ({
      code: 'PEXEN_BAD_OPTION',
      message: `the ${what} "${name}" has no name or no value`,
      hint: `Write --${what} ${example}.`,
    })),
  );
  return Object.fromEntries(pairs);
}
