/** The page as one text: the built application, with a document in it or for a server. Does not know what is in a document. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { deflateRawSync } from 'node:zlib';
import type { PageDocument } from '../data/document.ts';

/** Documents from this length on are compressed. */
const COMPRESSED_FROM = 64 * 1024;

/** The place of the document in the built page. */
const PLACE = '<!--data-->';

let built: string | undefined;

/** The page of a server, which it asks for its document. It may ask nothing else. */
export function livePage(): string {
  return template().replace("connect-src 'none'", "connect-src 'self'").replace(PLACE, '');
}

/** A page with all of its document in it, in pieces. */
export function* reportPage(document: PageDocument): Generator<string> {
  const [before = '', after = ''] = template().split(PLACE);
  yield before;
  yield embedded(JSON.stringify(document));
  yield after;
}

function embedded(json: string): string {
  if (json.length < COMPRESSED_FROM)
    return `<script type="application/json" id="pexen-data">${escaped(json)}</script>`;
  const packed = deflateRawSync(json, { level: 6 }).toString('base64');
  return `<script type="text/plain" id="pexen-data-deflated">${packed}</script>`;
}

/** The same JSON without anything that could end its element or begin another one. */
function escaped(json: string): string {
  return json.replace(
    /[<>&\u2028\u2029]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function template(): string {
  built ??= readFileSync(createRequire(import.meta.url).resolve('@pexen/page/page.html'), 'utf8');
  return built;
}
