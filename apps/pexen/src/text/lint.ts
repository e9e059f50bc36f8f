/** What `pexen lint` prints for people: each finding with its place, its evidence and the next step. */
import { resolve } from 'node:path';
import { styleText } from 'node:util';
import { printable, sourceLines } from '@pexen/report';
import type { LintFinding, LintReport } from '@pexen/usecase-testsuite';
import { nearPlace, type Output } from '../print-problems.ts';
import { counted } from './plain-words.ts';

/** Of more findings only the places are shown. */
const mostFrames = 10;

/** Of a rule so many findings are shown, unless it is asked for. */
const mostOfRule = 10;

/** The lines for the whole report. `isWhole`: every finding is shown. */
export function lintLines(report: LintReport, output: Output, isWhole = false): readonly string[] {
  const { findings, root } = report;
  const shown = isWhole ? findings : shortened(findings);
  const lines = shown.flatMap((finding, at) => [
    ...findingLines(finding, root, at < mostFrames, output),
    ...restOf(finding, at, shown, findings),
    '',
  ]);
  return [...lines, ...summaryLines(report, output)];
}

function shortened(findings: readonly LintFinding[]): readonly LintFinding[] {
  const counts = new Map<string, number>();
  return findings.filter(({ rule }) => {
    const count = (counts.get(rule) ?? 0) + 1;
    counts.set(rule, count);
    return count <= mostOfRule;
  });
}

/** After the last one of a rule: how many more there are. */
function restOf(
  { rule }: LintFinding,
  at: number,
  shown: readonly LintFinding[],
  findings: readonly LintFinding[],
): readonly string[] {
  if (shown[at + 1]?.rule === rule) return [];
  const isOfRule = (each: LintFinding): boolean => each.rule === rule;
  const more = findings.filter(isOfRule).length - shown.filter(isOfRule).length;
  return more === 0 ? [] : [`      … and ${more} more: pexen lint --rule ${rule}`];
}

/** The lines for one finding. */
function findingLines(
  { rule, level, subject, message, details = [], nextStep, location }: LintFinding,
  root: string,
  hasFrame: boolean,
  output: Output,
): readonly string[] {
  const paint = (style: Parameters<typeof styleText>[0], text: string): string =>
    styleText(style, text, { stream: output as NodeJS.WriteStream });
  const who = subject === '' ? '' : `${paint('bold', printable(subject))}: `;
  const lines = [
    `${paint(level === 'problem' ? 'red' : 'yellow', level)} ${paint('dim', rule)}  ${who}${printable(message)}`,
  ];
  const place = location && { ...location, file: resolve(root, location.file) };
  if (place !== undefined) lines.push(`      at ${printable(nearPlace(place))}`);
  for (const detail of details) lines.push(`      ${printable(detail)}`);
  lines.push(`      ${paint('cyan', printable(nextStep))}`);
  if (place !== undefined && hasFrame)
    for (const line of sourceLines(place, undefined, paint, true)) lines.push(`      ${line}`);
  return lines;
}

function summaryLines(
  { findings, tasks, runs, ignored, notJudged }: LintReport,
  output: Output,
): readonly string[] {
  const dim = (text: string): string => styleText('dim', text, { stream: output as NodeJS.WriteStream });
  const problems = findings.filter(({ level }) => level === 'problem').length;
  const known = runs === 0 ? 'no run known' : `${counted(runs, 'run')} known`;
  const found =
    findings.length === 0
      ? 'Nothing found'
      : `${counted(problems, 'problem')}, ${counted(findings.length - problems, 'hint')}`;
  const left = ignored === 0 ? '' : `; ${ignored} ignored`;
  return [
    `${found} in ${counted(tasks, 'task')}, ${known}${left}.`,
    ...(runs === 0 && notJudged.length > 0
      ? [dim(`Not judged without earlier runs: ${notJudged.map(({ rule }) => rule).join(', ')}.`)]
      : byReason(notJudged).map(([why, rules]) =>
          dim(`Not judged: ${rules.join(', ')}: ${printable(why)}.`),
        )),
  ];
}

/** Rules that could not judge for the same reason stand in one line. */
function byReason(notJudged: LintReport['notJudged']): [why: string, rules: string[]][] {
  const reasons = new Map<string, string[]>();
  for (const { rule, why } of notJudged) reasons.set(why, [...(reasons.get(why) ?? []), rule]);
  return [...reasons];
}
