/**
 * `--ui`: the page of a run in a browser. The page is a package of its own, which is loaded when it is needed and need not be installed. Knows how the page
 * is opened, followed and closed, and nothing of what it shows.
 */
import { basename } from 'node:path';
import { type Explanation, misuse, type PexenError } from '@pexen/core';
import { startTimer } from '@pexen/core/timers';
import { type ReadonlyRunModel, type Reporter, RunModel } from '@pexen/report';
import {
  type ExitCode,
  environment,
  exitCodes,
  type LoadedConfig,
  liveRuns,
  type SuiteControls,
  type SuiteRunOptions,
  secretPatterns,
  shellWord,
  stateDirectoryOf,
  type WatchSession,
} from '@pexen/usecase-testsuite';
import { optionalModule } from '../optional-package.ts';
import type { RoundEvent } from './round-process.ts';

/** The part of `@pexen/page/server` that the command uses. */
interface PageModule {
  openSuitePage(options: PageOptions, control?: PageControl): Promise<OpenedPage>;
}

/** What a page is opened with. Paths are absolute. */
interface PageOptions {
  readonly port?: number;
  readonly host: string;
  readonly title: string;
  readonly command: string;
  readonly root: string;
  readonly stateDirectory: string;
  readonly secrets?: readonly RegExp[];
}

/** What a page may ask for, and how it is done. */
interface PageControl {
  readonly kinds: readonly PageOrder['kind'][];
  obey(order: PageOrder): void;
}

/** What a page asks for. */
export type PageOrder =
  | { readonly kind: 'rerun'; readonly paths?: readonly string[] }
  | { readonly kind: 'stop'; readonly how: 'drain' | 'cancel' }
  | { readonly kind: 'watch'; readonly on: boolean };

/** A page that is open. */
export interface OpenedPage {
  readonly url: string;
  readonly reporter: Reporter;
  show(model: ReadonlyRunModel): void;
  ask(
    run:
      | {
          explain(path: string): Promise<Explanation | undefined> | Explanation | undefined;
          outputFileOf(path: string, attempt: number, stream: 'stdout' | 'stderr'): string | undefined;
        }
      | undefined,
  ): void;
  close(end?: { readonly exitCode?: number; readonly why?: string }): Promise<void>;
}

/** Loads what opens pages. @throws PexenError PEXEN_NOT_INSTALLED */
export function pageModule(): Promise<PageModule> {
  return optionalModule('@pexen/page', 'server', '--ui');
}

/** What the suite says of its page. Undefined where it has none. @throws PexenError PEXEN_BAD_OPTION */
function pageOptions(loaded: LoadedConfig, command: string): PageOptions | undefined {
  const { config, root } = loaded;
  const { uiControl = false, ui = uiControl, uiHost = '127.0.0.1', secrets = [] } = config;
  if (ui === false) return undefined;
  if (uiControl && !isOwn(uiHost)) throw controlFromElsewhere(uiHost);
  return {
    ...{ root, title: basename(root), command, host: uiHost },
    stateDirectory: stateDirectoryOf(root, config.stateDir),
    ...(typeof ui === 'number' && { port: ui }),
    secrets: secretPatterns(secrets, process.env),
  };
}

/** `pexen run`, with what it needs to find the configuration. */
export function commandOf(config: string | undefined): string {
  return ['pexen', 'run', ...(config === undefined ? [] : ['--config', config])].map(shellWord).join(' ');
}

/** Only this machine reaches such an address. */
function isOwn(host: string): boolean {
  return host === '::1' || host.startsWith('127.');
}

function controlFromElsewhere(host: string): PexenError {
  return misuse(
    'PEXEN_BAD_OPTION',
    `--ui-control lets a page run tests, and other machines reach it at ${host}`,
    'Leave out --ui-host, and forward a port: ssh -L 9100:127.0.0.1:9100 HOST. Or leave out --ui-control.',
  );
}

/** The sentences about a page that has been opened, a line each. */
export function pageLines(url: string, host: string): string[] {
  const isShared = !isOwn(host);
  return [
    `Page: ${url}`,
    ...(isShared
      ? [
          'The connection is not encrypted: the network between, and everyone with this address, can read along.',
        ]
      : []),
  ];
}

/** The page of one `pexen run`, if it has one. */
export class CommandPage {
  #page: OpenedPage | undefined;
  #controls: SuiteControls | undefined;
  #exitCode: ExitCode | undefined;

