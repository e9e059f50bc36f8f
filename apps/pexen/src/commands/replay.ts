/** `pexen replay`: repeats the decisions of a recorded run, and compares them with the record. */
import { readFileSync } from 'node:fs';
import { messageOf, misuse } from '@pexen/core';
import { replay as decideAgain, type RecordedStep } from '@pexen/sched/replay';
import { type ExitCode, exitCodes } from '@pexen/usecase-testsuite';
import type { Output } from '../print-problems.ts';

/**
 * Replays the record in the file. Exit code 1 where decisions differ.
 * @throws PexenError PEXEN_BAD_RECORD where it is not a record of this version.
 */
export function replay(file: string, output: Output): ExitCode {
  const recorded = read(file);
  const { steps, differsAt } = decideAgain(recorded);
  const commands = steps.reduce(
    (sum, step) => sum + (step.type === 'commands' ? step.commands.length : 0),
    0,
  );
  if (differsAt === undefined) {
    output.write(`The same ${commands} decisions in ${steps.length} steps.\n`);
    return exitCodes.ok;
  }
  output.write(
    `The decisions differ at step ${differsAt + 1} of ${steps.length}:\n` +
      `  recorded  ${JSON.stringify(recorded[differsAt])}\n` +
      `  now       ${JSON.stringify(steps[differsAt])}\n`,
  );
  return exitCodes.failures;
}

function read(file: string): RecordedStep[] {
  try {
    const lines = readFileSync(file, 'utf8').split('\n');
    return lines.flatMap((line) => (line === '' ? [] : [JSON.parse(line) as RecordedStep]));
  } catch (error) {
    throw misuse(
      'PEXEN_BAD_RECORD',
      `the record ${file} cannot be read: ${messageOf(error)}`,
      'Record a run with: pexen run --record FILE',
    );
  }
}
