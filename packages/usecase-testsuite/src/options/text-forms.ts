/** How the values of options are written as text: on the command line and in variables of the environment. Knows no option. */
import { resolve } from 'node:path';
import { misuse, PexenError } from '@pexen/core';
import { durationForms, readDurationText } from '@pexen/core/duration';
import type { ReporterChoice } from '../config/define-suite.ts';
import {
  isFileReporterName,
  isOtherReporterName,
  isTerminalName,
  reporterForms,
  reporterOf,
  unknownReporter,
} from '../reporters/reporter-names.ts';

/** One way to write values as text. */
export interface TextForm {
  /** For messages and pages: `a whole number from 1 to 10000`. */
  readonly forms: string;
  /** The value; undefined where the text does not have this form. @throws PexenError where more can be said about it */
  read(text: string): unknown;
  /** The text of a value, which is read as that value. Default: as JavaScript writes it. */
  write?(value: unknown): string;
  /** Is the value a path? Relative ones start at the current directory, and not at the configuration. */
  readonly isPath?: true;
  /** The words, where it is one of some. */
  readonly words?: readonly string[];
}

export const flagText: TextForm = {
  forms: 'true or false',
  read: (text) => (text === 'true' ? true : text === 'false' ? false : undefined),
};

/** Whole numbers in a range. */
export function wholeText(least: number, most: number = Number.MAX_SAFE_INTEGER): TextForm {
  return {
    forms:
      most < Number.MAX_SAFE_INTEGER
        ? `a whole number from ${least} to ${most}`
        : `a whole number, ${least} or more`,
    read: (text) => {
      const value = /^\d{1,9}$/.test(text) ? Number(text) : -1;
      return value >= least && value <= most ? value : undefined;
    },
  };
}

const unitsMs = [
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
] as const;

/** `5m`: in the largest unit of which it is a whole number. */
function formatDuration(value: unknown): string {
  if (value === Number.POSITIVE_INFINITY) return 'off';
  const ms = Number(value);
  const [unit, each] = unitsMs.find(([, length]) => ms > 0 && ms % length === 0) ?? ['ms', 1];
  return `${ms / each}${unit}`;
}

/** Durations. */
export function durationText(least: 'any' | 'above 0'): TextForm {
  return {
    forms: least === 'any' ? durationForms : `${durationForms}, above 0`,
    read: (text) => {
      const ms = readDurationText(text);
      return ms === 0 && least === 'above 0' ? undefined : ms;
    },
    write: formatDuration,
  };
}

/** Durations above 0, and `off` for no limit. */
export const limitText: TextForm = {
  forms: `${durationForms}, above 0, or off`,
  read: (text) => (text === 'off' ? Number.POSITIVE_INFINITY : durationText('above 0').read(text)),
  write: formatDuration,
};

/** One of some words. */
export function choiceText(words: readonly string[]): TextForm {
  return {
    words,
    forms: words.join(', ').replace(/, (?=[^,]*$)/, ' or '),
    read: (text) => (words.includes(text) ? text : undefined),
  };
}

export const nameText: TextForm = {
  forms: 'a text',
  read: (text) => (text.trim() === '' ? undefined : text),
};

export const pathText: TextForm = { ...nameText, forms: 'a path', isPath: true };

/** Texts with commas between them. */
export const listText: TextForm = {
  forms: 'texts with commas between them',
  read: (text) => {
    const items = text.split(',').map((item) => item.trim());
    return items.includes('') ? undefined : items;
  },
};

/** Names of reporters with commas between them: `lines,junit=out/junit.xml`. */
export const reportersText: TextForm = {
  forms: `${reporterForms}, several with commas`,
  read: (text) => text.split(',').map((item) => readReporter(item.trim())),
  write: (value) => (value as readonly ReporterChoice[]).map(reporterText).join(','),
};

/** As on the command line; other options than the file are left out. */
function reporterText(choice: ReporterChoice): string {
  const { name, file } = reporterOf(choice);
  if (name === undefined) return 'a reporter';
  return file === undefined ? name : `${name}=${file}`;
}

/**
 * `NAME` or `NAME=FILE`, with the file and the module of a reporter relative to the current directory.
 * @throws PexenError PEXEN_UNKNOWN_REPORTER.
 */
export function readReporter(text: string): ReporterChoice {
  const [, name = '', file = ''] = /^([^=]*)=?(.*)$/s.exec(text) ?? [];
  const options = file === '' ? undefined : { file: resolve(file) };
  if (isTerminalName(name)) {
    if (text.includes('='))
      throw misuse(
        'PEXEN_UNKNOWN_REPORTER',
        `${name} takes no value here`,
        'Set its options in the configuration.',
      );
    return name;
  }
  if (isFileReporterName(name)) return options === undefined ? name : ([name, options] as const);
  if (!isOtherReporterName(name)) throw new PexenError([unknownReporter(name)]);
  const found = name.startsWith('.') ? resolve(name) : name;
  return (options === undefined ? found : [found, options]) as ReporterChoice;
}

/** The reporter for a file named on the command line: relative to the current directory, not to the configuration. */
export function junitInto(file: string): ReporterChoice {
  return ['junit', { file: resolve(file) }];
}
