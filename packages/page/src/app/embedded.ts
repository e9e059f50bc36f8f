/** Reads the document of a report out of the page itself. */
import type { PageDocument } from '../data/document.ts';
import type { Source } from './store.ts';

/** The document that is embedded, plain or compressed; undefined in the page of a server. */
export async function embeddedDocument(): Promise<PageDocument | undefined> {
  const plain = document.getElementById('pexen-data');
  if (plain !== null) return JSON.parse(plain.textContent ?? '') as PageDocument;
  const packed = document.getElementById('pexen-data-deflated');
  if (packed === null) return undefined;
  const bytes = new Blob([bytesOf(packed.textContent ?? '')]);
  packed.remove();
  const unpacked = bytes.stream().pipeThrough(new DecompressionStream('deflate-raw'));
  return (await new Response(unpacked).json()) as PageDocument;
}

/** What is asked of a report is in its document. */
export function embeddedSource({ details = {} }: PageDocument): Source {
  return { details: async (path) => (Object.hasOwn(details, path) ? (details[path] ?? {}) : {}) };
}

function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64.trim());
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at);
  return bytes;
}
