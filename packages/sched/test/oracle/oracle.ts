/**
 * A scheduler for one worker, written differently: relations between all pairs of tasks in square tables, and everything is computed again
 * at every step. Knows no time, no retries and no stops.
 */

/** What a body does. `failed` states what may go on. */
export type Deed =
  | { readonly does: 'returns' | 'throws' | 'skips' }
  | { readonly does: 'fails'; readonly depsOk: boolean; readonly locksOk: boolean };

export interface Need {
  readonly form: 'one' | 'any-of' | 'every' | 'at-least';
  readonly of: readonly string[];
  readonly count: number;
}

export interface Job {
  readonly needs: readonly Need[];
  readonly gives: readonly string[];
  /** Indexes of other jobs. */
  readonly after: readonly number[];
  readonly before: readonly number[];
  readonly salvages: readonly number[];
  readonly tearsDown?: readonly string[];
  readonly uses: readonly string[];
  readonly claims: readonly string[];
  readonly priority: number;
  readonly weight: number;
  readonly applies: boolean;
  readonly deed: Deed;
}

export interface Ran {
  /** How each job ended, by index. */
  readonly statuses: readonly string[];
  /** Indexes in the order of the starts. */
  readonly order: readonly number[];
}

type Table = boolean[][];

/** Runs everything to its end. */
export function oracle(jobs: readonly Job[]): Ran {
  const statuses: string[] = jobs.map(() => '');
  const order: number[] = [];
  const earlier = mustBeOver(jobs);
  const ranks = ranksOf(jobs, earlier);
  const poison: { readonly resource: string; readonly isClaim: boolean }[] = [];
  const better = (one: number, other: number): number =>
    (jobs[one] as Job).priority - (jobs[other] as Job).priority ||
    (ranks[other] as number) - (ranks[one] as number) ||
    one - other;
  for (;;) {
    const left = [...jobs.keys()].filter((at) => statuses[at] === '');
    const hopeless = left.find((at) => isHopeless(jobs, statuses, earlier, at));
    if (hopeless !== undefined) {
      statuses[hopeless] = 'skipped';
      continue;
    }
    const [best] = left.filter((at) => isFree(jobs, statuses, earlier, at)).sort(better);
    if (best === undefined) return { statuses, order };
    const job = jobs[best] as Job;
    const isExempt = job.salvages.length > 0 || job.tearsDown !== undefined;
    if (!isExempt && poison.some((stain) => isSpoilt(job, stain))) {
      statuses[best] = 'skipped';
      continue;
    }
    order.push(best);
    statuses[best] = statusOf(job.deed);
    if (isExempt && job.deed.does === 'returns')
      for (const claim of job.claims) remove(poison, (stain) => lies(stain.resource, claim));
    if (job.deed.does === 'throws' || (job.deed.does === 'fails' && !job.deed.locksOk)) {
      for (const resource of job.claims) poison.push({ resource, isClaim: true });
      for (const resource of job.uses) poison.push({ resource, isClaim: false });
    }
  }
}

function statusOf({ does }: Deed): string {
  return { returns: 'returned', throws: 'threw', skips: 'skipped-itself', fails: 'failed' }[does];
}

function gave(job: Job, status: string): boolean {
  return status === 'returned' || (status === 'failed' && job.deed.does === 'fails' && job.deed.depsOk);
}

/**
 * The jobs that could help to meet the requirement: all providers of one of these, except the job itself. A job also provides its index as
 * `#index`.
 */
function helpers(jobs: readonly Job[], at: number, { of }: Need): number[] {
  return [...jobs.keys()].filter(
    (other) => other !== at && of.some((name) => name === `#${other}` || jobs[other]?.gives.includes(name)),
  );
}

function stand(
  jobs: readonly Job[],
  statuses: readonly string[],
  at: number,
  need: Need,
): 'met' | 'open' | 'lost' {
  const all = helpers(jobs, at, need);
  const wanted = { one: 1, 'any-of': 1, every: all.length, 'at-least': need.count }[need.form];
  const good = all.filter((other) => gave(jobs[other] as Job, statuses[other] as string)).length;
  const undecided = all.filter((other) => statuses[other] === '').length;
  if (good >= wanted) return 'met';
  return good + undecided >= wanted ? 'open' : 'lost';
}

function isHopeless(jobs: readonly Job[], statuses: readonly string[], earlier: Table, at: number): boolean {
  const { applies, needs, salvages, tearsDown } = jobs[at] as Job;
  if (!applies || needs.some((need) => stand(jobs, statuses, at, need) === 'lost')) return true;
  if (!isFree(jobs, statuses, earlier, at)) return false;
  const isBroken = (other: number) => ['failed', 'threw'].includes(statuses[other] as string);
  if (salvages.length > 0 && !salvages.some(isBroken)) return true;
  if (tearsDown === undefined) return false;
  return !jobs.some(({ gives }, other) => shares(gives, tearsDown) && statuses[other] !== 'skipped');
}

