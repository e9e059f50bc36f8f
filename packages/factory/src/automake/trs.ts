/** What Automake's result files say of a test: outcome and findings. Pure. */
import {
  type CapturedOutput,
  type ExecutableFacts,
  type Finding,
  formatOutput,
  type Interpretation,
  type PoolOutcome,
  TaskFailError,
} from '@pexen/core';

/** The results of Automake. */
type AutomakeResult = 'PASS' | 'FAIL' | 'XFAIL' | 'XPASS' | 'SKIP' | 'ERROR';

interface Line {
  readonly result: AutomakeResult;
  /** What the driver has added: of TAP, the number and the description. */
  readonly text: string;
}

/** Where the content of the result file begins in the report. */
export const trsMark = 'trs';

/** Reads the result file of a test. Without one, make could not run it. */
export function readTrs(name: string): (facts: ExecutableFacts) => Interpretation {
  const printed = printedForm(name);
  return (facts) => {
    const [, ...rest] = facts.report.split(new RegExp(`^${trsMark}\n`, 'm'));
    const lines = linesOf(rest.join(''), /^[ \t]*:test-result:[ \t]*(\w+)[ \t]*(.*?)[ \t]*$/gm);
    return interpreted(described(lines, linesOf(formatOutput(facts.stdout), printed)), name, facts);
  };
}

/** The driver of TAP writes what it describes into the log only. */
function described(lines: readonly Line[], printed: readonly Line[]): readonly Line[] {
  const fits =
    printed.length === lines.length && lines.every(({ result }, at) => result === printed[at]?.result);
  return fits && lines.every(({ text }) => text === '') ? printed : lines;
}

/** A line with a result of a test: `FAIL: a.tap 2 - opens`. */
function printedForm(name: string): RegExp {
  return new RegExp(`^(\\w+): ${name.replaceAll(/[^\w/]/g, '\\$&')}(?: (.*))?$`, 'gm');
}

/** Reads what a Makefile prints that runs its tests one after the other. */
export function readSerial(name: string): (facts: ExecutableFacts) => Interpretation {
  const printed = printedForm(name);
  return (facts) => {
    const text = formatOutput(facts.stdout);
    const last = [...text.matchAll(printed)].at(-1);
    const own = { head: text.slice(0, last?.index), tail: '', totalBytes: facts.stdout.totalBytes };
    const { outcome, findings } = interpreted(linesOf(last?.[0] ?? '', printed), name, {
      ...facts,
      stdout: own,
    });
    return { outcome: { ...outcome, stdout: facts.stdout }, findings };
  };
}

/** The commands that a package has added to `make check`. */
export function readLocal({ exitCode, signal, stdout, stderr }: ExecutableFacts): Interpretation {
  const how = exitCode === null ? `ended by ${signal}` : `exit code ${exitCode}`;
  const outcome: PoolOutcome = exitCode === 0 ? { kind: 'returned', value: { result: 'PASS' } } : failed(how);
  return { outcome: { ...outcome, stdout, stderr }, findings: [] };
}

function linesOf(text: string, form: RegExp): Line[] {
  return [...text.matchAll(form)].flatMap(([, result = '', rest = '']) =>
    isResult(result) ? [{ result, text: rest }] : [],
  );
}

const statuses: Readonly<Record<AutomakeResult, Finding['status']>> = {
  PASS: 'pass',
  FAIL: 'fail',
  XFAIL: 'todo',
  XPASS: 'fail',
  SKIP: 'skip',
  ERROR: 'fail',
};

function isResult(word: string): word is AutomakeResult {
  return Object.hasOwn(statuses, word);
}

function interpreted(lines: readonly Line[], name: string, facts: ExecutableFacts): Interpretation {
  const { stdout, stderr } = facts;
  const findings = [...findingsOf(lines, name), ...leftBehind(facts)];
  return { outcome: { ...outcomeOf(lines, facts), stdout, stderr }, findings };
}

