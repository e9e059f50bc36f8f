/** Colour, or none: decided once for a stream, then asked for by style. */
import { styleText } from 'node:util';
import type { TerminalOptions, TerminalStream } from '../options.ts';

/** A name, or several, as `util.styleText` takes them. */
export type Style = Parameters<typeof styleText>[0];

/** The text in that style, or as it is where there is no colour. */
export type Paint = (style: Style, text: string) => string;

/** How to paint for a stream. Without a word in `color`, the stream, NO_COLOR and FORCE_COLOR decide, as Node reads them. */
export function paintFor(stream: TerminalStream, color: TerminalOptions['color']): Paint {
  if (!(color ?? takesColor(stream))) return (_style, text) => text;
  return (style, text) => (text === '' ? '' : styleText(style, text, { validateStream: false }));
}

function takesColor(stream: TerminalStream): boolean {
  return styleText('red', 'x', { stream }) !== 'x';
}
