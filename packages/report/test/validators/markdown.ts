/** What a reader of Markdown makes of a document. */
import { Lexer, type Token, type Tokens } from 'marked';

/** The parts of a summary that foreign text must not change. */
export interface ReadMarkdown {
  readonly headings: readonly string[];
  /** Links, images and tags that a summary does not have. */
  readonly foreign: readonly string[];
  /** How many blocks of text there are. */
  readonly blocks: number;
  /** Opened and not closed. */
  readonly open: number;
}

const own = /^<\/?(?:details|summary|b|code)>$/;

export function readMarkdown(text: string): ReadMarkdown {
  const headings: string[] = [];
  const foreign: string[] = [];
  let blocks = 0;
  let open = 0;
  const visit = (token: Token): void => {
    if (token.type === 'heading') headings.push((token as Tokens.Heading).text);
    if (token.type === 'code') blocks++;
    if (['link', 'image', 'em', 'strong', 'del', 'codespan', 'hr', 'blockquote'].includes(token.type))
      foreign.push(`${token.type} ${token.raw}`);
    if (token.type === 'html')
      for (const [tag] of token.raw.matchAll(/<[^>]*>/g)) {
        if (!own.test(tag)) foreign.push(tag);
        open += tag.startsWith('</') ? -1 : 1;
      }
    for (const inner of insideOf(token)) visit(inner);
  };
  for (const token of new Lexer({ gfm: true }).lex(text)) visit(token);
  return { headings, foreign, blocks, open };
}

/** The tokens inside of one: of a paragraph, of the items of a list, of the cells of a table. */
function insideOf(token: Token): readonly Token[] {
  if (token.type === 'list') return (token as Tokens.List).items;
  if (token.type !== 'table') return ('tokens' in token && token.tokens) || [];
  const { header, rows } = token as Tokens.Table;
  return [...header, ...rows.flat()].flatMap((cell) => cell.tokens);
}