/** All requirements are met, and all predecessors are over. */
function isFree(jobs: readonly Job[], statuses: readonly string[], earlier: Table, at: number): boolean {
  const isMet = (jobs[at] as Job).needs.every((need) => stand(jobs, statuses, at, need) === 'met');
  return isMet && statuses.every((status, other) => status !== '' || !earlier[other]?.[at]);
}

function square(size: number): Table {
  return Array.from({ length: size }, () => Array.from({ length: size }, () => false));
}

/** `table[a][b]`: b may not start before a is over, however it ended. */
function mustBeOver(jobs: readonly Job[]): Table {
  const table = square(jobs.length);
  const needsOf = usage(jobs);
  for (const [at, { after, before, salvages, tearsDown }] of jobs.entries()) {
    for (const other of [...after, ...salvages]) mark(table, other, at);
    for (const other of before) mark(table, at, other);
    for (const torn of tearsDown ?? [])
      for (const [other, job] of jobs.entries()) {
        const isProvider = job.gives.includes(torn);
        const isUser = namesIt(jobs, other, torn, needsOf);
        if (isProvider || isUser) mark(table, other, at);
        if (isUser) markTeardowns(jobs, table, other, at, torn);
      }
  }
  return table;
}

function mark(table: Table, first: number, second: number): void {
  if (first !== second) (table[first] as boolean[])[second] = true;
}

function markTeardowns(
  jobs: readonly Job[],
  table: Table,
  user: number,
  at: number,
  tearsDown: string,
): void {
  for (const [other, job] of jobs.entries()) {
    const others = (job.tearsDown ?? []).filter((torn) => torn !== tearsDown);
    if (shares(jobs[user]?.gives ?? [], others)) mark(table, other, at);
  }
}

function shares(some: readonly string[], others: readonly string[]): boolean {
  return some.some((one) => others.includes(one));
}

/** `table[a][b]`: a needs something of b, or of a job that does. Closed by squaring. */
function usage(jobs: readonly Job[]): Table {
  const table = square(jobs.length);
  for (const [at, { needs }] of jobs.entries())
    for (const need of needs) for (const other of helpers(jobs, at, need)) mark(table, at, other);
  for (const middle of jobs.keys())
    for (const from of jobs.keys())
      for (const to of jobs.keys())
        if (table[from]?.[middle] && table[middle]?.[to]) (table[from] as boolean[])[to] = true;
  return table;
}

/** It needs the capability by name, or something of a job that needs it so. */
function namesIt(jobs: readonly Job[], at: number, capability: string, needsOf: Table): boolean {
  const names = (job: Job | undefined) => job?.needs.some(({ of }) => of.includes(capability)) ?? false;
  return names(jobs[at]) || jobs.some((job, other) => needsOf[at]?.[other] && names(job));
}

/** Longest paths by relaxing all edges as often as there are jobs; claims of one resource are a chain. */
function ranksOf(jobs: readonly Job[], earlier: Table): number[] {
  const floors = jobs.map(({ claims }) => Math.max(0, ...claims.map((claim) => claimedWork(jobs, claim))));
  const ranks = jobs.map(({ weight }, at) => Math.max(weight, floors[at] as number));
  for (const _round of jobs)
    for (const [first, { weight }] of jobs.entries())
      for (const [second, { needs }] of jobs.entries()) {
        const comesNext =
          earlier[first]?.[second] || needs.some((need) => helpers(jobs, second, need).includes(first));
        if (comesNext) ranks[first] = Math.max(ranks[first] as number, weight + (ranks[second] as number));
      }
  return ranks;
}

function claimedWork(jobs: readonly Job[], resource: string): number {
  return jobs.filter(({ claims }) => claims.includes(resource)).reduce((sum, { weight }) => sum + weight, 0);
}

function isSpoilt(job: Job, stain: { readonly resource: string; readonly isClaim: boolean }): boolean {
  const touches = (resource: string) => lies(resource, stain.resource) || lies(stain.resource, resource);
  return job.claims.some(touches) || (stain.isClaim && job.uses.some(touches));
}

/** Is the path the other one, or below it? */
function lies(path: string, above: string): boolean {
  return path === above || path.startsWith(`${above}/`);
}

function remove<T>(list: T[], isGone: (each: T) => boolean): void {
  list.splice(0, list.length, ...list.filter((each) => !isGone(each)));
}
