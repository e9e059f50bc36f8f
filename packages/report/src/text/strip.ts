/** Takes the control sequences of terminals out of text, in time that grows with its length and not with its square. */
import { stripVTControlCharacters } from 'node:util';

/** Longer sequences than this are not known; a piece of this length costs well below a millisecond. */
const PIECE = 1024;

/** The text without colours, cursor movements, titles, links. What looks like the beginning of a sequence may stay. */
export function strip(text: string): string {
  if (!mayOpenString(text) || text.length <= PIECE) return stripVTControlCharacters(text);
  let stripped = '';
  for (let start = 0; start < text.length; start += PIECE) {
    stripped += stripVTControlCharacters(text.slice(start, start + PIECE));
  }
  return stripped;
}

/** Only sequences that run up to a terminator (`ESC ]`) make Node's expression look ahead again and again. */
function mayOpenString(text: string): boolean {
  return text.includes('\u001b]') || text.includes('\u009d');
}
