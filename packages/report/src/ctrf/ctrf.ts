/** The reporter that writes CTRF (https://ctrf.io): one test for each task, with its findings as steps. */
import type { Change } from '../model/change.ts';
import type { RunFacts } from '../model/run-model.ts';
import { type CtrfOptions, ctrfKinds } from '../options.ts';
import { openTasks, rootOf } from '../report-facts.ts';
import { checkOptions, WholeReport } from '../report-sink.ts';
import type { ReadonlyRunModel, Reporter } from '../reporter.ts';
import { ChainRecorder } from '../schedule/chain-report.ts';
import type { CriticalChain } from '../schedule/critical-chain.ts';
import { plainLine } from '../text/plain.ts';
import { type CtrfTest, lateErrorTest, missingTest, type TestSurroundings, testOf } from './test.ts';

/** The version of the specification. */
const SPEC_VERSION = '0.0.0';
const OUTPUT_LIMIT = 65_536;
const MOST_LINKS = 500;
const uuid = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i;

/**
 * Writes a CTRF report when it is closed, as a whole or not at all. If a run is aborted, its open tasks are in the report as tests that are
 * pending or have another status.
 *
 * @example
 * const reporter = ctrf({ file: 'out/ctrf.json', environment: { commit: '4ab1f0c' } });
 * @throws PexenError PEXEN_BAD_OPTION
 */
export function ctrf(options: CtrfOptions = {}): Reporter {
  checkOptions('ctrf', options, ctrfKinds);
  return new Ctrf(options);
}

class Ctrf implements Reporter {
  readonly name = 'ctrf';
  readonly reads = 'open';
  readonly #options: CtrfOptions;
  readonly #report: WholeReport;
  /** As text at once, so that a long run costs only as much memory as its report has characters. */
  readonly #tests: string[] = [];
  readonly #statuses = { passed: 0, failed: 0, skipped: 0, pending: 0, other: 0 };
  readonly #suites = new Set<string>();
  readonly #chain = new ChainRecorder();
  #flaky = 0;

  constructor(options: CtrfOptions) {
    this.#options = options;
    this.#report = new WholeReport('CTRF report', options);
  }

  update(model: ReadonlyRunModel, change: Change): void {
    if (change.kind === 'run-started') this.#report.start(() => this.#pieces(model));
    if (change.kind === 'task-ended') {
      this.#add(testOf(change.task, this.#surroundings(model)));
      this.#chain.add(change.task);
    }
    if (change.kind === 'late-error') this.#add(lateErrorTest(change.late));
  }

  async close(): Promise<void> {
    await this.#report.close();
  }

  written(): string | undefined {
    return this.#report.written();
  }

  #surroundings(model: ReadonlyRunModel): TestSurroundings {
    const { output = 'failed', outputLimit = OUTPUT_LIMIT } = this.#options;
    return { output, outputLimit, startedAt: model.run.startedAt ?? 0, root: rootOf(model) };
  }

  #add(test: CtrfTest): void {
    this.#statuses[test.status]++;
    if (test.flaky === true) this.#flaky++;
    this.#suites.add(test.suite.join('\n'));
    this.#tests.push(JSON.stringify(test));
  }

  *#pieces(model: ReadonlyRunModel): Generator<string> {
    for (const task of openTasks(model)) this.#add(missingTest(task, this.#surroundings(model)));
    const { run } = model;
    const head = {
      ...{ reportFormat: 'CTRF', specVersion: SPEC_VERSION },
      ...(run.id !== undefined && uuid.test(run.id) && { reportId: run.id }),
      ...(run.id !== undefined && { runId: plainLine(run.id) }),
      ...{ timestamp: new Date(endOf(run)).toISOString(), generatedBy: 'pexen' },
    };
    const tool = { name: 'pexen', ...(run.versions?.pexen !== undefined && { version: run.versions.pexen }) };
    yield `${JSON.stringify(head).slice(0, -1)},"results":{"tool":${JSON.stringify(tool)}`;
    yield `,"summary":${JSON.stringify(this.#summary(run))},"tests":[`;
    for (const [index, test] of this.#tests.entries()) yield `${index === 0 ? '\n' : ',\n'}${test}`;
    yield `\n],"environment":${JSON.stringify(this.#environment(run))}}}\n`;
  }

  #summary(run: RunFacts): object {
    const start = startOf(run);
    return {
      ...{ tests: this.#tests.length, ...this.#statuses, flaky: this.#flaky, suites: this.#suites.size },
      ...{ start, stop: endOf(run), duration: endOf(run) - start },
    };
  }

  #environment(run: RunFacts): object {
    const { versions, pools, hasEnded, endReason, poisoned } = run;
    const chain = this.#chain.chain(run, 0);
    const ended = hasEnded ? endReason : 'the run was aborted';
    return {
      ...this.#options.environment,
      extra: {
        ...(versions?.node !== undefined && { node: versions.node }),
        ...(pools.length > 0 && { pools: pools.map(({ name, kind }) => `${name}: ${kind}`) }),
        ...(ended !== undefined && { ended }),
        ...(poisoned.length > 0 && { poisoned }),
        ...(chain !== undefined && { criticalChain: chainAsJson(chain) }),
      },
    };
  }
}

/** Of very long chains, the last links. */
function chainAsJson({
  links,
  endMs,
  wallMs,
  bounds: { dependenciesMs, resource, workers },
}: CriticalChain): object {
  const claimed = resource && { name: plainLine(resource.name), ms: resource.ms };
  return {
    links: links.slice(-MOST_LINKS).map(({ path, resource: awaited, ...link }) => ({
      ...{ path: plainLine(path), ...link },
      ...(awaited !== undefined && { resource: plainLine(awaited) }),
    })),
    ...{ endMs, wallMs },
    bounds: { dependenciesMs, ...(claimed !== undefined && { resource: claimed }), workers },
  };
}

/** Whole milliseconds since 1970, as a date that can be written. */
function startOf({ startedAt = 0 }: RunFacts): number {
  const isDate = startedAt >= 0 && startedAt < Date.UTC(9000, 0);
  return isDate ? Math.round(startedAt) : 0;
}

function endOf(run: RunFacts): number {
  const took = Number.isFinite(run.atMs) ? Math.min(Math.max(0, run.atMs), 1e12) : 0;
  return startOf(run) + Math.round(took);
}
