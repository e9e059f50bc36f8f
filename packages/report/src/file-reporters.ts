/** The reporters that write a report, by name: what a configuration may say of each, and how it is made. */
import type { KindsOf } from '@pexen/core/options';
import { ctrf } from './ctrf/ctrf.ts';
import { github } from './github/github.ts';
import { gitlab } from './gitlab/gitlab.ts';
import { jsonLines } from './json-lines/json-lines.ts';
import { junit } from './junit/junit.ts';
import { markdown } from './markdown/markdown.ts';
import {
  type CtrfOptions,
  ctrfKinds,
  type GitHubOptions,
  type GitLabOptions,
  githubKinds,
  gitlabKinds,
  type JsonLinesOptions,
  type JUnitOptions,
  jsonLinesKinds,
  junitKinds,
  type MarkdownOptions,
  markdownKinds,
  type TapOptions,
  type TraceOptions,
  tapKinds,
  traceKinds,
} from './options.ts';
import type { Reporter } from './reporter.ts';
import { tap } from './tap/tap.ts';
import { trace } from './trace/trace.ts';

/** Options that only code can state. */
type OfCode = 'stream' | 'clock' | 'env';

/** The options of each in a configuration. */
export interface FileReporterOptions {
  readonly junit: Omit<JUnitOptions, OfCode>;
  readonly tap: Omit<TapOptions, OfCode>;
  readonly ctrf: Omit<CtrfOptions, OfCode>;
  readonly jsonl: Omit<JsonLinesOptions, OfCode>;
  readonly github: Omit<GitHubOptions, OfCode>;
  readonly gitlab: Omit<GitLabOptions, OfCode>;
  readonly markdown: Omit<MarkdownOptions, OfCode>;
  readonly trace: Omit<TraceOptions, OfCode>;
}

/** Their names. */
export type FileReporterName = keyof FileReporterOptions;

interface FileReporter<Options extends object> {
  readonly kinds: KindsOf<Options>;
  readonly make: (options?: Options) => Reporter;
  /** Without a file, the report is all that may be on standard output. */
  readonly ownsOutput: boolean;
  /** It says of every task where it was made, not only of failures. */
  readonly readsLocations: boolean;
}

/** The reporters, by name. */
export const fileReporters: { readonly [Name in FileReporterName]: FileReporter<FileReporterOptions[Name]> } =
  {
    junit: { kinds: ofData(junitKinds), make: junit, ownsOutput: true, readsLocations: true },
    tap: { kinds: ofData(tapKinds), make: tap, ownsOutput: true, readsLocations: false },
    ctrf: { kinds: ofData(ctrfKinds), make: ctrf, ownsOutput: true, readsLocations: true },
    jsonl: { kinds: ofData(jsonLinesKinds), make: jsonLines, ownsOutput: true, readsLocations: true },
    github: { kinds: ofData(githubKinds), make: github, ownsOutput: false, readsLocations: false },
    gitlab: { kinds: ofData(gitlabKinds), make: gitlab, ownsOutput: false, readsLocations: false },
    markdown: { kinds: ofData(markdownKinds), make: markdown, ownsOutput: true, readsLocations: false },
    trace: { kinds: ofData(traceKinds), make: trace, ownsOutput: true, readsLocations: false },
  };

function ofData<Kinds extends object>(kinds: Kinds): Omit<Kinds, OfCode> {
  const { stream, clock, env, ...data } = kinds as Kinds & Partial<Record<OfCode, unknown>>;
  return data;
}
