/**
 * The modules that a node has loaded, as modules of this machine. A stamp of a file there says nothing here: it would look as if the file had been loaded in two
 * states, and the code of its tasks would be unknown. That the contents are the same is what nodes check.
 */
import { statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { fileStamp, type LoadedModules } from '@pexen/core';
import type { RemoteReport } from '@pexen/pool-process/remote';

/** The report with the stamps of the files here. */
export function withModulesHere(report: RemoteReport): RemoteReport {
  if (report.is !== 'ended' || report.outcome.modules === undefined) return report;
  return { ...report, outcome: { ...report.outcome, modules: here(report.outcome.modules) } };
}

function here({ urls, edges }: LoadedModules): LoadedModules {
  return { urls, stamps: urls.map(stampOf), edges };
}

/** Packages have none, nor do files that are not here. */
function stampOf(url: string): string {
  if (!url.startsWith('file:') || url.endsWith('/')) return '';
  try {
    return fileStamp(statSync(fileURLToPath(url), { bigint: true, throwIfNoEntry: false }));
  } catch {
    return '';
  }
}
