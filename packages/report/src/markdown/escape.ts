/** Foreign text in Markdown: whatever it contains, it shows as itself, and neither ends its place nor becomes a link, a mention or HTML. */
import { plainLine, plainText } from '../text/plain.ts';

/** In a line, in the font of code: `<code>…</code>` holds any text, also in cells of tables and below `<summary>`. */
export function code(text: string): string {
  return `<code>${html(plainLine(text))}</code>`;
}

/** A block of lines, between fences longer than any in the text. */
export function block(text: string): string {
  const lines = plainText(text)
    .replaceAll(/\r\n?|[\u0085\u2028\u2029]/g, '\n')
    .replace(/\n+$/, '');
  const longest = Math.max(2, ...[...lines.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}text\n${lines}\n${fence}`;
}

/** Characters with a meaning in Markdown or HTML, as references: so they show, and mean nothing. */
function html(line: string): string {
  return line.replaceAll(/[&<>"'`*_{}[\]()#+!|~@$\\:]/g, (character) => `&#${character.charCodeAt(0)};`);
}
