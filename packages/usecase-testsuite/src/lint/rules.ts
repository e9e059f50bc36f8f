/** What `pexen lint` can find: its rules, and the shape of a finding. Knows neither suites nor configurations. */
import type { SourceLocation } from '@pexen/core';

/** What a rule is about. */
interface RuleDeclaration {
  /** `problem`: something is wrong, and the exit code is 1. `hint`: something that could be better, or should be known. */
  readonly level: LintLevel;
  /** In a few words, as the help shows it. */
  readonly about: string;
  /** What it needs: `suite`, only the tasks, so that it finds the same on every machine; `history`: earlier runs as well. */
  readonly from: 'suite' | 'history';
}

/** How grave a finding is. */
export type LintLevel = 'problem' | 'hint';

/** The rules, in the order in which their findings are reported. */
export const lintRules = {
  'always-fails': {
    ...{ level: 'problem', from: 'history' },
    about: 'a test that has failed in each of its last runs',
  },
  'tight-timeout': {
    ...{ level: 'problem', from: 'history' },
    about: 'a timeout that a test has nearly or sometimes reached',
  },
  'costly-lock': {
    ...{ level: 'hint', from: 'history' },
    about: 'a lock, or exclusive tests, without which the run would be much shorter',
  },
  'missing-provider': {
    ...{ level: 'hint', from: 'suite' },
    about: 'tests that are skipped here, since nothing here provides what they require',
  },
  'never-runs': {
    ...{ level: 'hint', from: 'history' },
    about: 'a test that was skipped in each of its last runs',
  },
  'uncontended-lock': {
    ...{ level: 'hint', from: 'suite' },
    about: 'a lock for which no two tests can ever wait',
  },
  'implied-requirement': {
    ...{ level: 'hint', from: 'suite' },
    about: 'a requirement that is always met, since another one requires it',
  },
  'idle-priority': {
    ...{ level: 'hint', from: 'history' },
    about: 'a priority that changes no order',
  },
  'wrong-weight': {
    ...{ level: 'hint', from: 'history' },
    about: 'a stated duration that is far from the measured one',
  },
  'loose-timeout': {
    ...{ level: 'hint', from: 'history' },
    about: 'a stated timeout that is far longer than needed',
  },
  'never-fails': {
    ...{ level: 'hint', from: 'history' },
    about: 'how many tests have never failed, and what they cost',
  },
  'unused-ignore': {
    ...{ level: 'problem', from: 'suite' },
    about: 'an ignored rule that finds nothing there',
  },
} as const satisfies Readonly<Record<string, RuleDeclaration>>;

/** The stable name of a rule. */
export type LintRule = keyof typeof lintRules;

/** The names of the rules. */
export const lintRuleNames = Object.keys(lintRules) as readonly LintRule[];

/** Something that a rule has found. Times are milliseconds. */
export interface LintFinding {
  readonly rule: LintRule;
  readonly level: LintLevel;
  /** What it is about: a call path, or the name of a resource or capability. Empty for the suite as a whole. */
  readonly subject: string;
  /** Continues a sentence after the subject. */
  readonly message: string;
  /** The evidence, a line each. */
  readonly details?: readonly string[];
  /** What to do, in one sentence or two. */
  readonly nextStep: string;
  /** The call paths of the tasks concerned. */
  readonly tasks: readonly string[];
  /** `file` is relative to the root of the suite. */
  readonly location?: SourceLocation;
  /** How much shorter the run would be, where that was simulated. */
  readonly gainMs?: number;
}
