/** The first view: what the run came to, what needs attention, where the time went, and what changed since the run before. */
import type { JSX } from 'preact';
import { headOf, span } from '../../data/head.ts';
import type { PageTask } from '../../data/page-run.ts';
import { GoneTests, SlowerTests } from '../change-lists.tsx';
import { changed, comparison } from '../extras.ts';
import { CountList, follow, Mark, Path, Section, TestLine, TestLink, TimeBar } from '../parts.tsx';
import { hrefOf } from '../route.ts';
import { now, run, schedule } from '../store.ts';
import { plain } from '../texts.tsx';

/** So many failures are listed here; all of them are in the list of tests. */
const MOST_FAILURES = 50;
const MOST_ODD = 10;
const MOST_SLOW = 10;
const MOST_LOCKS = 8;

export function Summary(): JSX.Element {
  const { failures, counts, tasks, document } = run.value;
  return (
    <div class="summary">
      <Figures />
      <CountList counts={counts} />
      {tasks.length === 0 && <p class="empty">{emptyText(document.snapshot.run.hasEnded)}</p>}
      <Underway />
      {failures.length > 0 && <Failures failures={failures} />}
      <WorthALook tasks={tasks} />
      <Skipped />
      <Changes />
      <div class="columns">
        <Slowest tasks={tasks} />
        <Contended />
      </div>
      <Troubles />
    </div>
  );
}

function emptyText(hasEnded: boolean): string {
  return hasEnded
    ? 'The run had no tests.'
    : 'The tests are being collected. They appear here before the first one starts.';
}

function Figures(): JSX.Element {
  const { value } = run;
  const { wallMs, workMs, gain } = headOf(value, now.value);
  const { snapshot, sources, otherWorkers } = value.document;
  const started = snapshot.run.startedAt;
  return (
    <dl class="figures">
      <Figure name="took" value={span(wallMs)} />
      <Figure name="work of all tests" value={span(workMs)} />
      {gain !== undefined && <Figure name="faster than one by one" value={`${gain.toFixed(1)} ×`} />}
      {started !== undefined && <Figure name="started" value={new Date(started).toLocaleString()} />}
      {sources !== undefined && sources.length > 1 && (
        <Figure name="merged of" value={sources.map(({ name }) => name).join(', ')} />
      )}
      {otherWorkers?.map(({ workers, wallMs: estimated }) => (
        <Figure
          key={workers}
          name={`estimated with ${workers} worker${workers === 1 ? '' : 's'}`}
          value={span(estimated)}
        />
      ))}
    </dl>
  );
}

