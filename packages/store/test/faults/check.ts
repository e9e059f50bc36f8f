/** What must be true of a session on a disk that fails. */
import type { FaultReport } from './faults.ts';

/** The rules that it broke; empty where all is in order. */
export function violationsOf(report: FaultReport): string[] {
  const { case: given, states, refused, verdict, seqs, reopened, verdictAfter, eventsAfter } = report;
  const found: string[] = [];
  const check = (isRight: boolean, rule: string): void => {
    if (!isRight) found.push(rule);
  };
  const earlier = given.isContinued ? 6 : 0;
  check(verdict === 'whole' || (verdict === 'absent' && refused !== undefined), `the journal is ${verdict}`);
  check(
    seqs.every((seq, index) => seq === index + 1),
    'its events have holes',
  );
  check(reopened === 'whole', `a further session is refused: ${reopened}`);
  check(verdictAfter === 'whole', `after a further session the journal is ${verdictAfter}`);
  check(eventsAfter === seqs.length + 2, `a further session makes ${eventsAfter} events of ${seqs.length}`);
  if (refused !== undefined) {
    check(/^PexenError: PEXEN_JOURNAL_FAILED: /.test(refused), `it is refused with ${refused}`);
    check(seqs.length === earlier, `a session that was refused leaves ${seqs.length} events`);
    return found;
  }
  const { committed = 0, lastSeq = 0, gaps } = report;
  check(!states.some((state) => state.includes('THREAD')), 'the thread of the writer died');
  check(seqs.length >= committed, `${committed} events were committed, and ${seqs.length} are there`);
  check(seqs.length <= lastSeq, `${lastSeq} events were added, and ${seqs.length} are there`);
  const last = states.at(-1) ?? 'recording';
  if (last === 'recording')
    check(seqs.length === lastSeq, `${lastSeq} events were added, and ${seqs.length} are there`);
  else check(last === 'stopped SYNC', `it ended ${last}, although the disk is in order`);
  const failures = states.filter((state) => state === 'recording').length;
  check(gaps === failures, `it works again ${failures} times, with ${gaps} gaps`);
  return found;
}
