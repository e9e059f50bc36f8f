/**
 * The page of a suite: shows its runs while they go on, and answers from the run itself, its files and the history of the suite. It decides nothing; what
 * a page may ask for besides is passed on.
 */
import { realpathSync } from 'node:fs';
import { resolve, sep } from 'node:path';
import type { Explanation } from '@pexen/core';
import { explanationLines, type ReadonlyRunModel, type RunFacts, type TaskSnapshot } from '@pexen/report';
import { directoryOfRun, explainRecorded, type RecordedExplanations, Secrets } from '@pexen/store';
import { historyIn } from '@pexen/usecase-testsuite';
import type { Comparison, ControlKind, ControlRequest, PastRun, TaskDetails } from '../data/document.ts';
import { detailsOf } from '../evidence/details.ts';
import { comparison, historyBefore, pastRuns } from '../evidence/past.ts';
import { livePage } from '../html/page-file.ts';
import { type OpenPage, openPage } from './open-page.ts';
import type { OutputStream, PageSource } from './page-source.ts';
import { isLoopback } from './server.ts';

/** Options of `openSuitePage`. Paths are absolute. */
export interface SuitePageOptions {
  /** Default: a free one. */
  readonly port?: number;
  /** Default: this machine only. */
  readonly host?: string;
  readonly title: string;
  /** How a task is run again: `pexen run`. */
  readonly command: string;
  readonly root: string;
  readonly stateDirectory: string;
  /** What matches one of them in a text is shown as `***`. */
  readonly secrets?: readonly RegExp[];
}

/** What a page asks a run that goes on. */
export interface AskedRun {
  explain(path: string): Promise<Explanation | undefined> | Explanation | undefined;
  outputFileOf(path: string, attempt: number, stream: OutputStream): string | undefined;
}

/** What a page may do, and how it is done. */
export interface PageControl {
  readonly kinds: readonly ControlKind[];
  obey(request: ControlRequest): void;
}

/** The page of a suite. */
export interface SuitePage extends OpenPage {
  /** From now on this run is asked; undefined: none. */
  ask(run: AskedRun | undefined): void;
}

/** How much of attachments is sent with the details of a task. */
const attachmentLimits = { text: 20_000, image: 2 ** 20 };

/**
 * Opens the page. Other machines may only look, whatever `control` is.
 * @throws PexenError PEXEN_PAGE_NOT_SERVED
 */
export async function openSuitePage(options: SuitePageOptions, control?: PageControl): Promise<SuitePage> {
  const { port, host, title, command, root, stateDirectory, secrets = [] } = options;
  const masked = new Secrets(secrets);
  const obeyed = host === undefined || isLoopback(host) ? control : undefined;
  const source = new SuiteSource(root, stateDirectory, obeyed);
  const page = await openPage({
    ...{ html: livePage(), source },
    ...(port !== undefined && { port }),
    ...(host !== undefined && { host }),
    mask: (data) => masked.masked(data),
    frame: { title, command, ...(obeyed !== undefined && { control: obeyed.kinds }) },
  });
  return {
    ...page,
    ask: (run) => {
      source.asked = run;
    },
  };
}

/** Answers from the run that goes on, else from its journal. */
class SuiteSource implements PageSource {
  readonly root: string;
  readonly folders: readonly string[];
  readonly control?: (request: ControlRequest) => void;
  asked: AskedRun | undefined;
  readonly #stateDirectory: string;
  /** Of the run with that id, once it is over. */
  #recorded: { readonly id: string; readonly explanations: RecordedExplanations | undefined } | undefined;

  constructor(root: string, stateDirectory: string, control: PageControl | undefined) {
    this.root = root;
    this.folders = [root, stateDirectory];
    this.#stateDirectory = stateDirectory;
    if (control !== undefined) this.control = (request) => control.obey(request);
  }

  async details(task: TaskSnapshot, { run }: ReadonlyRunModel): Promise<TaskDetails> {
    const { path } = task.facts;
    const why = await this.#why(task, run);
    const history = historyBefore(this.#history, run, [path]);
    return {
      ...detailsOf(this.#withinFolders(task), this.root, attachmentLimits),
      ...(why !== undefined && { why, whyLines: explanationLines(why) }),
      ...(history !== undefined && { history }),
    };
  }

  outputFile(path: string, attempt: number, stream: OutputStream): string | undefined {
    return this.asked?.outputFileOf(path, attempt, stream);
  }

  runs(): readonly PastRun[] {
    return pastRuns(this.#history);
  }

  comparison(id: string | undefined, { run: shown }: ReadonlyRunModel): Comparison | undefined {
    return comparison(this.#history, shown, id);
  }

  get #history(): ReturnType<typeof historyIn> {
    return historyIn(this.#stateDirectory);
  }

  /** A run forgets how a task ended once its result was given: its journal says more about that, as soon as the run is over. */
  async #why({ facts, state }: TaskSnapshot, { id, hasEnded }: RunFacts): Promise<Explanation | undefined> {
    if (state !== 'done') return await this.asked?.explain(facts.path);
    return id !== undefined && hasEnded ? this.#explanations(id)?.explain(facts.path) : undefined;
  }

  #explanations(id: string): RecordedExplanations | undefined {
    if (this.#recorded?.id !== id)
      this.#recorded = { id, explanations: explainRecorded(directoryOfRun(this.#stateDirectory, id)) };
    return this.#recorded.explanations;
  }

  /** Without attachments that name files elsewhere. */
  #withinFolders(task: TaskSnapshot): TaskSnapshot {
    const attachments = (task.attachments ?? []).map((each) =>
      each.file === undefined || this.#isWithin(each.file)
        ? each
        : { name: each.name, text: 'It is outside of the folder of the suite.' },
    );
    return { ...task, attachments };
  }

  #isWithin(file: string): boolean {
    try {
      const place = realpathSync(resolve(this.root, file));
      return this.folders.some((folder) => place.startsWith(realpathSync(folder) + sep));
    } catch {
      return false;
    }
  }
}
