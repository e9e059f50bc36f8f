/** Which tests need which, drawn in columns; the way between two of them. */
import { type Signal, signal } from '@preact/signals';
import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import { type Graph, type GraphEdge, type GraphNode, graphOf, pathBetween } from '../../data/graph.ts';
import { badCount, looks, type Tone } from '../../data/looks.ts';
import { follow } from '../parts.tsx';
import { hrefOf, navigate, route } from '../route.ts';
import { shownTasks } from '../store.ts';

const WIDTH = 220;
const COLUMN = 280;
const HEIGHT = 24;
const ROW = 32;
/** A larger drawing cannot be read. */
const MOST_DRAWN = 1500;

const hasResources: Signal<boolean> = signal(false);

export function GraphView(): JSX.Element {
  const { test, end } = route.value;
  const tasks = shownTasks.value;
  const resources = hasResources.value;
  const graph = useMemo(() => graphOf(tasks, { around: test, resources }), [tasks, test, resources]);
  const way = useMemo(
    () => new Set(test === undefined || end === undefined ? [] : eitherWay(graph.edges, test, end)),
    [graph, test, end],
  );
  return (
    <div class="graph">
      <GraphHead graph={graph} way={way} />
      {graph.nodes.length === 0 && <p class="empty">No test needs another one.</p>}
      {graph.nodes.length > MOST_DRAWN ? (
        <p class="empty">
          {graph.nodes.length.toLocaleString('en-US')} nodes are too many to draw. Choose some by a query.
        </p>
      ) : (
        <Drawing graph={graph} way={way} />
      )}
    </div>
  );
}

function eitherWay(edges: readonly GraphEdge[], one: string, other: string): readonly string[] {
  const there = pathBetween(edges, one, other);
  return there.length > 0 ? there : pathBetween(edges, other, one);
}

function GraphHead({
  graph,
  way,
}: {
  readonly graph: Graph;
  readonly way: ReadonlySet<string>;
}): JSX.Element {
  const { test, end } = route.value;
  const { collapsedTo, nodes, edges } = graph;
  return (
    <div class="list-head">
      <span role="status">
        {nodes.length} {collapsedTo === undefined ? 'tests' : 'folders'}, {edges.length} arrows
        {collapsedTo !== undefined &&
          `, by the first ${collapsedTo} part${collapsedTo === 1 ? '' : 's'} of their paths`}
        {end !== undefined &&
          test !== undefined &&
          (way.size === 0
            ? `; no way between ${test} and ${end}`
            : `; ${way.size - 1} arrows from one to the other`)}
      </span>
      <span class="choice">
        <button type="button" aria-pressed={hasResources.value} onClick={() => toggle()}>
          with resources
        </button>
        {test !== undefined && (
          <button type="button" onClick={() => navigate({ test: undefined, end: undefined })}>
            whole graph
          </button>
        )}
      </span>
    </div>
  );
}

function toggle(): void {
  hasResources.value = !hasResources.peek();
}

function Drawing({ graph, way }: { readonly graph: Graph; readonly way: ReadonlySet<string> }): JSX.Element {
  const { nodes, edges, columns, rows } = graph;
  const places = new Map(nodes.map((node) => [node.key, node]));
  return (
    <div class="drawing">
      <svg width={columns * COLUMN} height={rows * ROW + 16} aria-label="Graph of tests">
        <title>Arrows lead from what is needed to what needs it</title>
        <g>
          {edges.map((edge) => (
            <Arrow
              key={`${edge.from} ${edge.to}`}
              edge={edge}
              from={places.get(edge.from)}
              to={places.get(edge.to)}
              isOnWay={way.has(edge.from) && way.has(edge.to)}
            />
          ))}
        </g>
        {nodes.map((node) => (
          <NodeBox key={node.key} node={node} isOnWay={way.has(node.key)} />
        ))}
      </svg>
    </div>
  );
}

interface ArrowProps {
  readonly edge: GraphEdge;
  readonly from: GraphNode | undefined;
  readonly to: GraphNode | undefined;
  readonly isOnWay: boolean;
}

function Arrow({ edge, from, to, isOnWay }: ArrowProps): JSX.Element | null {
  if (from === undefined || to === undefined) return null;
  const [x, y] = [from.column * COLUMN + WIDTH, from.row * ROW + HEIGHT / 2 + 8];
  const [endX, endY] = [to.column * COLUMN, to.row * ROW + HEIGHT / 2 + 8];
  const bend = Math.max(24, (endX - x) / 2);
  return (
    <path
      class={`arrow ${edge.kind} ${isOnWay ? 'way' : ''}`}
      d={`M${x} ${y} C${x + bend} ${y} ${endX - bend} ${endY} ${endX} ${endY}`}
    />
  );
}

function NodeBox({ node, isOnWay }: { readonly node: GraphNode; readonly isOnWay: boolean }): JSX.Element {
  const { key, label, kind, column, row } = node;
  const shown = label.length > 30 ? `…${label.slice(-29)}` : label;
  const { test } = route.value;
  const box = (
    <g
      class={`node ${kind} ${toneOf(node)} ${key === test ? 'selected' : ''} ${isOnWay ? 'way' : ''}`}
      transform={`translate(${column * COLUMN} ${row * ROW + 8})`}
    >
      <title>{label}</title>
      <rect width={WIDTH} height={HEIGHT} rx={4} />
      <text x={8} y={HEIGHT / 2}>
        {markOf(node)} {shown}
      </text>
    </g>
  );
  if (kind === 'resource') return box;
  const change = kind === 'folder' ? { q: `"${label}"`, test: undefined } : changeFor(key, test);
  return (
    <a
      href={hrefOf(change)}
      onClick={follow(change)}
      aria-label={`${markOf(node)} ${shown}, ${shown === label ? '' : `${label}, `}${wordOf(node)}`}
    >
      {box}
    </a>
  );
}

/** The first test that is chosen is shown with what belongs to it, the second one is the other end of a way, and a second choice of it opens its page. */
function changeFor(key: string, test: string | undefined): Parameters<typeof navigate>[0] {
  if (test === undefined) return { test: key };
  return key === test || key === route.value.end
    ? { view: 'tests', test: key, end: undefined }
    : { end: key };
}

function toneOf({ counts, kind, task }: GraphNode): Tone {
  if (kind === 'resource') return 'idle';
  if (task !== undefined) return looks[task.condition].tone;
  return badCount(counts) > 0 ? 'bad' : 'good';
}

function markOf({ kind, task, counts }: GraphNode): string {
  if (kind === 'resource') return '◇';
  if (task !== undefined) return looks[task.condition].mark;
  return badCount(counts) > 0 ? '✗' : '▤';
}

function wordOf({ task, counts }: GraphNode): string {
  return task === undefined ? `${badCount(counts)} failed` : looks[task.condition].word;
}
