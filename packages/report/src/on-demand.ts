/**
 * Libraries that are loaded when they are first used: loading them takes longer than many a run, and most runs use none of
 * them. What uses them cannot wait, so they are required and not imported.
 */
import { createRequire } from 'node:module';
import type XMLBuilder from 'fast-xml-builder';
import type * as logUpdate from 'log-update';
import type stringWidth from 'string-width';

const require = createRequire(import.meta.url);

/** What makes of two pictures the shortest way from one to the other. */
export function loadLogUpdate(): typeof logUpdate {
  return require('log-update') as typeof logUpdate;
}

/** What knows how wide characters are. */
export function loadStringWidth(): typeof stringWidth {
  return (require('string-width') as { readonly default: typeof stringWidth }).default;
}

/** What escapes whatever has a meaning in XML. */
export function loadXmlBuilder(): typeof XMLBuilder {
  return (require('fast-xml-builder') as { readonly default: typeof XMLBuilder }).default;
}
