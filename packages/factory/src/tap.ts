/**
 * Reads TAP (12 to 14, subtests included) as findings. What is wrong with the output as a whole, such as a plan that does
 * not hold, is a failing finding, too: a test that ends half-way must not look well. Knows nothing of exit codes.
 */
import { createRequire } from 'node:module';
import type { CapturedOutput, Finding } from '@pexen/core';
import type { FinalResults, Parser, Result } from 'tap-parser';
import { looksLikeTap, tapLinesOf } from './tap-lines.ts';

/** Required when it is first used: it takes longer to load than many a run, and there is nobody to wait for it. */
const require = createRequire(import.meta.url);
const loadParser = (): typeof Parser => (require('tap-parser') as { readonly Parser: typeof Parser }).Parser;

/** What TAP says. */
export interface Tap {
  readonly findings: readonly Finding[];
  /** Why the program ran no test at all, if it said so: `1..0 # skip no network`. */
  readonly skippedAll?: string;
}

/**
 * The findings in an output. `wanted` – true: it must be TAP, undefined: it may be.
 * @returns undefined if it may be TAP and is not
 */
export function readTap(output: CapturedOutput, wanted?: boolean): Tap | undefined {
  if (!looksLikeTap(output)) {
    if (wanted !== true) return undefined;
    return { findings: [{ name: 'TAP', status: 'fail', message: 'there is no TAP in the output' }] };
  }
  const { lines, diagnostics, isCut } = tapLinesOf(output);
  const documents = splitDocuments(lines).map((document) => readDocument(document, diagnostics, isCut));
  const findings = documents.flatMap((document) => document.findings);
  if (isCut)
    findings.push({
      name: 'TAP',
      status: 'warn',
      message: 'not all of the output was kept: test points may be missing',
    });
  const skipped = documents.map(({ skippedAll }) => skippedAll).filter((reason) => reason !== undefined);
  const isSkipped = findings.length === 0 && skipped.length === documents.length;
  return { findings, ...(isSkipped && { skippedAll: skipped.join('; ') }) };
}

/** A program may print several documents, one after the other: a version, a second plan or a test point after the last plan begins one. */
function splitDocuments(lines: readonly string[]): string[][] {
  const documents: string[][] = [[]];
  let plan: 'none' | 'first' | 'last' = 'none';
  let points = 0;
  for (const line of lines) {
    const isPlan = /^\d+\.\./.test(line);
    const isPoint = /^(?:not )?ok\b/.test(line);
    const begins = /^TAP version/i.test(line) || (isPlan && plan !== 'none') || (isPoint && plan === 'last');
    if (begins && documents.at(-1)?.length !== 0) {
      if (points > 0 || plan !== 'none') documents.push([]);
      plan = 'none';
      points = 0;
    }
    if (isPlan) plan = points > 0 || /^\d+\.\.0\b/.test(line) ? 'last' : 'first';
    if (isPoint) points++;
    documents.at(-1)?.push(line);
  }
  return documents;
}

function readDocument(
  lines: readonly string[],
  diagnostics: readonly string[],
  isCut: boolean,
): { findings: Finding[]; skippedAll?: string } {
  const parser = new (loadParser())();
  const level = new Level(parser, [], { diagnostics, isCut });
  for (const line of lines) parser.write(`${line}\n`);
  parser.end();
  return { findings: level.take(), ...(level.skippedAll !== undefined && { skippedAll: level.skippedAll }) };
}

interface Reading {
  readonly diagnostics: readonly string[];
  readonly isCut: boolean;
}

/** One level of a document: the top, or a subtest. */
class Level {
  /** Set at the end of a level whose plan is `1..0 # skip`. */
  skippedAll: string | undefined;
  readonly #path: readonly string[];
  readonly #reading: Reading;
  readonly #findings: Finding[] = [];
  /** The subtest that waits for the test point that closes it. */
  #subtest: Level | undefined;
  #unnamed = 0;

