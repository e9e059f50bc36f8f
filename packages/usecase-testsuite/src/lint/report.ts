/** Collects what rules find, leaves out what is ignored, and knows which ignores had no effect. Knows no rule. */
import { didYouMean, type SourceLocation } from '@pexen/core';
import { pathMatcher } from '../verdict/expectations.ts';
import { type LintFinding, type LintRule, lintRuleNames, lintRules } from './rules.ts';
import type { LintedSuite } from './suite.ts';

/** What a rule looks at: the tasks, and the resource, if there is one. */
export interface Subject {
  readonly tasks: readonly string[];
  readonly resource?: string;
}

/** A rule that is ignored somewhere. */
interface Ignore {
  readonly rule: string;
  /** In the configuration: its pattern. Beside a task: absent. */
  readonly pattern?: string;
  /** The task that it stands beside. */
  readonly task?: string;
  readonly location?: SourceLocation | undefined;
  readonly concerns: (subject: Subject) => boolean;
  /** Has the rule judged something that it concerns? Has it found something there? */
  wasJudged: boolean;
  wasUsed: boolean;
}

/** A rule that could not judge, and why. */
export interface NotJudged {
  readonly rule: LintRule;
  readonly why: string;
}

/** Patterns that switch a rule off. */
const everything: ReadonlySet<string> = new Set(['*', '**']);

export class LintCollector {
  readonly findings: LintFinding[] = [];
  readonly notJudged: NotJudged[] = [];
  /** How many findings were left out. */
  ignored = 0;
  readonly #suite: LintedSuite;
  readonly #rules: ReadonlySet<LintRule>;
  readonly #ignores = new Map<string, Ignore[]>();

  /** `rules`: those that are asked for. */
  constructor(suite: LintedSuite, rules: ReadonlySet<LintRule>) {
    this.#suite = suite;
    this.#rules = rules;
    for (const [rule, patterns] of Object.entries(suite.given.config.lint?.ignore ?? {}))
      for (const pattern of typeof patterns === 'string' ? [patterns] : patterns)
        this.#add({ rule, pattern, concerns: byPattern(pattern) });
    for (const { path, definition, info } of suite.tasks)
      for (const rule of definition.meta.lintIgnore ?? [])
        this.#add({
          ...{ rule, task: path, concerns: ({ tasks }: Subject) => tasks.includes(path) },
          // Finding the place takes time: it is read only where the ignore has no effect.
          get location() {
            return info.location;
          },
        });
  }

  /** Does it need what the rule finds? Also to know whether an ignore of it has an effect. */
  asks(rule: LintRule): boolean {
    return this.#rules.has(rule) || (this.#rules.has('unused-ignore') && this.#ignores.has(rule));
  }

  /**
   * The rule has judged the subject. Returns true for a finding that is not ignored; the rule then reports it by `add`.
   * `isWrong`: would the rule report it?
   */
  judge(rule: LintRule, subject: Subject, isWrong: boolean): boolean {
    const ignores = (this.#ignores.get(rule) ?? []).filter(({ concerns }) => concerns(subject));
    for (const ignore of ignores) {
      ignore.wasJudged = true;
      if (isWrong) ignore.wasUsed = true;
    }
    if (isWrong && ignores.length > 0 && this.#rules.has(rule)) this.ignored++;
    return isWrong && ignores.length === 0;
  }

  /** Adds a finding. */
  add(
    finding: Omit<LintFinding, 'level'>,
    level: LintFinding['level'] = lintRules[finding.rule].level,
  ): void {
    if (this.#rules.has(finding.rule)) this.findings.push({ ...finding, level });
  }

  /** The rule has judged nothing, and says why. */
  cannotJudge(rule: LintRule, why: string): void {
    if (this.#rules.has(rule)) this.notJudged.push({ rule, why });
  }

  /** Adds a finding for each ignore that has no effect. `locate`: where the entry of a rule stands in the configuration. */
  async reportUnused(locate: (rule: string) => Promise<SourceLocation | undefined>): Promise<void> {
    if (!this.#rules.has('unused-ignore')) return;
    const resources = this.#resources();
    for (const ignore of [...this.#ignores.values()].flat()) {
      const why = this.#whyUnused(ignore, resources);
      if (why === undefined) continue;
      const { rule, pattern, task } = ignore;
      const subject = { tasks: task === undefined ? [] : [task], ...(pattern && { resource: pattern }) };
      if (!this.judge('unused-ignore', subject, true)) continue;
      const location = task === undefined ? await locate(rule) : ignore.location;
      this.add(
        {
          ...{ rule: 'unused-ignore', subject: task ?? rule, message: why.message },
          nextStep: why.hint ?? (pattern === undefined ? 'Remove it.' : 'Remove it, or fix the pattern.'),
          tasks: subject.tasks,
          ...(location !== undefined && { location }),
        },
        why.level,
      );
    }
  }

  #add(ignore: Omit<Ignore, 'wasJudged' | 'wasUsed'>): void {
    const known = this.#ignores.get(ignore.rule) ?? [];
    this.#ignores.set(ignore.rule, known);
    known.push(Object.assign(ignore, { wasJudged: false, wasUsed: false }));
  }

  /** Undefined where the ignore has an effect, or where that is not known: its rule has not judged what it concerns. */
  #whyUnused(
    { rule, pattern, concerns, wasJudged, wasUsed }: Ignore,
    resources: ReadonlySet<string>,
  ): { readonly message: string; readonly level: LintFinding['level']; readonly hint?: string } | undefined {
    if (!isRule(rule))
      return {
        ...{ message: `ignores "${rule}", and there is no such rule`, level: 'problem' },
        hint: didYouMean(rule, lintRuleNames) ?? 'See the rules with: pexen lint --help',
      };
    if (wasUsed || everything.has(pattern ?? '')) return undefined;
    const what = pattern === undefined ? `ignores "${rule}"` : `is ignored for "${pattern}"`;
    if (pattern !== undefined && !this.#concernsAnything(concerns, resources))
      return { message: `${what}, and no task and no resource matches that`, level: 'problem' };
    if (!wasJudged) return undefined;
    return lintRules[rule].from === 'suite'
      ? { message: `${what}, and the rule finds nothing there`, level: 'problem' }
      : {
          message: `${what}, and by the history of this machine the rule finds nothing there`,
          level: 'hint',
        };
  }

  #concernsAnything(concerns: Ignore['concerns'], resources: ReadonlySet<string>): boolean {
    if (this.#suite.tasks.some(({ path }) => concerns({ tasks: [path] }))) return true;
    return [...resources].some((resource) => concerns({ tasks: [], resource }));
  }

  /** The names of everything that tasks hold. */
  #resources(): ReadonlySet<string> {
    return new Set(
      this.#suite.tasks.flatMap(({ info: { claims = [], uses = [] } }) => [
        ...claims,
        ...uses.map(({ resource }) => resource),
      ]),
    );
  }
}

function isRule(name: string): name is LintRule {
  return lintRuleNames.some((rule) => rule === name);
}

function byPattern(pattern: string): (subject: Subject) => boolean {
  const matches = pathMatcher(pattern);
  return ({ tasks, resource }) => tasks.some(matches) || (resource !== undefined && matches(resource));
}
