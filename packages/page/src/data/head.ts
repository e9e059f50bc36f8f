/** What a run came to, in one line and a few numbers. Knows no browser. */
import { formatSpan } from '@pexen/report/model';
import { badCount, type Tone } from './looks.ts';
import type { PageRun } from './page-run.ts';

/** The head of the page. */
export interface Head {
  readonly tone: Tone;
  /** `3 of 120 tests failed`. */
  readonly sentence: string;
  readonly wallMs: number;
  readonly workMs: number;
  /** How many times faster than one worker. Undefined where that says nothing. */
  readonly gain: number | undefined;
}

/** `nowMs`: from the start of the run, while it goes on. */
export function headOf(run: PageRun, nowMs: number): Head {
  const { run: facts, totals } = run.document.snapshot;
  const wallMs = facts.hasEnded ? facts.atMs : Math.max(facts.atMs, nowMs);
  const { workMs } = totals;
  const isLong = wallMs >= 100 && workMs > wallMs;
  return { ...verdict(run), wallMs, workMs, gain: isLong ? workMs / wallMs : undefined };
}

function verdict(run: PageRun): Pick<Head, 'tone' | 'sentence'> {
  const { counts, tasks } = run;
  const { hasEnded, endReason } = run.document.snapshot.run;
  const [all, bad] = [tasks.length, badCount(counts)];
  const tests = counted(all, 'test');
  if (!hasEnded) return { tone: bad > 0 ? 'bad' : 'busy', sentence: progress(run, tests, bad) };
  if (all === 0) return { tone: 'odd', sentence: 'There were no tests' };
  const never = (counts['not-run'] ?? 0) + (counts.cancelled ?? 0);
  const stopped = endReason === undefined && never === 0 ? '' : `, ${counted(never, 'test')} did not run`;
  if (bad > 0)
    return {
      tone: 'bad',
      sentence: `${bad === all ? `All ${tests}` : `${bad.toLocaleString('en-US')} of ${tests}`} failed${stopped}`,
    };
  if (never > 0) return { tone: 'odd', sentence: `Stopped${stopped}` };
  if (counts.skip === all)
    return { tone: 'odd', sentence: all === 1 ? 'The test was skipped' : `All ${tests} were skipped` };
  const skipped = counts.skip === undefined ? '' : `, ${counts.skip} skipped`;
  const ran = all - (counts.skip ?? 0);
  return {
    tone: 'good',
    sentence:
      skipped === ''
        ? `${all === 1 ? 'The test' : `All ${tests}`} passed`
        : `${counted(ran, 'test')} passed${skipped}`,
  };
}

function progress({ tasks, document }: PageRun, tests: string, bad: number): string {
  const { counts } = document.snapshot;
  if (tasks.length === 0) return 'Nothing has run yet';
  const failed = bad === 0 ? '' : `, ${bad} failed`;
  if (counts.done === 0 && counts.running === 0 && counts.serving === 0)
    return `${tests} planned, none has started`;
  return `${counts.done} of ${tests} done${failed}`;
}

function counted(count: number, what: string): string {
  return `${count.toLocaleString('en-US')} ${what}${count === 1 ? '' : 's'}`;
}

/** `213 ms`, `12.3 s`, `4 min 03 s`. */
export function span(ms: number | undefined): string {
  if (ms === undefined || !Number.isFinite(ms)) return '';
  if (ms < 1000) return `${ms < 10 && ms > 0 ? Math.max(0.1, Math.round(ms * 10) / 10) : Math.round(ms)} ms`;
  return formatSpan(ms)
    .replace(/(\d)(ms|s|m|h)\b/g, '$1 $2')
    .replace(/ m\b/, ' min');
}