/** Of a driver that reports several results, each; else only what an exit code does not say. */
function findingsOf(lines: readonly Line[], name: string): Finding[] {
  const [only, ...others] = lines;
  if (only === undefined) return [];
  if (others.length === 0 && only.text === '') {
    if (only.result !== 'XFAIL') return [];
    return [{ name, status: 'todo', message: 'failed as expected: it is in XFAIL_TESTS' }];
  }
  return lines.map(({ result, text }, at) => {
    const [, described = '', reason = ''] =
      /^(?:\d+)?(?:\s*-)?\s*(.*?)(?:\s*#\s*(?:TODO|SKIP)\S*\s*(.*))?$/i.exec(text) ?? [];
    const message = result === 'XPASS' ? 'passed, though it was expected to fail' : reason;
    return {
      name: described || `test ${at + 1}`,
      status: statuses[result],
      ...(message !== '' && { message }),
    };
  });
}

function outcomeOf(lines: readonly Line[], facts: ExecutableFacts): PoolOutcome {
  const has = (result: AutomakeResult): boolean => lines.some((line) => line.result === result);
  if (lines.length === 0) return { kind: 'threw', error: new Error(notRun(facts)) };
  if (has('ERROR')) return { kind: 'threw', error: new Error(`ERROR${ended(facts)}`) };
  if (has('FAIL')) return failed(`FAIL${ended(facts)}`);
  if (has('XPASS')) return failed('XPASS: passed, though it was expected to fail');
  if (lines.every(({ result }) => result === 'SKIP'))
    return { kind: 'skipped-itself', reason: reasonOf(lines, facts) };
  return { kind: 'returned', value: { result: has('XFAIL') ? 'XFAIL' : 'PASS' } };
}

/** make says nothing where it has neither the file of a test nor a rule for it. */
function notRun(facts: ExecutableFacts): string {
  const last = lastLine(facts);
  return `make did not run it: ${last ?? 'there is no such file, and no rule that makes it'}`;
}

function failed(message: string): PoolOutcome {
  const effect = { depsOk: false, locksOk: true };
  return { kind: 'failed', error: new TaskFailError(message, effect), ...effect };
}

/** What a generic driver writes last: `FAIL a.sh (exit status: 1)`. */
const driverLine = /^(?:PASS|FAIL|XFAIL|XPASS|SKIP|ERROR):? \S+(?: \((.*)\)|$| .*)/;

/** What make says of a recipe that failed. */
const makeLine = /^\S*make(?:\[\d+\])?: /;

/** How it ended, and the last line before that. */
function ended(facts: ExecutableFacts): string {
  const [, status] = driverLine.exec(linesIn(facts.stdout).at(-1) ?? '') ?? [];
  const last = lastLine(facts);
  return [status === undefined ? '' : ` (${status})`, last === undefined ? '' : `: ${last}`].join('');
}

function reasonOf([first]: readonly Line[], facts: ExecutableFacts): string {
  const [, stated] = /#\s*SKIP\S*\s*(.+)$/i.exec(first?.text ?? '') ?? [];
  return stated ?? lastLine(facts) ?? 'exit status 77';
}

/** Of what the test itself printed; its standard error may have gone past the log. */
function lastLine({ stdout, stderr }: ExecutableFacts): string | undefined {
  const isOwn = (line: string): boolean => !driverLine.test(line) && !makeLine.test(line);
  return linesIn(stdout).findLast(isOwn) ?? linesIn(stderr).findLast(isOwn);
}

function linesIn(output: CapturedOutput): string[] {
  return formatOutput(output)
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

/** make waits for no such process. */
function leftBehind({ leaked }: ExecutableFacts): Finding[] {
  if (leaked === 0) return [];
  return [
    { name: 'left behind', status: 'info', message: `${leaked} of its processes still ran, and were killed` },
  ];
}
