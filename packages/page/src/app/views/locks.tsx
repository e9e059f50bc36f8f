/** Resources as a tree: who holds them and waits now, and what they cost in all. */
import type { JSX } from 'preact';
import { span } from '../../data/head.ts';
import type { ResourceUse } from '../../data/schedule.ts';
import { TestLink, TimeBar } from '../parts.tsx';
import { run, schedule } from '../store.ts';
import { plain } from '../texts.tsx';

/** So many waits of a resource are listed. */
const MOST_WAITS = 20;

export function Locks(): JSX.Element {
  const { inspected, run: facts } = run.value.document.snapshot;
  const held = facts.hasEnded ? [] : (inspected?.resources ?? []);
  const uses = schedule.value.resources();
  const names = [
    ...new Set([
      ...uses.map(({ resource }) => resource),
      ...held.map(({ resource }) => resource),
      ...facts.poisoned,
    ]),
  ].sort();
  if (names.length === 0) return <p class="empty">No test takes a resource.</p>;
  const mostWaited = uses.reduce((most, { waitedMs }) => Math.max(most, waitedMs), 0);
  return (
    <div class="locks">
      <table>
        <thead>
          <tr>
            <th>resource</th>
            <th class="number">claimed</th>
            <th class="number">used</th>
            <th class="number">held</th>
            <th>waited for, at most</th>
            <th>by</th>
          </tr>
        </thead>
        <tbody>
          {names.map((name) => (
            <ResourceRow
              key={name}
              name={name}
              use={uses.find(({ resource }) => resource === name)}
              isPoisoned={facts.poisoned.includes(name)}
              now={held.find(({ resource }) => resource === name)}
              mostWaited={mostWaited}
            />
          ))}
        </tbody>
      </table>
      <p class="note">
        A test waited while it needed nothing else of other tests and another one held what it takes. It may
        have had to wait for a worker as well.
      </p>
    </div>
  );
}

type Inspected = NonNullable<typeof run.value.document.snapshot.inspected>['resources'][number];

interface ResourceRowProps {
  readonly name: string;
  readonly use: ResourceUse | undefined;
  readonly isPoisoned: boolean;
  readonly now: Inspected | undefined;
  readonly mostWaited: number;
}

function ResourceRow({ name, use, isPoisoned, now, mostWaited }: ResourceRowProps): JSX.Element {
  const depth = name.startsWith('/') ? Math.max(0, name.split('/').length - 2) : 0;
  const waits = use?.waits ?? [];
  return (
    <tr>
      <th scope="row" style={{ paddingLeft: `${8 + depth * 16}px` }}>
        <code>{plain(name)}</code>
        {isPoisoned && <span class="word odd"> ! state unknown</span>}
        {now !== undefined && <Now held={now} />}
      </th>
      <td class="number">{use?.claimed ?? ''}</td>
      <td class="number">{use?.used ?? ''}</td>
      <td class="number">{use === undefined ? '' : span(use.heldMs)}</td>
      <td>{use !== undefined && use.waitedMs >= 1 && <TimeBar ms={use.waitedMs} ofMs={mostWaited} />}</td>
      <td>
        {waits.length > 0 && (
          <details>
            <summary>
              {waits.length} test{waits.length === 1 ? '' : 's'}
            </summary>
            <ul class="list">
              {waits.slice(0, MOST_WAITS).map(({ path, heldBy, fromMs, toMs }) => (
                <li key={`${path} ${fromMs}`}>
                  <span>
                    <TestLink path={path} /> waited for <TestLink path={heldBy} />
                  </span>
                  <span class="aside">{span(toMs - fromMs)}</span>
                </li>
              ))}
            </ul>
          </details>
        )}
      </td>
    </tr>
  );
}

function Now({ held }: { readonly held: Inspected }): JSX.Element {
  const holders = 'holders' in held ? (held.holders as readonly { readonly path?: string }[]) : [];
  return (
    <span class="note">
      {' '}
      {holders.length > 0 && 'held now by '}
      {holders.slice(0, 3).map(({ path }) => path !== undefined && <TestLink key={path} path={path} />)}
    </span>
  );
}