function Figure({ name, value }: { readonly name: string; readonly value: string }): JSX.Element {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

/** What runs now, and what the others wait for. */
function Underway(): JSX.Element | null {
  const { snapshot } = run.value.document;
  const { running, services, waiting } = snapshot;
  if (snapshot.run.hasEnded || running.length + services.length + waiting.groups.length === 0) return null;
  return (
    <Section title="Now">
      <ul class="list">
        {[...running, ...services].map(({ facts, running: attempt, service }) => (
          <li key={facts.path}>
            <TestLink path={facts.path}>
              <Mark condition={service === undefined ? 'running' : 'up'} /> <Path path={facts.path} />
              <span class="note">{plain(lastLine(attempt?.tail))}</span>
            </TestLink>
            <span class="aside">
              {attempt !== undefined && span(Math.max(0, now.value - attempt.startedAtMs))}
            </span>
          </li>
        ))}
      </ul>
      <ul class="list quiet">
        {waiting.groups
          .filter(({ isOver }) => !isOver)
          .slice(0, 8)
          .map(({ kind, subject, count, by, who }) => (
            <li key={`${kind} ${subject} ${by.join()}`}>
              <Mark condition="waiting" /> {count} {waitingFor(kind, subject)}
              {by.length > 0 && ` (${by.slice(0, 3).join(', ')})`}
              <span class="note">{who.slice(0, 3).join(', ')}</span>
            </li>
          ))}
      </ul>
    </Section>
  );
}

function waitingFor(kind: string, subject: string): string {
  switch (kind) {
    case 'resource':
      return `wait for ${subject}`;
    case 'requirement':
      return `wait for what provides ${subject}`;
    case 'order':
      return 'wait for tests that come before them';
    case 'slot':
    case 'dispatched':
      return 'wait for a worker';
    case 'group':
      return `wait for the turn of the group ${subject}`;
    case 'node':
      return 'wait for a node';
    case 'reservation':
      return 'wait for what is reserved for another test';
    case 'need':
      return 'wait until a test needs them';
    case 'consumer':
      return 'wait for the results to be read';
    default:
      return 'wait';
  }
}

function lastLine(text = ''): string {
  return text.trimEnd().split('\n').at(-1) ?? '';
}

function Failures({ failures }: { readonly failures: readonly PageTask[] }): JSX.Element {
  const all = { view: 'tests', q: 'status:failed', test: undefined } as const;
  return (
    <Section
      title="Failures"
      aside={
        failures.length > MOST_FAILURES &&
        `the first ${MOST_FAILURES} of ${failures.length.toLocaleString('en-US')}`
      }
    >
      <ul class="failures">
        {failures.slice(0, MOST_FAILURES).map((task) => (
          <li key={task.path}>
            <TestLink path={task.path}>
              <Mark condition={task.condition} /> <Path path={task.path} />
            </TestLink>
            <span class="aside">{span(task.durationMs)}</span>
            <pre>{firstLines(task.message)}</pre>
          </li>
        ))}
      </ul>
      {failures.length > MOST_FAILURES && (
        <p>
          <a href={hrefOf(all)} onClick={follow(all)}>
            All {failures.length.toLocaleString('en-US')} failures
          </a>
        </p>
      )}
    </Section>
  );
}

function firstLines(text: string): string {
  const lines = plain(text).trimEnd().split('\n');
  return [
    ...lines.slice(0, 4).map((line) => (line.length > 300 ? `${line.slice(0, 300)} …` : line)),
    ...(lines.length > 4 ? ['…'] : []),
  ].join('\n');
}

/** Tests that fail nothing and are not quite well: flaky ones, and those with warnings. */
function WorthALook({ tasks }: { readonly tasks: readonly PageTask[] }): JSX.Element | null {
  const odd = tasks.filter(({ condition }) => condition === 'flaky' || condition === 'warn');
  if (odd.length === 0) return null;
  return (
    <Section title="Worth a look" aside={odd.length > MOST_ODD && `the first ${MOST_ODD} of ${odd.length}`}>
      <ul class="list">
        {odd.slice(0, MOST_ODD).map((task) => (
          <li key={task.path}>
            <TestLine task={task} note={plain(task.message).split('\n')[0]} />
            <span class="aside">{span(task.durationMs)}</span>
          </li>
        ))}
      </ul>
    </Section>
  );
}

/** Why tests were skipped: each cause once. */
function Skipped(): JSX.Element | null {
  const { skippedFor } = run.value.document.snapshot.totals;
  if (skippedFor.length === 0) return null;
  const sorted = [...skippedFor].sort(([, one], [, other]) => other - one).slice(0, 10);
  return (
    <Section title="Skipped" aside={`for ${skippedFor.length} reason${skippedFor.length === 1 ? '' : 's'}`}>
      <ul class="list quiet">
        {sorted.map(([reason, count]) => (
          <li key={reason}>
            <Mark condition="skip" /> <b>{count}</b> <span class="reason">{plain(reason)}</span>
          </li>
        ))}
      </ul>
    </Section>
  );
}

function Changes(): JSX.Element | null {
  const [found, other] = [changed.value, comparison.value];
  if (found === undefined || other === undefined) return null;
  const { newlyFailing, fixed, added, gone, slower, stillFailing } = found;
  const parts = [
    { name: 'newly failing', tasks: newlyFailing },
    { name: 'fixed', tasks: fixed },
    { name: 'new', tasks: added },
  ];
  const isQuiet = newlyFailing.length + fixed.length + added.length + gone.length + slower.length === 0;
  const still = stillFailing.length > 0 ? `, ${stillFailing.length} still failing` : '';
  return (
    <Section title="Since the run before" aside={`${new Date(other.run.startedAt).toLocaleString()}${still}`}>
      {isQuiet && <p class="quiet">Nothing changed.</p>}
      <div class="columns">
        {parts
          .filter(({ tasks }) => tasks.length > 0)
          .map(({ name, tasks }) => (
            <div key={name}>
              <h3>
                {tasks.length} {name}
              </h3>
              <ul class="list">
                {tasks.slice(0, 10).map((task) => (
                  <li key={task.path}>
                    <TestLine task={task} />
                  </li>
                ))}
              </ul>
            </div>
          ))}
        {slower.length > 0 && (
          <div>
            <h3>{slower.length} slower by more than 30 %</h3>
            <SlowerTests slower={slower} most={10} />
          </div>
        )}
        {gone.length > 0 && (
          <div>
            <h3>{gone.length} gone</h3>
            <GoneTests paths={gone} most={10} />
          </div>
        )}
      </div>
    </Section>
  );
}

function Slowest({ tasks }: { readonly tasks: readonly PageTask[] }): JSX.Element | null {
  const slow = tasks
    .filter(({ durationMs = 0, task }) => durationMs > 0 && task.result !== undefined)
    .sort((one, other) => (other.durationMs ?? 0) - (one.durationMs ?? 0))
    .slice(0, MOST_SLOW);
  const [first] = slow;
  if (first === undefined) return null;
  const all = { view: 'tests', sort: 'time', q: '', test: undefined } as const;
  return (
    <Section
      title="Slowest"
      aside={
        <a href={hrefOf(all)} onClick={follow(all)}>
          all by time
        </a>
      }
    >
      <ul class="list">
        {slow.map((task) => (
          <li key={task.path}>
            <TestLine task={task} />
            <TimeBar ms={task.durationMs} ofMs={first.durationMs ?? 1} />
          </li>
        ))}
      </ul>
    </Section>
  );
}

function Contended(): JSX.Element | null {
  if (!run.value.document.snapshot.run.hasEnded) return null;
  const waited = schedule.value
    .resources()
    .filter(({ waitedMs }) => waitedMs >= 1)
    .sort((one, other) => other.waitedMs - one.waitedMs)
    .slice(0, MOST_LOCKS);
  const [first] = waited;
  if (first === undefined) return null;
  const all = { view: 'locks' } as const;
  return (
    <Section
      title="Most waited for"
      aside={
        <a href={hrefOf(all)} onClick={follow(all)}>
          all locks
        </a>
      }
    >
      <ul class="list">
        {waited.map(({ resource, waitedMs, waits }) => (
          <li key={resource}>
            <span>
              <code>{plain(resource)}</code>
              <span class="note">
                {waits.length} test{waits.length === 1 ? '' : 's'} waited
              </span>
            </span>
            <TimeBar ms={waitedMs} ofMs={first.waitedMs} />
          </li>
        ))}
      </ul>
    </Section>
  );
}

/** Lost workers, late errors, and what stayed poisoned. */
function Troubles(): JSX.Element | null {
  const { lateErrors, lostWorkers, run: facts } = run.value.document.snapshot;
  if (lateErrors.count + lostWorkers.count + facts.poisoned.length === 0) return null;
  return (
    <Section title="Also seen">
      <ul class="list">
        {facts.poisoned.map((resource) => (
          <li key={`poisoned ${resource}`}>
            <span>
              <span class="mark odd">!</span> <code>{plain(resource)}</code> is in an unknown state: a test
              broke while it held it
            </span>
          </li>
        ))}
        {lostWorkers.listed.map(({ worker, reason, atMs }) => (
          <li key={`${worker} ${atMs}`}>
            <span>
              <span class="mark odd">!</span> {worker} was lost: {plain(reason)}
            </span>
            <span class="aside">at {span(atMs)}</span>
          </li>
        ))}
        {lateErrors.listed.map(({ worker, error, tasks, atMs }) => (
          <li key={`${worker} ${atMs} ${error.message}`}>
            <span>
              <span class="mark odd">!</span> an error after the end of {tasks.join(' or ')}:{' '}
              {plain(error.message)}
            </span>
            <span class="aside">at {span(atMs)}</span>
          </li>
        ))}
      </ul>
    </Section>
  );
}
