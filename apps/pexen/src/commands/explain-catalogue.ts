/** The part of `pexen list --explain` about the catalogue, as lines. */
import { formatLocation } from '@pexen/core';
import { printable } from '@pexen/report';
import type { CandidateVerdict, CatalogueNeed } from '@pexen/usecase-testsuite';

/** The words for verdicts, of one width. */
const words: Readonly<Record<CandidateVerdict['verdict'], string>> = {
  chosen: 'chosen    ',
  refused: 'refused   ',
  'not-needed': 'not needed',
};

/** At most so many call paths and candidates are named. */
const mostNames = 3;
const mostCandidates = 50;

/** What was needed of the catalogue, and the decision about each candidate. `dim` paints what is less important. */
export function catalogueLines(
  needs: readonly CatalogueNeed[],
  dim: (text: string) => string,
): readonly string[] {
  if (needs.length === 0) return ['', 'Nothing is needed of the catalogue.'];
  return needs.flatMap((need) => ['', headingOf(need), ...candidateLines(need.candidates, '  ', dim)]);
}

function headingOf({ requirement, requiredBy, isMet }: CatalogueNeed): string {
  const named = requiredBy.slice(0, mostNames).join(', ');
  const more = requiredBy.length > mostNames ? ` and ${requiredBy.length - mostNames} more` : '';
  const lack = isMet ? '' : ': no candidate applies here, so neither do they';
  return printable(`${requirement}, required by ${named}${more}${lack}`);
}

function candidateLines(
  candidates: readonly CandidateVerdict[],
  indent: string,
  dim: (text: string) => string,
): readonly string[] {
  const shown = candidates.slice(0, mostCandidates);
  const width = Math.max(...shown.map(({ path }) => path.length));
  const lines = shown.flatMap(({ path, location, verdict, why, because = [] }) => {
    const place = location === undefined ? '' : dim(`  ${printable(formatLocation(location))}`);
    const text = printable(`${path.padEnd(width)}  ${why}`);
    const line = `${indent}${dim(words[verdict])}  ${text}${place}`;
    return [line, ...candidateLines(because, `${indent}  `, dim)];
  });
  const left = candidates.length - shown.length;
  return left === 0 ? lines : [...lines, `${indent}and ${left} more`];
}
