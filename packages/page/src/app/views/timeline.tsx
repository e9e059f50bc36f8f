/** Who ran where and when: a track for each worker, service and contended resource, on a canvas; the critical chain, also as a table. */
import type { JSX } from 'preact';
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { span } from '../../data/head.ts';
import type { PageTask } from '../../data/page-run.ts';
import type { Bar, Track, Wait } from '../../data/schedule.ts';
import { Section, TestLink } from '../parts.tsx';
import { navigate, route } from '../route.ts';
import { found, run, schedule, shownTasks } from '../store.ts';
import { draw, type Hit, hitAt, type Picture, pictureOf } from './timeline-canvas.ts';

/** The shortest time that is shown, ms. */
const SHORTEST = 0.5;

export function Timeline(): JSX.Element {
  const { value } = schedule;
  const tracks = useMemo(() => value.tracks(), [value]);
  const isEmpty = tracks.length === 0;
  return (
    <div class="timeline">
      {isEmpty ? <p class="empty">Nothing has started in this run.</p> : <Canvas tracks={tracks} />}
      {!isEmpty && <Chain />}
    </div>
  );
}

/** What is shown of the run, ms. */
function rangeOf(lastMs: number): { readonly from: number; readonly to: number } {
  const { from = 0, to = lastMs } = route.value;
  return to - from < SHORTEST ? { from: 0, to: Math.max(lastMs, SHORTEST) } : { from, to };
}

