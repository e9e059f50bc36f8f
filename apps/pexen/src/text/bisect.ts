/** The course and the end of a bisection, in lines. */
import { relative } from 'node:path';
import { formatLocation } from '@pexen/core';
import type {
  BisectEnd,
  BisectEvent,
  Finding,
  FoundPartner,
  Proposal,
  Relation,
  Trial,
} from '@pexen/usecase-testsuite';
import type { Output } from '../print-problems.ts';
import { workingDirectory } from '../working-directory.ts';
import { counted } from './plain-words.ts';

/** So many tests are named. */
const mostNamed = 5;

export class BisectText {
  readonly #output: Output;

  constructor(output: Output) {
    this.#output = output;
  }

  event(event: BisectEvent): void {
    switch (event.type) {
      case 'victim': {
        const { path, run, before, beside, known } = event;
        this.#write(
          `${path} failed in run ${run}: ${counted(before, 'test')} ran before it, ${counted(beside, 'test')} beside it.`,
        );
        if (known > 0) this.#write(`The search goes on: ${counted(known, 'run')} of it ended earlier.`);
        break;
      }
      case 'trial': {
        const { number, trial, failed, ranMs } = event;
        const seconds = `${(ranMs / 1000).toFixed(1)}s`.padStart(7);
        const what = trialText(trial).padEnd(44);
        this.#write(
          `${String(number).padStart(4)}  ${what} ${failed ? 'failed' : 'passed'} ${seconds}  ${leftText(trial)}`.trimEnd(),
        );
        break;
      }
      case 'found':
        this.#write('');
        for (const each of event.found) this.#found(event.path, each);
        this.#write('');
        break;
      default:
        event satisfies never;
    }
  }

  end({ isOpen, trials, victims }: BisectEnd): void {
    if (isOpen) this.#write(`Stopped after ${counted(trials, 'run')}. The same command goes on from here.`);
    else this.#write(`${counted(victims.length, 'test')} searched, in ${counted(trials, 'run')}.`);
  }

  #found(path: string, { finding, proposal, schedule }: FoundPartner): void {
    for (const line of findingLines(path, finding)) this.#write(line);
    if (proposal !== undefined) for (const line of proposalLines(proposal)) this.#write(`  ${line}`);
    if (schedule !== undefined && finding.kind === 'pair')
      this.#write(`  See it again: pexen run --replay=${relative(workingDirectory(), schedule)}`);
  }

  #write(line: string): void {
    this.#output.write(`${line}\n`);
  }
}

function trialText({ kind, before, beside }: Trial): string {
  if (kind === 'again') return 'everything again, in the same order';
  if (kind === 'alone') return 'alone';
  const [tests, where] = before.length > 0 ? [before, 'before it'] : [beside, 'beside it'];
  return tests.length === 1 ? `${tests[0]} ${where}` : `${tests.length} tests ${where}`;
}

function leftText({ suspects, left }: Trial): string {
  if (left === 0) return '';
  return suspects > 1
    ? `${suspects} suspects, about ${counted(left, 'more run')}`
    : `${left} more to be sure`;
}

function findingLines(path: string, finding: Finding): readonly string[] {
  switch (finding.kind) {
    case 'pair':
      return [
        `FOUND  ${path} fails ${relationText[finding.relation]} ${finding.partner}.`,
        `  Each time with it, and never without it. That this is chance: less than ${shareText(finding.chance)}.`,
      ];
    case 'suspect':
      return [
        `SUSPECT  ${path} may fail ${relationText[finding.relation]} ${finding.partner}: it did so more often than without, and not each time.`,
        '  That proves nothing. Run the search again, or on a machine where it fails more often.',
      ];
    case 'several':
      return [
        `NO PAIR  ${path} fails ${relationText[finding.relation]} several tests together, and with none of them alone: ${someOf(finding.tests)}.`,
      ];
    case 'alone':
      return finding.failures === 3
        ? [`NO PAIR  ${path} fails by itself, three times of three: no other test is the reason.`]
        : [
            `NO PAIR  ${path} is flaky by itself: it failed ${finding.failures} of 3 times alone. No other test is to blame.`,
          ];
    case 'not-again':
      return [`NO PAIR  ${path} passed three times in the same order with the same overlaps.`];
    case 'nothing':
      return [`NO PAIR  ${path} failed again, but neither alone nor with a part of the other tests.`];
    default:
      return finding satisfies never;
  }
}

const relationText: Readonly<Record<Relation, string>> = {
  before: 'after',
  missing: 'without',
  beside: 'beside',
};

function proposalLines({ because, lines }: Proposal): readonly string[] {
  return [
    because,
    ...lines.map(({ task, location, line }) => {
      const where = location === undefined ? task : `${task} (${formatLocation(location)})`;
      return `  ${where}:  ${line}`;
    }),
  ];
}

function shareText(chance: number): string {
  if (chance < 0.000_001) return 'one in a million';
  return `1 in ${Math.floor(1 / chance).toLocaleString('en')}`;
}

function someOf(names: readonly string[]): string {
  const more = names.length - mostNamed;
  return `${names.slice(0, mostNamed).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
