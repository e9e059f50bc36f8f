/** The names of reporters, and what a choice of a reporter says. Makes none. */
import { didYouMean, type Problem } from '@pexen/core';
import { type FileReporterName, fileReporters } from '@pexen/report';
import type {
  OtelReporterName,
  OtherReporterName,
  PageReporterName,
  ReporterChoice,
  ReporterName,
} from '../config/define-suite.ts';

/** The reporters for a terminal. */
export const terminalNames = ['terminal', 'live', 'lines'] as const satisfies readonly ReporterName[];

/** The reporters that write a report. */
const fileReporterNames: readonly FileReporterName[] = Object.keys(fileReporters) as FileReporterName[];

/** Those of packages that are installed where they are wanted. A package exports its reporter under the reporter's name. */
export const packagedReporters: Readonly<
  Record<PageReporterName | OtelReporterName, { readonly module: string; readonly what: string }>
> = {
  html: { module: '@pexen/page', what: 'the HTML report' },
  otel: { module: '@pexen/otel', what: 'the reporter for OpenTelemetry' },
};

type PackagedReporterName = keyof typeof packagedReporters;

/** Those that write a report or send one. */
export const reportNames: readonly string[] = [...fileReporterNames, ...Object.keys(packagedReporters)];

/** For messages and pages. */
export const reporterForms: string = `${terminalNames.join(', ')}, ${reportNames.join(', ')}, NAME=FILE, a package pexen-reporter-…, or a path`;

export function isTerminalName(name: string): name is ReporterName {
  return terminalNames.some((each) => each === name);
}

export function isFileReporterName(name: string): name is FileReporterName {
  return Object.hasOwn(fileReporters, name);
}

export function isPackagedReporterName(name: string): name is PackagedReporterName {
  return Object.hasOwn(packagedReporters, name);
}

/** A package whose name says that it is a reporter, or a path; and ours that are packages, too. */
export function isOtherReporterName(name: string): name is OtherReporterName | PackagedReporterName {
  return isPackagedReporterName(name) || /^(?:@[^/]+\/)?pexen-reporter-.|^\.{0,2}\/./s.test(name);
}

/** What is wrong with a name that is none of these, and what to do. */
export function unknownReporter(name: string): Problem & { readonly hint: string } {
  const code = 'PEXEN_UNKNOWN_REPORTER';
  const similar = didYouMean(name, [...terminalNames, ...reportNames]);
  const others = /^[a-z\d][a-z\d.-]*$/.test(name)
    ? `There are: ${reporterForms}. If it is a package: npm install --save-dev pexen-reporter-${name}, then pexen-reporter-${name}.`
    : `There are: ${reporterForms}.`;
  return { code, message: `there is no reporter "${name}"`, hint: similar ?? others };
}

/** The name of a choice, and its options. The name of a reporter that is an object is undefined. */
export interface NamedReporter {
  readonly name: string | undefined;
  readonly options: Readonly<Record<string, unknown>>;
  /** Where it writes; absent for standard output. */
  readonly file: string | undefined;
}

export function reporterOf(choice: ReporterChoice): NamedReporter {
  if (typeof choice === 'object' && 'close' in choice)
    return { name: undefined, options: {}, file: undefined };
  const [name, given = {}] = typeof choice === 'string' ? [choice] : choice;
  const options = given as Readonly<Record<string, unknown>>;
  const { file } = options;
  return { name, options, file: typeof file === 'string' ? file : undefined };
}

/** The same choice with another file, if it has one. */
export function withFile(choice: ReporterChoice, place: (file: string) => string): ReporterChoice {
  const { name, options, file } = reporterOf(choice);
  if (name === undefined || file === undefined) return choice;
  return [name, { ...options, file: place(file) }] as ReporterChoice;
}

/** Is its report all that may be on standard output? */
export function ownsOutput(choice: ReporterChoice): boolean {
  const { name = '', file } = reporterOf(choice);
  return isFileReporterName(name) && file === undefined && fileReporters[name].ownsOutput;
}

/** Does it say of every task where it was made? */
export function readsLocations(choice: ReporterChoice): boolean {
  const { name = '' } = reporterOf(choice);
  return isFileReporterName(name) && fileReporters[name].readsLocations;
}