  /** Opens it, if the suite has one. @throws PexenError PEXEN_NOT_INSTALLED, PEXEN_PAGE_NOT_SERVED, PEXEN_BAD_OPTION */
  async open(loaded: LoadedConfig, command: string): Promise<void> {
    const options = pageOptions(loaded, command);
    if (options === undefined) return;
    const { openSuitePage } = await pageModule();
    const control: PageControl = { kinds: ['stop'], obey: (order) => this.#obey(order) };
    this.#page = await openSuitePage(options, loaded.config.uiControl === true ? control : undefined);
    for (const line of pageLines(this.#page.url, options.host)) process.stderr.write(`${line}\n`);
  }

  /** The options of a run that the page follows. */
  following(given: SuiteRunOptions): SuiteRunOptions {
    const page = this.#page;
    if (page === undefined) return given;
    return {
      ...given,
      observer: page.reporter,
      onStart: (controls) => {
        this.#controls = controls;
        page.ask(controls);
        given.onStart?.(controls);
      },
    };
  }

  /** On a terminal, a page that was asked for stays until the user ends it; a user who has interrupted the run has done so. */
  async stay(exitCode: ExitCode): Promise<void> {
    this.#exitCode = exitCode;
    this.#controls = undefined;
    if (this.#page === undefined || exitCode === exitCodes.interrupted || !hasUser()) return;
    await stayUntilEnded(
      `The page stays at ${this.#page.url}\nEnter or Ctrl-C ends it, with exit code ${exitCode}.`,
    );
  }

  async close(): Promise<void> {
    await this.#page?.close(this.#exitCode === undefined ? {} : { exitCode: this.#exitCode });
  }

  #obey(order: PageOrder): void {
    if (order.kind !== 'stop') return;
    this.#controls?.note(`Stopped from the page${order.how === 'drain' ? ': waiting for what runs' : ''}.`);
    if (order.how === 'drain') this.#controls?.drain('stopped from the page');
    else this.#controls?.cancel('stopped from the page');
  }
}

/** The page of `pexen run --watch`: follows the rounds, which other processes run. */
export class WatchPage {
  readonly #page: OpenedPage;
  #model = new RunModel();

  private constructor(page: OpenedPage) {
    this.#page = page;
  }

  /** Undefined where the suite has none. `session`: what the page controls, if it may. */
  static async open(
    loaded: LoadedConfig,
    command: string,
    session: () => WatchSession | undefined,
  ): Promise<WatchPage | undefined> {
    const options = pageOptions(loaded, command);
    if (options === undefined) return undefined;
    const { openSuitePage } = await pageModule();
    const control: PageControl = {
      kinds: ['stop', 'rerun', 'watch'],
      obey: (order) => obeyIn(session(), order),
    };
    const page = new WatchPage(
      await openSuitePage(options, loaded.config.uiControl === true ? control : undefined),
    );
    page.#page.ask({
      explain: (path) => explanationFrom(options.stateDirectory, page.#model.run.id, path),
      outputFileOf: () => undefined,
    });
    for (const line of pageLines(page.#page.url, options.host)) process.stderr.write(`${line}\n`);
    return page;
  }

  /** Each round begins with an event of its own. */
  follow(happened: RoundEvent): void {
    if ('event' in happened && happened.event.type === 'run-started') this.#model = new RunModel();
    const change =
      'event' in happened ? this.#model.apply(happened.event) : this.#model.applyTaskUpdate(happened.update);
    if (change !== undefined) this.#page.reporter.update?.(this.#model, change);
  }

  async close(exitCode: ExitCode | undefined): Promise<void> {
    await this.#page.close(exitCode === undefined ? {} : { exitCode });
  }
}

function obeyIn(session: WatchSession | undefined, order: PageOrder): void {
  if (order.kind === 'stop') session?.stopRound(order.how);
  else if (order.kind === 'watch') session?.watch(order.on);
  else if (order.paths === undefined) session?.key({ kind: 'all' });
  else session?.key({ kind: 'named', paths: order.paths });
}

/** Asks the process of the round. Undefined where that does not answer any more. */
async function explanationFrom(
  stateDirectory: string,
  id: string | undefined,
  path: string,
): Promise<Explanation | undefined> {
  try {
    const live = (await liveRuns(stateDirectory)).find(({ run }) => run.id === id);
    return (await live?.run.explain([path]))?.[0];
  } catch {
    return undefined;
  }
}

/** Is there a user who sees what is printed, and can end the command? */
function hasUser(): boolean {
  return process.stdin.isTTY === true && process.stdout.isTTY === true && !environment().ci;
}

/** Keeps the process alive. */
const aDayMs = 86_400_000;

/** Prints the sentence, and resolves when the user presses Enter, or a signal comes. */
export async function stayUntilEnded(sentence: string): Promise<void> {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  process.stderr.write(`${sentence}\n`);
  await new Promise<void>((resolve) => {
    const stopTicking = keepAlive();
    const end = (): void => {
      stopTicking();
      for (const signal of signals) process.off(signal, end);
      if (process.stdin.isTTY) process.stdin.off('data', end).pause();
      resolve();
    };
    for (const signal of signals) process.on(signal, end);
    if (process.stdin.isTTY) process.stdin.on('data', end).resume();
  });
}

function keepAlive(): () => void {
  let cancel = (): void => {};
  const wait = (): void => {
    cancel = startTimer(aDayMs, wait);
  };
  wait();
  return () => cancel();
}
