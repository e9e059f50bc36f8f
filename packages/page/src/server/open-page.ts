/** The page of a command: opens it before the run, follows one run after the other, and ends it with the command. */
import type { Clock } from '@pexen/core';
import { systemClock } from '@pexen/core/timers';
import type { ReadonlyRunModel, Reporter, RunView } from '@pexen/report';
import type { DocumentFrame, FeedEnd, Mask } from './feed.ts';
import type { PageSource } from './page-source.ts';
import { type ServerLimits, servePage } from './server.ts';

/** Options of `openPage`. */
export interface OpenPageOptions {
  /** Default: a free one. */
  readonly port?: number;
  /** An IP address. Default: this machine only. */
  readonly host?: string;
  readonly html: string;
  /** Removes secrets from plain data. Default: there are none. */
  readonly mask?: Mask;
  readonly frame: DocumentFrame;
  readonly source: PageSource;
  readonly clock?: Clock;
  readonly limits?: Partial<ServerLimits>;
}

/** A page that is open. */
export interface OpenPage {
  /** For the user's browser. It has the token that lets a browser in. */
  readonly url: string;
  /** Shows the runs that it is a reporter of, one after the other. */
  readonly reporter: Reporter;
  /** Shows a run that is over. */
  show(model: ReadonlyRunModel): void;
  /** What is around the runs is different now. */
  reframe(frame: Partial<DocumentFrame>): void;
  /** Resolves soon, whatever pages do. */
  close(end?: FeedEnd): Promise<void>;
}

/** @throws PexenError PEXEN_PAGE_NOT_SERVED */
export async function openPage(options: OpenPageOptions): Promise<OpenPage> {
  const { port = 0, host = '127.0.0.1', clock = systemClock, mask = (data) => data, ...parts } = options;
  const { url, feed, close } = await servePage({ port, host, clock, mask, ...parts });
  let view: RunView | undefined;
  return {
    url,
    reporter: {
      name: 'page',
      reads: 'all',
      attach: (given) => {
        view = given;
      },
      update: (model) => {
        if (model === feed.model) feed.changed();
        else feed.show(model, view);
      },
      close: async () => {},
    },
    show: (model) => feed.show(model),
    reframe: (frame) => feed.reframe(frame),
    close: (end = {}) => close(end),
  };
}
