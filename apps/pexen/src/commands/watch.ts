/** `pexen run --watch`: watches the files of the suite, and runs what changes affect, each time in a new process. */
import { styleText } from 'node:util';
import { systemClock } from '@pexen/core/timers';
import {
  type ExitCode,
  loadConfig,
  type RoundReport,
  readKeys,
  suiteRoot,
  type WatchedFiles,
  WatchSession,
  watchFiles,
} from '@pexen/usecase-testsuite';
import { printProblems } from '../print-problems.ts';
import { workingDirectory } from '../working-directory.ts';
import { commandOf, WatchPage } from './page.ts';
import { RoundProcesses } from './round-process.ts';
import { type ConfiguredOptions, givenBy } from './stated-options.ts';

/** The options that the watching process itself reads; its rounds read all of them. */
interface WatchOptions extends ConfiguredOptions {
  readonly ui?: unknown;
  readonly uiControl?: unknown;
}

/** The page, if the command or the environment asks for one: the configuration is loaded by the rounds, each time as it is then. */
async function pageOf(
  options: WatchOptions,
  session: () => WatchSession | undefined,
): Promise<WatchPage | undefined> {
  const { ui, uiControl, config } = options;
  const variables = [process.env.PEXEN_UI, process.env.PEXEN_UI_CONTROL];
  if (ui === undefined && uiControl === undefined && !variables.some(Boolean)) return undefined;
  const loaded = await loadConfig(workingDirectory(), config, givenBy(options));
  return await WatchPage.open(loaded, commandOf(config), session);
}

/** Resolves with the exit code when the user has ended it. */
export async function watch(options: WatchOptions): Promise<ExitCode> {
  const { config } = options;
  const root = suiteRoot(workingDirectory(), config);
  let session: WatchSession | undefined;
  let exitCode: ExitCode | undefined;
  const page = await pageOf(options, () => session);
  const rounds = new RoundProcesses(systemClock, page && ((happened) => page.follow(happened)));
  const files = new SuiteFiles();
  try {
    files.watch(root);
    session = new WatchSession({
      clock: systemClock,
      startRound: (order) => rounds.start(order),
      onReport: (report) => files.follow(report),
      say: (line) => process.stdout.write(`${line}\n`),
      waiting,
    });
    files.reportTo(session);
    const restore = obeyUser(session);
    exitCode = await session.ended.finally(restore);
    return exitCode;
  } catch (error) {
    return printProblems(error, process.stderr);
  } finally {
    rounds.close();
    files.close();
    await page?.close(exitCode);
  }
}

/** The watched files: those below the root, and those elsewhere that tasks consist of. */
class SuiteFiles {
  #root = '';
  #files: WatchedFiles | undefined;
  #session: WatchSession | undefined;

  /** @throws PexenError PEXEN_CANNOT_WATCH */
  watch(root: string): void {
    this.#files?.close();
    this.#root = root;
    this.#files = watchFiles(root, {
      changed: (path) => this.#session?.changed(path),
      failed: (error) => this.#session?.fail(printProblems(error, process.stderr)),
    });
  }

  reportTo(session: WatchSession): void {
    this.#session = session;
  }

  /** Another configuration may have another root. */
  follow({ root, outside }: RoundReport): void {
    try {
      if (root !== this.#root) this.watch(root);
      this.#files?.add(outside);
    } catch (error) {
      this.#session?.fail(printProblems(error, process.stderr));
    }
  }

  close(): void {
    this.#files?.close();
  }
}

const keys = 'a all, f failed, / filter, Enter again, q quit';

function waiting(filter: string | undefined): void {
  const only = filter === undefined ? '' : ` Filter: ${filter}.`;
  const hint = hasKeys() ? ` ${styleText('dim', keys, { stream: process.stdout })}` : '';
  process.stdout.write(`Waiting for changes.${only}${hint}\n`);
}

function hasKeys(): boolean {
  return process.stdin.isTTY === true && process.stdout.isTTY === true;
}

/** Passes signals and keys on until the returned function is called. */
function obeyUser(session: WatchSession): () => void {
  const names = ['SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGHUP'] as const;
  const listener = (signal: NodeJS.Signals): void => session.signal(signal);
  for (const name of names) process.on(name, listener);
  const stopReading = hasKeys() ? readTerminal(session) : () => {};
  return () => {
    stopReading();
    for (const name of names) process.off(name, listener);
  };
}

function readTerminal(session: WatchSession): () => void {
  return readKeys(process.stdin, {
    key: (key) => session.key(key),
    interrupt: () => session.signal('SIGINT'),
    quit: () => session.signal('SIGQUIT'),
    // All processes of the terminal's foreground group, as the terminal does it.
    suspend: () => process.kill(0, 'SIGTSTP'),
    mayType: () => session.isWaiting,
    typing: (isTyping) => session.typing(isTyping),
    line: (text) => process.stdout.write(text === undefined ? '\r\x1b[K' : `\r\x1b[KFilter: ${text}`),
  });
}