function Canvas({ tracks }: { readonly tracks: readonly Track[] }): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const [width, setWidth] = useState(0);
  const [hit, setHit] = useState<(Hit & { readonly x: number; readonly y: number }) | undefined>(undefined);
  const lastMs = schedule.value.lastMs;
  const { from, to } = rangeOf(lastMs);
  const picture = usePicture(tracks, from, to, width);
  useLayoutEffect(() => {
    const element = box.current;
    if (element === null) return;
    const observer = new ResizeObserver(() => setWidth(element.clientWidth));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  useEffect(() => {
    const repaint = () => canvas.current !== null && draw(canvas.current, picture);
    repaint();
    const scheme = matchMedia('(prefers-color-scheme: dark)');
    scheme.addEventListener('change', repaint);
    return () => scheme.removeEventListener('change', repaint);
  }, [picture]);
  const moves = useMoves(picture, from, to, lastMs, setHit);
  return (
    <>
      <div class="timeline-head">
        <Legend />
        <span class="choice">
          <button type="button" onClick={() => show(from + (to - from) / 4, to - (to - from) / 4, lastMs)}>
            zoom in
          </button>
          <button type="button" onClick={() => show(from - (to - from) / 2, to + (to - from) / 2, lastMs)}>
            zoom out
          </button>
          <button type="button" onClick={() => navigate({ from: undefined, to: undefined }, false)}>
            all
          </button>
        </span>
      </div>
      <div class="canvas" ref={box}>
        <canvas
          ref={canvas}
          tabIndex={0}
          role="img"
          aria-label={describe(tracks, from, to)}
          style={{ height: `${picture.height}px` }}
          {...moves}
        />
        {hit !== undefined && <Tip hit={hit} width={width} />}
      </div>
    </>
  );
}

function usePicture(tracks: readonly Track[], from: number, to: number, width: number): Picture {
  const { value } = schedule;
  const selected = route.value.test;
  const shown = found.value.kind === 'some' ? shownTasks.value : undefined;
  return useMemo(
    () =>
      pictureOf({
        ...{ tracks, from, to, width, selected, chain: value.chain.links },
        shown: shown && new Set(shown.map(({ path }) => path)),
        conditionOf: (path) => run.value.task(path)?.condition,
      }),
    [tracks, from, to, width, selected, shown, value],
  );
}

function show(from: number, to: number, lastMs: number): void {
  const length = Math.min(Math.max(to - from, SHORTEST), lastMs);
  const start = Math.max(0, Math.min(from, lastMs - length));
  navigate({ from: rounded(start), to: rounded(start + length) }, false);
}

function rounded(ms: number): number {
  return Math.round(ms * 10) / 10;
}

function useMoves(
  picture: Picture,
  from: number,
  to: number,
  lastMs: number,
  setHit: (hit: (Hit & { readonly x: number; readonly y: number }) | undefined) => void,
) {
  const dragged = useRef<
    { readonly x: number; readonly from: number; readonly to: number; hasMoved: boolean } | undefined
  >(undefined);
  const timeAt = (x: number): number => from + ((x - picture.left) / picture.trackWidth) * (to - from);
  const find = (event: MouseEvent): Hit | undefined => hitAt(picture, event.offsetX, event.offsetY);
  return {
    onWheel: (event: WheelEvent) => {
      if (!event.ctrlKey && !event.shiftKey && !event.altKey) return;
      event.preventDefault();
      const middle = timeAt(event.offsetX);
      const factor = event.deltaY + event.deltaX > 0 ? 1.25 : 0.8;
      show(middle - (middle - from) * factor, middle + (to - middle) * factor, lastMs);
    },
    onPointerDown: (event: PointerEvent) => {
      (event.currentTarget as HTMLElement).setPointerCapture(event.pointerId);
      dragged.current = { x: event.offsetX, from, to, hasMoved: false };
    },
    onPointerMove: (event: PointerEvent) => {
      const start = dragged.current;
      if (start === undefined) {
        const hit = find(event);
        setHit(hit && { ...hit, x: event.offsetX, y: event.offsetY });
        return;
      }
      const byMs = ((start.x - event.offsetX) / picture.trackWidth) * (start.to - start.from);
      if (Math.abs(start.x - event.offsetX) > 3) start.hasMoved = true;
      if (start.hasMoved) show(start.from + byMs, start.to + byMs, lastMs);
    },
    onPointerUp: (event: PointerEvent) => {
      const hit = dragged.current?.hasMoved === true ? undefined : find(event);
      dragged.current = undefined;
      if (hit?.bar !== undefined) navigate({ view: 'tests', test: hit.bar.path });
    },
    onPointerLeave: () => setHit(undefined),
    onKeyDown: (event: KeyboardEvent) => {
      const step = (to - from) / 5;
      if (event.key === 'ArrowLeft') show(from - step, to - step, lastMs);
      else if (event.key === 'ArrowRight') show(from + step, to + step, lastMs);
      else if (event.key === '+' || event.key === '=') show(from + step, to - step, lastMs);
      else if (event.key === '-') show(from - step, to + step, lastMs);
      else if (event.key === '0') navigate({ from: undefined, to: undefined }, false);
      else return;
      event.preventDefault();
    },
  };
}

function describe(tracks: readonly Track[], from: number, to: number): string {
  const workers = tracks.filter(({ kind }) => kind === 'worker').length;
  return `Timeline from ${span(from)} to ${span(to)}: ${workers} worker${workers === 1 ? '' : 's'}. The critical chain is in the table below.`;
}

function Legend(): JSX.Element {
  return (
    <ul class="legend" aria-label="Colours">
      {(['good', 'bad', 'odd'] as const).map((tone) => (
        <li key={tone}>
          <i class={`square ${tone}`} /> {{ good: 'passed', bad: 'failed', odd: 'flaky, warnings' }[tone]}
        </li>
      ))}
      {(['dependency', 'resource', 'worker'] as const).map((kind) => (
        <li key={kind}>
          <i class={`cause ${kind}`} />{' '}
          {
            {
              dependency: 'waits for tests',
              resource: 'waits for a resource',
              worker: 'no test, or starting',
            }[kind]
          }
        </li>
      ))}
      <li>
        <i class="square chain" /> critical chain
      </li>
    </ul>
  );
}

function Tip({
  hit,
  width,
}: {
  readonly hit: Hit & { readonly x: number; readonly y: number };
  readonly width: number;
}): JSX.Element {
  const { track, bar, gap, x, y } = hit;
  const place = { top: `${y + 16}px`, left: `${Math.max(0, Math.min(x + 12, width - 360))}px` };
  const task = bar && run.value.task(bar.path);
  return (
    <div class="tip" style={place} role="presentation">
      {bar !== undefined && <BarTip bar={bar} task={task} track={track} />}
      {gap !== undefined && <GapTip gap={gap} />}
    </div>
  );
}

function BarTip({
  bar,
  task,
  track,
}: {
  readonly bar: Bar;
  readonly task: PageTask | undefined;
  readonly track: Track;
}): JSX.Element {
  const { path, fromMs, toMs, kind, attempt } = bar;
  const does = { held: 'uses it', claimed: 'claims it', waiting: 'waits for it' } as const;
  const what = kind === 'last' || kind === 'earlier' ? (task?.condition ?? '') : does[kind];
  return (
    <>
      <b>{path}</b>
      <br />
      {kind === 'earlier' ? `attempt ${attempt}` : what} {span(toMs - fromMs)}, from {span(fromMs)}
      <br />
      <span class="note">{track.name}</span>
    </>
  );
}

function GapTip({ gap }: { readonly gap: Wait }): JSX.Element {
  const { kind, fromMs, toMs, by, resource } = gap;
  const why = {
    dependency: `the next test here waited for ${by ?? 'what it needs'}`,
    resource: `the next test here waited for ${resource ?? 'a resource'}, held by ${by ?? 'another'}`,
    worker: 'nothing could start, or its worker was starting',
  } as const;
  return (
    <>
      <b>{span(toMs - fromMs)} idle</b>
      <br />
      {why[kind]}
    </>
  );
}

/** What decided how long the run took. */
function Chain(): JSX.Element | null {
  const { links, bounds, wallMs, endMs } = schedule.value.chain;
  if (links.length === 0) return null;
  const causes = {
    dependency: 'after what it needs',
    resource: 'after a resource was free',
    worker: 'after a worker was free',
    retry: 'again',
    start: 'first',
  } as const;
  return (
    <Section title="Critical chain" aside={`${links.length} tests decided that it took ${span(wallMs)}`}>
      <table class="chain-table">
        <thead>
          <tr>
            <th class="number">from</th>
            <th class="number">took</th>
            <th class="number">idle before</th>
            <th>test</th>
            <th>started</th>
          </tr>
        </thead>
        <tbody>
          {links.slice(0, 200).map(({ path, attempt, cause, resource, idleMs, fromMs, toMs }) => (
            <tr key={`${path} ${attempt}`}>
              <td class="number">{span(fromMs)}</td>
              <td class="number">{span(toMs - fromMs)}</td>
              <td class="number">{idleMs >= 1 ? span(idleMs) : ''}</td>
              <td>
                <TestLink path={path} />
              </td>
              <td>
                {cause === 'resource' && resource !== undefined
                  ? `after ${resource} was free`
                  : causes[cause]}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <p class="note">
        {endMs >= 1 && `${span(endMs)} after the last test. `}
        Dependencies alone take {span(bounds.dependenciesMs)}
        {bounds.resource !== undefined && `, claims of ${bounds.resource.name} ${span(bounds.resource.ms)}`},
        the work of all {bounds.workers.count} worker{bounds.workers.count === 1 ? '' : 's'}{' '}
        {span(bounds.workers.ms)}.
      </p>
    </Section>
  );
}
