/** Starts, beside the loading of the command, what a run will need. */
import { prepareJournal } from '@pexen/store/prepare-journal';

const recording: ReadonlySet<string> = new Set(['run', 'resume']);
const recordsNothing: ReadonlySet<string> = new Set(['--no-journal', '--watch', '--dry-run', '--help', '-h']);

/** A guess by the words of the command line, as they are: what is started without need costs some time of a processor, and nothing else. */
export function startAhead([command = '', ...words]: readonly string[]): void {
  if (recording.has(command) && !words.some((word) => recordsNothing.has(word))) prepareJournal();
}
