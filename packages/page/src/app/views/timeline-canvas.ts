/** Draws the timeline, and knows what is where in the picture. Knows no state of the page. */
import type { ChainLink } from '@pexen/report/model';
import { span } from '../../data/head.ts';
import { type Condition, looks, type Tone } from '../../data/looks.ts';
import type { Bar, Track, Wait } from '../../data/schedule.ts';

/** What is drawn. */
export interface PictureOptions {
  readonly tracks: readonly Track[];
  /** What is shown of the run, ms. */
  readonly from: number;
  readonly to: number;
  readonly width: number;
  /** Its bars are marked. */
  readonly selected: string | undefined;
  readonly chain: readonly ChainLink[];
  /** Bars of others are pale. Undefined: of none. */
  readonly shown: ReadonlySet<string> | undefined;
  readonly conditionOf: (path: string) => Condition | undefined;
}

/** Where everything is. Lengths are pixels of the page. */
export interface Picture extends PictureOptions {
  readonly left: number;
  readonly trackWidth: number;
  readonly height: number;
  readonly tops: readonly number[];
  readonly barHeights: readonly number[];
}

/** What is under the pointer. */
export interface Hit {
  readonly track: Track;
  readonly bar?: Bar;
  readonly gap?: Wait;
}

/** The height of the scale. */
const HEAD = 24;
const TRACK = 22;
const THIN = 9;
const THINNEST = 4;
const SPACE = 4;

/** Finds the place of each track. */
export function pictureOf(options: PictureOptions): Picture {
  const { tracks, width } = options;
  const left = width < 600 ? 90 : 160;
  const tops: number[] = [];
  const barHeights: number[] = [];
  let y = HEAD;
  let before: Track['kind'] | undefined;
  for (const track of tracks) {
    if (before !== undefined && before !== track.kind) y += 10;
    before = track.kind;
    const rows = Math.max(1, ...track.bars.map(({ row }) => row + 1));
    const height = track.kind === 'resource' ? THINNEST : rows > 1 ? THIN : TRACK - SPACE;
    tops.push(y);
    barHeights.push(height);
    y += Math.max(TRACK, rows * (height + 1) + SPACE);
  }
  return { ...options, left, trackWidth: Math.max(10, width - left - 12), height: y + 8, tops, barHeights };
}

/** The bar or the gap at that place. */
export function hitAt(picture: Picture, x: number, y: number): Hit | undefined {
  const { tracks, tops, barHeights, left } = picture;
  if (x < left) return undefined;
  const number = tops.findLastIndex((top) => top <= y);
  const track = tracks[number];
  if (track === undefined) return undefined;
  const row = Math.floor((y - (tops[number] ?? 0)) / ((barHeights[number] ?? TRACK) + 1));
  const isUnder = ({ fromMs, toMs }: { readonly fromMs: number; readonly toMs: number }): boolean =>
    x >= xOf(picture, fromMs) - 1 && x <= Math.max(xOf(picture, toMs), xOf(picture, fromMs) + 2) + 1;
  const bar = track.bars.findLast((each) => each.row === row && isUnder(each));
  if (bar !== undefined) return { track, bar };
  const gap = track.gaps.find(isUnder);
  return gap && { track, gap };
}

function xOf({ from, to, left, trackWidth }: Picture, ms: number): number {
  return left + ((ms - from) / (to - from)) * trackWidth;
}

/** Colours of the page, from its styles. */
class Colours {
  readonly #style: CSSStyleDeclaration;

  constructor(element: Element) {
    this.#style = getComputedStyle(element);
  }

  of(name: string): string {
    return this.#style.getPropertyValue(`--${name}`).trim();
  }

  ofTone(tone: Tone): string {
    return this.of(`bar-${tone}`);
  }
}

/** Draws it. */
export function draw(canvas: HTMLCanvasElement, picture: Picture): void {
  const context = canvas.getContext('2d');
  if (context === null || picture.width === 0) return;
  const scale = window.devicePixelRatio || 1;
  canvas.width = Math.round(picture.width * scale);
  canvas.height = Math.round(picture.height * scale);
  context.setTransform(scale, 0, 0, scale, 0, 0);
  const colours = new Colours(canvas);
  context.font = `12px ${getComputedStyle(canvas).fontFamily}`;
  context.textBaseline = 'middle';
  drawScale(context, picture, colours);
  for (const [number, track] of picture.tracks.entries()) drawTrack(context, picture, colours, track, number);
  drawChain(context, picture, colours);
}

function drawScale(context: CanvasRenderingContext2D, picture: Picture, colours: Colours): void {
  const { from, to, trackWidth, height } = picture;
  const step = niceStep((to - from) / Math.max(2, trackWidth / 110));
  context.strokeStyle = colours.of('line');
  context.fillStyle = colours.of('quiet');
  context.lineWidth = 1;
  context.textAlign = 'center';
  for (let at = Math.ceil(from / step) * step; at <= to; at += step) {
    const x = Math.round(xOf(picture, at)) + 0.5;
    context.beginPath();
    context.moveTo(x, HEAD - 4);
    context.lineTo(x, height);
    context.stroke();
    context.fillText(span(at) || '0', x, HEAD / 2 - 2);
  }
  context.textAlign = 'left';
}

function niceStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  return ([1, 2, 5, 10].find((factor) => factor * power >= least) ?? 10) * power;
}

function drawTrack(
  context: CanvasRenderingContext2D,
  picture: Picture,
  colours: Colours,
  track: Track,
  number: number,
): void {
  const { left, trackWidth } = picture;
  const [top, height] = [picture.tops[number] ?? 0, picture.barHeights[number] ?? TRACK];
  context.fillStyle = colours.of('text');
  context.fillText(fitted(context, track.name, left - 16), 4, top + TRACK / 2 - 2);
  context.save();
  context.beginPath();
  context.rect(left, 0, trackWidth + 2, picture.height);
  context.clip();
  for (const gap of track.gaps) drawGap(context, picture, colours, gap, top);
  for (const bar of track.bars) drawBar(context, picture, colours, bar, top + bar.row * (height + 1), height);
  context.restore();
}

function drawGap(
  context: CanvasRenderingContext2D,
  picture: Picture,
  colours: Colours,
  gap: Wait,
  top: number,
): void {
  const [x, end] = [xOf(picture, gap.fromMs), xOf(picture, gap.toMs)];
  if (end < picture.left || x > picture.width || end - x < 0.5) return;
  context.fillStyle = colours.of(`cause-${gap.kind}`);
  context.fillRect(x, top + TRACK / 2 - 4, end - x, 4);
}

function drawBar(
  context: CanvasRenderingContext2D,
  picture: Picture,
  colours: Colours,
  bar: Bar,
  top: number,
  height: number,
): void {
  const { path, fromMs, toMs, kind } = bar;
  const x = xOf(picture, fromMs);
  const width = Math.max(1.5, xOf(picture, toMs) - x - 1);
  if (x > picture.width || x + width < picture.left) return;
  const isPale = picture.shown !== undefined && !picture.shown.has(path);
  context.globalAlpha = isPale ? 0.2 : 1;
  context.fillStyle = colourOf(picture, colours, bar);
  context.fillRect(x, top, width, height);
  if (path === picture.selected) {
    context.strokeStyle = colours.of('accent');
    context.lineWidth = 2;
    context.strokeRect(x - 1, top - 1, width + 2, height + 2);
  }
  if (width > 64 && height > 14 && (kind === 'last' || kind === 'earlier')) {
    context.fillStyle = colours.of('bar-text');
    const from = Math.max(x, picture.left) + 4;
    context.fillText(
      fitted(context, path.slice(path.lastIndexOf('/') + 1), x + width - from - 4),
      from,
      top + height / 2 + 0.5,
    );
  }
  context.globalAlpha = 1;
}

function colourOf({ conditionOf }: Picture, colours: Colours, { path, kind }: Bar): string {
  if (kind === 'earlier') return colours.ofTone('odd');
  if (kind === 'last') return colours.ofTone(looks[conditionOf(path) ?? 'pass'].tone);
  return colours.of({ held: 'bar-held', claimed: 'bar-claimed', waiting: 'cause-resource' }[kind]);
}

/** A line below the bars of the chain, and from each to the next. */
function drawChain(context: CanvasRenderingContext2D, picture: Picture, colours: Colours): void {
  const places = new Map<string, { readonly top: number; readonly bar: Bar }>();
  for (const [number, track] of picture.tracks.entries())
    if (track.kind !== 'resource')
      for (const bar of track.bars)
        places.set(`${bar.attempt} ${bar.path}`, {
          top: (picture.tops[number] ?? 0) + (picture.barHeights[number] ?? TRACK),
          bar,
        });
  context.strokeStyle = colours.of('chain');
  context.lineWidth = 2;
  context.save();
  context.beginPath();
  context.rect(picture.left, 0, picture.trackWidth + 2, picture.height);
  context.clip();
  context.beginPath();
  let isFirst = true;
  for (const { path, attempt, fromMs, toMs } of picture.chain) {
    const place = places.get(`${attempt} ${path}`);
    if (place === undefined) continue;
    const [x, end] = [xOf(picture, fromMs), xOf(picture, toMs)];
    if (isFirst) context.moveTo(x, place.top + 1);
    else context.lineTo(x, place.top + 1);
    context.lineTo(end, place.top + 1);
    isFirst = false;
  }
  context.stroke();
  context.restore();
}

/** As much of the text as there is room for. */
function fitted(context: CanvasRenderingContext2D, text: string, width: number): string {
  if (context.measureText(text).width <= width) return text;
  const letters = Math.floor((width / context.measureText('n').width) * 1.05) - 1;
  return letters < 2 ? '' : `${text.slice(0, letters)}…`;
}
