/** Looks at the recorded runs of a suite, and at what a resume or a rerun of one of them would do. Nothing is locked, written or ended. */
import type { Problem } from '@pexen/core';
import { type Decision, listRuns, type RunSummary } from '@pexen/store';
import type { LoadedConfig } from '../config/config.ts';
import { planSuite } from '../plan-suite.ts';
import type { Selection } from '../query/selection.ts';
import { stateDirectoryOf } from '../state/state-directory.ts';
import { elsewhere, selectionOf } from './recorded-options.ts';
import { withProfilesOf } from './run-source.ts';
import { type Repetition, SuiteMemory } from './suite-memory.ts';
import { describe, RepeatedTasks, ResumedTasks } from './task-choice.ts';

/** The recorded runs of a suite, the latest one last. */
export function suiteRuns({ config, root }: LoadedConfig): readonly RunSummary[] {
  return listRuns(stateDirectoryOf(root, config.stateDir));
}

/** What a resume or a rerun would do. */
export interface SuitePreview {
  /** The run that is continued or repeated. */
  readonly run: RunSummary;
  /** One for each task. */
  readonly decisions: readonly Decision[];
}

/**
 * What a resume or a rerun would do with each task.
 * @throws PexenError as `runSuite` does
 */
export async function previewSuite(
  configured: LoadedConfig,
  repetition: Repetition,
  selection: Selection = {},
  onWarning: (warning: Problem) => void = () => {},
): Promise<SuitePreview> {
  const context = { onWarning, notKept: () => {} };
  const loaded = withProfilesOf(configured, repetition, context);
  const memory = new SuiteMemory(loaded, context);
  const preview = memory.preview(repetition);
  const { run, description } = preview;
  const { leftOut, candidates: kept = new Set() } = selectionOf(description);
  if (repetition.kind === 'resume') {
    const choice = new ResumedTasks(selectionOf(description));
    const plan = await planSuite(loaded, {}, { onWarning, kept, choose: (whole) => choice.choose(whole) });
    return { run, decisions: preview.decisionsOf(describe(plan, memory.digester)) };
  }
  const again = { ...repetition, of: run.id };
  const choice = new RepeatedTasks(
    leftOut,
    elsewhere(description),
    (selected) => memory.preview(again, selected),
    memory.digester,
  );
  await planSuite(loaded, selection, {
    onWarning,
    kept,
    choose: (whole, picked) => choice.choose(whole, picked),
  });
  return { run, decisions: choice.decisions };
}
