/**
 * Libraries that are loaded on first use: loading them takes longer than a short run, and most runs use none of them. Their callers are
 * synchronous, so they are loaded by `require` and not by `import()`.
 */
import { createRequire } from 'node:module';
import type * as codeFrame from '@babel/code-frame';
import type * as diff from 'diff';
import type XMLBuilder from 'fast-xml-builder';
import type * as logUpdate from 'log-update';
import type stringWidth from 'string-width';

const require = createRequire(import.meta.url);

/** Computes the shortest way from one picture to the next. */
export function loadLogUpdate(): typeof logUpdate {
  return require('log-update') as typeof logUpdate;
}

/** Knows how wide characters are. */
export function loadStringWidth(): typeof stringWidth {
  return (require('string-width') as { readonly default: typeof stringWidth }).default;
}

/** Escapes the characters that have a meaning in XML. */
export function loadXmlBuilder(): typeof XMLBuilder {
  return (require('fast-xml-builder') as { readonly default: typeof XMLBuilder }).default;
}

/** Finds the lines and words in which two texts differ. */
export function loadDiff(): typeof diff {
  return require('diff') as typeof diff;
}

/** Shows a place in a source with the lines around it. */
export function loadCodeFrame(): typeof codeFrame {
  return require('@babel/code-frame') as typeof codeFrame;
}
