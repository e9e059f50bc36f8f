/** What readers of TAP make of a document: the parser of node-tap, and Perl's TAP::Parser, which `prove` uses. */
import { execFileSync, spawnSync } from 'node:child_process';
import { Parser } from 'tap-parser';

/** A point as a reader sees it. */
interface ReadPoint {
  readonly ok: boolean;
  readonly name: string;
  readonly skip: string | boolean;
  readonly todo: string | boolean;
  readonly diag: unknown;
}

/** A document as a reader sees it. */
export interface ReadTap {
  readonly ok: boolean;
  readonly bailout: string | boolean;
  readonly points: readonly ReadPoint[];
  /** The points of each subtest, by its name, in order. */
  readonly subtests: readonly (readonly [name: string, points: readonly ReadPoint[]])[];
  /** Lines that are not TAP, and failures that the reader adds itself, such as a wrong plan. */
  readonly problems: readonly string[];
}

/** Reads the document with node-tap's parser, in strict mode: anything that is not TAP is a problem. */
export function readTap(text: string): ReadTap {
  const problems: string[] = [];
  const subtests: (readonly [string, readonly ReadPoint[]])[] = [];
  const parser = new Parser({ strict: false });
  watch(parser, problems, subtests);
  const points = pointsOf(parser);
  let bailout: string | boolean = false;
  parser.on('bailout', (reason) => {
    bailout = reason || true;
  });
  parser.end(text);
  for (const failure of parser.failures) if (failure.tapError) problems.push(String(failure.tapError));
  return { ok: parser.ok, bailout, points, subtests, problems };
}

function watch(
  parser: Parser,
  problems: string[],
  subtests: (readonly [string, readonly ReadPoint[]])[],
): void {
  parser.on('extra', (line) => problems.push(`not TAP: ${JSON.stringify(line)}`));
  parser.on('child', (child) => {
    watch(child, problems, subtests);
    subtests.push([child.name, pointsOf(child)]);
  });
}

function pointsOf(parser: Parser): ReadPoint[] {
  const points: ReadPoint[] = [];
  parser.on('assert', ({ ok, name, skip, todo, diag }) => points.push({ ok, name, skip, todo, diag }));
  return points;
}

/** Is Perl with its TAP reader there? */
export const hasPerl: boolean = spawnSync('perl', ['-MTAP::Parser', '-e', '1']).status === 0;

const script = `
use TAP::Parser; use JSON::PP; binmode STDOUT, ':utf8';
for my $file (@ARGV) {
  my $parser = TAP::Parser->new({ source => $file });
  my (@ok, @skip);
  while (my $result = $parser->next) {
    next unless $result->is_test;
    push @ok, $result->is_ok ? 1 : 0;
    push @skip, $result->has_skip ? 1 : 0;
  }
  print encode_json({ errors => [$parser->parse_errors], ok => \\@ok, skip => \\@skip, bailed => ($parser->is_good_plan ? 0 : 1) }), "\\n";
}`;

/** A document as Perl sees it: whether each point is ok, and what is wrong with it. */
export interface PerlTap {
  readonly errors: readonly string[];
  readonly ok: readonly number[];
  readonly skip: readonly number[];
}

/** Reads documents of TAP 13 with Perl. */
export function readWithPerl(files: readonly string[]): readonly PerlTap[] {
  const answer = execFileSync('perl', ['-e', script, ...files], { encoding: 'utf8', maxBuffer: 1 << 28 });
  return answer
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as PerlTap);
}