  constructor(parser: Parser, path: readonly string[], reading: Reading) {
    this.#path = path;
    this.#reading = reading;
    parser.on('child', (child: Parser) => this.#enter(child));
    parser.on('assert', (result: Result) => this.#point(result));
    parser.on('complete', (results: FinalResults) => this.#complete(results, parser.syntheticPlan));
  }

  take(): Finding[] {
    this.#closeSubtest();
    return this.#findings;
  }

  #enter(child: Parser): void {
    this.#closeSubtest();
    const name = child.name === '' ? `subtest ${++this.#unnamed}` : child.name;
    this.#subtest = new Level(child, [...this.#path, name], this.#reading);
  }

  #point(result: Result): void {
    if (!result.closingTestPoint || this.#subtest === undefined) {
      this.#findings.push(this.#findingOf(result));
      return;
    }
    const below = this.#subtest.take();
    this.#subtest = undefined;
    const excused = result.todo !== false || result.skip !== false;
    this.#findings.push(...(excused ? below.map(excuse) : below));
    const says = this.#findingOf(result);
    const isSaid =
      !excused &&
      below.length > 0 &&
      (says.status === 'fail') === below.some(({ status }) => status === 'fail');
    if (!isSaid) this.#findings.push(says);
  }

  #closeSubtest(): void {
    this.#findings.push(...(this.#subtest?.take() ?? []));
    this.#subtest = undefined;
  }

  #findingOf(result: Result): Finding {
    const name = this.#nameOf(
      result.name === '' ? `test ${result.id || this.#findings.length + 1}` : result.name,
    );
    const { status, reason } = readDirective(result);
    const diagnostics = status === 'fail' || status === 'todo' ? this.#diagnosticsOf(result) : undefined;
    const message = [reason, diagnostics].filter((part) => part !== undefined && part !== '').join('\n');
    return { name, status, ...(message !== '' && { message }) };
  }

  #diagnosticsOf({ diag }: Result): string | undefined {
    const ref = (diag as { readonly ref?: unknown } | null)?.ref;
    return typeof ref === 'number' ? this.#reading.diagnostics[ref] : undefined;
  }

  #complete(results: FinalResults, isWithoutPlan: boolean): void {
    const { bailout, count, plan, failures } = results;
    const isTop = this.#path.length === 0;
    const planned = (plan.end ?? 0) - (plan.start ?? 1) + 1;
    if (bailout !== false) {
      if (isTop) this.#tell('Bail out!', 'fail', bailout === true ? undefined : bailout);
    } else if (this.#reading.isCut) {
      // Nobody can say how many there were.
    } else if (plan.skipAll && count === 0) {
      this.#completeEmpty(plan.skipReason, isWithoutPlan);
    } else if (plan.end === null) {
      const message = `there is none: after ${count} test points it may have ended half-way`;
      this.#tell('plan', isTop ? 'fail' : 'warn', message);
    } else if (planned !== count) {
      this.#tell('plan', 'fail', `${planned} test points were planned, ${count} were seen`);
    } else if (failures.some((failure) => typeof failure.tapError === 'string')) {
      this.#tell('plan', 'warn', 'test points are numbered twice, or beyond the plan');
    }
  }

  #completeEmpty(reason: string, isWithoutPlan: boolean): void {
    if (!isWithoutPlan && /^skip/i.test(reason)) {
      this.skippedAll = reason.replace(/^skip\S*\s*/i, '') || 'no reason given';
    } else if (!isWithoutPlan) this.#tell('plan', 'info', 'no test was planned');
    else if (this.#path.length === 0) this.#tell('plan', 'fail', 'there is neither a plan nor a test point');
  }

  #tell(name: string, status: Finding['status'], message: string | undefined): void {
    this.#closeSubtest();
    this.#findings.push({ name: this.#nameOf(name), status, ...(message !== undefined && { message }) });
  }

  #nameOf(name: string): string {
    return [...this.#path, name].join(' › ');
  }
}

function readDirective({ ok, todo, skip }: Result): {
  readonly status: Finding['status'];
  readonly reason?: string;
} {
  if (skip !== false) return { status: 'skip', ...(skip !== true && { reason: skip }) };
  if (todo === false) return { status: ok ? 'pass' : 'fail' };
  const reason = todo === true ? 'todo' : `todo: ${todo}`;
  return ok ? { status: 'pass', reason: `${reason} (it passes already)` } : { status: 'todo', reason };
}

/** Inside a subtest that is skipped or still to do, failures are no failures. */
function excuse(finding: Finding): Finding {
  return finding.status === 'fail' ? { ...finding, status: 'todo' } : finding;
}
