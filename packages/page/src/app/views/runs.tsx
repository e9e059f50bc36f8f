/** Earlier runs of the suite, and what changed since one of them. */
import type { JSX } from 'preact';
import { span } from '../../data/head.ts';
import { GoneTests, SlowerTests } from '../change-lists.tsx';
import { canCompare, changed, comparison, pastRuns } from '../extras.ts';
import { Section, TestLine } from '../parts.tsx';
import { run } from '../store.ts';

export function Runs(): JSX.Element {
  const runs = pastRuns.value;
  return (
    <div class="runs">
      {runs.length === 0 && <p class="empty">No earlier run of this suite is known.</p>}
      {runs.length > 0 && <RunTable />}
      <Compared />
    </div>
  );
}

function RunTable(): JSX.Element {
  const present = run.value.document.snapshot.run.id;
  const other = comparison.value?.run.id;
  const { value: compare } = canCompare;
  return (
    <table>
      <thead>
        <tr>
          <th>started</th>
          <th class="number">took</th>
          <th>ended</th>
          <th>of</th>
          <th>run</th>
          <th />
        </tr>
      </thead>
      <tbody>
        {pastRuns.value.slice(0, 200).map(({ id, startedAt, wallMs, exitCode, shard, isWhole }) => (
          <tr key={id} class={id === present ? 'selected' : ''}>
            <td>{new Date(startedAt).toLocaleString()}</td>
            <td class="number">{span(wallMs)}</td>
            <td>
              <span class={exitCode === 0 ? 'good' : exitCode === undefined ? 'odd' : 'bad'}>
                {ended(exitCode)}
              </span>
            </td>
            <td>{shard === undefined ? (isWhole ? 'all tests' : 'some tests') : `shard ${shard}`}</td>
            <td>
              <code>{id.slice(-8)}</code>
            </td>
            <td>
              {id === present && 'this run'}
              {id === other && 'compared'}
              {compare !== undefined && id !== present && id !== other && (
                <button type="button" onClick={() => compare(id)}>
                  compare
                </button>
              )}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function ended(exitCode: number | undefined): string {
  if (exitCode === undefined) return '! killed';
  return exitCode === 0 ? '✓ passed' : `✗ exit code ${exitCode}`;
}

/** All changes, in full. */
function Compared(): JSX.Element | null {
  const [found, other] = [changed.value, comparison.value];
  if (found === undefined || other === undefined) return null;
  const parts = [
    { name: 'newly failing', tasks: found.newlyFailing },
    { name: 'fixed', tasks: found.fixed },
    { name: 'still failing', tasks: found.stillFailing },
    { name: 'new', tasks: found.added },
  ];
  return (
    <Section title="What changed" aside={`since ${new Date(other.run.startedAt).toLocaleString()}`}>
      {parts.map(({ name, tasks }) => (
        <details key={name} open={tasks.length > 0 && tasks.length <= 100}>
          <summary>
            {tasks.length} {name}
          </summary>
          <ul class="list">
            {tasks.slice(0, 1000).map((task) => (
              <li key={task.path}>
                <TestLine task={task} note={task.message.split('\n')[0]} />
              </li>
            ))}
          </ul>
        </details>
      ))}
      <details open={found.slower.length > 0 && found.slower.length <= 100}>
        <summary>{found.slower.length} slower by more than 30 %</summary>
        <SlowerTests slower={found.slower} most={1000} />
      </details>
      <details>
        <summary>{found.gone.length} gone</summary>
        <GoneTests paths={found.gone} most={1000} />
      </details>
    </Section>
  );
}
