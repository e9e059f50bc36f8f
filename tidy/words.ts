/**
 * The words that this project does not use, each with the standard one to use instead, and the places where they occur.
 * One word per idea: a reader who knows the field guesses every name right. `pnpm words [FOLDER …]` prints the places.
 */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import ts from 'typescript';
import { ROOT, type SourceFile, sourcesIn, walk } from './sources.ts';

/** The folders and pages that are checked. */
export const CHECKED: readonly string[] = [
  ...['packages', 'apps', 'e2e', 'tidy', 'tools', 'docs', '.changeset'],
  ...['README.md', 'CONTRIBUTING.md'],
];

/** The list itself, and its exceptions. */
const OWN_PATHS: readonly string[] = ['tidy/words.ts', 'tidy/words.test.ts'];

interface Rule {
  readonly pattern: RegExp;
  readonly instead: string;
}

export interface Place {
  /** `packages/core/src/task.ts:12`, which editors open by a click. */
  readonly at: string;
  readonly found: string;
  readonly instead: string;
}

/** Words of names. A name is split where its case changes and at `_`, `-` and `.`; a rule sees `way out` for `wayOut`. */
export const NAME_RULES: readonly Rule[] = [
  ...rules('house|station|hull|means of', 'slot, worker handle, resources'),
  ...rules('punch|tray|bell', 'hole puncher, result ring, doorbell'),
  ...rules('told|tells?|teller|telling', 'reported, report, publisher'),
  ...rules('said', 'reported'),
  ...rules('mend|mends|mended', 'fix, fixed'),
  ...rules('nobody|somebody|whoever|anew|afresh', 'none, one, who, again'),
  ...rules('begun|began', 'started'),
  ...rules('culprit', 'cause'),
  ...rules('gather|gathers|gathered|gathering', 'collect'),
  ...rules('outlet', 'queue'),
  ...rules('lane|lanes', 'pool'),
  ...rules('overtakings?|overtook|overtakes?', 'bypasses'),
  ...rules('heal|heals|healed|loosen|loosened|unstall', 'clear, recheck, resolve'),
  ...rules('gatekeeper|insight', 'conditions, explain'),
  ...rules('way out|ways out', 'fix, hint'),
  ...rules('patience', 'timeout'),
  ...rules('workshop|workplace', 'load context, sandbox'),
  ...rules('ladder|flight', 'escalation, execution'),
  ...rules('obstacles?|crossings?', 'conflict, violation, serialization'),
  ...rules('news', 'update'),
  ...rules('cookie', 'marker'),
  ...rules('footprint|parking', 'affected counters, blocked'),
];

/** Words and phrases of prose: pages, comments, messages, names of tests. */
export const PROSE_RULES: readonly Rule[] = [
  ...rules('nobody|somebody|everybody|anybody|whoever', 'no task, a task, the caller …: name the actor'),
  ...rules('for ever', 'forever'),
  ...rules('anew|afresh', 'again'),
  ...rules('mend|mends|mended|mending', 'fix'),
  ...rules('told|tells?|telling', 'reports, reported, says'),
  ...rules('begun', 'started'),
  ...rules('all the same', 'anyway, nevertheless'),
  ...rules('way out|ways out', 'hint, next step'),
  ...rules('culprits?', 'cause'),
  ...rules('gathers?|gathered|gathering', 'collect'),
  ...rules('overtakings?|overtook|overtakes?|overtaken', 'bypass'),
  {
    pattern: /(?<!\bthere )\b(?:is|are) no\b(?! (?:longer|more)\b)/gi,
    instead: 'is not a … (there is no, is no longer and is no more are fine)',
  },
  ...rules('hears? of|heard of', 'is notified of, receives'),
  ...rules('lets? go', 'release'),
  ...rules('given back|gives? back', 'returned'),
  ...rules('house', 'project'),
];

function rules(words: string, instead: string): Rule[] {
  return [{ pattern: new RegExp(`\\b(?:${words})\\b`, 'gi'), instead }];
}

/** The places in the file where a declared name, or the name of the file, uses such a word. */
export function namesIn(file: SourceFile): Place[] {
  const places = ruled(
    nameAsWords(
      file.path
        .split('/')
        .at(-1)
        ?.replace(/\.[^.]*ts$/, '') ?? '',
    ),
    NAME_RULES,
    `${file.path}:1`,
  );
  walk(file, (node) => {
    if (ts.isIdentifier(node) && isDeclared(node))
      places.push(
        ...ruled(nameAsWords(node.text), NAME_RULES, placeOf(file, node.getStart(file.tree)), node.text),
      );
  });
  return places;
}

/** The places in the file where a comment or string uses such a word. */
export function proseIn(file: SourceFile): Place[] {
  const places: Place[] = [];
  const scanner = ts.createScanner(ts.ScriptTarget.Latest, false, ts.LanguageVariant.Standard, file.text);
  for (let token = scanner.scan(); token !== ts.SyntaxKind.EndOfFileToken; token = scanner.scan())
    if (token === ts.SyntaxKind.SingleLineCommentTrivia || token === ts.SyntaxKind.MultiLineCommentTrivia)
      places.push(...ruledLines(scanner.getTokenText(), PROSE_RULES, file, scanner.getTokenStart()));
  walk(file, (node) => {
    if (
      ts.isStringLiteralLike(node) ||
      ts.isTemplateHead(node) ||
      ts.isTemplateMiddle(node) ||
      ts.isTemplateTail(node)
    )
      places.push(...ruledLines(node.getText(file.tree), PROSE_RULES, file, node.getStart(file.tree)));
  });
  return places;
}

/** The places in a page that use such a word, in code blocks, too: they show our own output and code. */
export function proseOfPage(path: string): Place[] {
  const lines = readFileSync(join(ROOT, path), 'utf8').split('\n');
  return lines.flatMap((line, index) => ruled(line, PROSE_RULES, `${path}:${index + 1}`));
}

/** The pages in a folder of the root, without fixtures and installed packages. */
export function pagesIn(folder: string): string[] {
  return globSync('**/*.md', { cwd: join(ROOT, folder) })
    .map((path) => join(folder, path))
    .filter((path) => !/(^|\/)(node_modules|dist|out|fixtures)\//.test(path))
    .sort();
}

/** All places in a folder or page of the root, without those in the list of the words itself. */
export function placesIn(path: string): Place[] {
  if (path.endsWith('.md')) return proseOfPage(path);
  const sources = sourcesIn(path).filter((file) => !OWN_PATHS.includes(file.path));
  return [
    ...sources.flatMap((file) => [...namesIn(file), ...proseIn(file)]),
    ...pagesIn(path).flatMap(proseOfPage),
  ];
}

function ruledLines(text: string, found: readonly Rule[], file: SourceFile, start: number): Place[] {
  let offset = start;
  return text.split('\n').flatMap((line) => {
    const places = ruled(line, found, placeOf(file, offset));
    offset += line.length + 1;
    return places;
  });
}

function ruled(text: string, list: readonly Rule[], at: string, shown?: string): Place[] {
  return list.flatMap(({ pattern, instead }) =>
    [...text.matchAll(pattern)].map((match) => ({ at, found: shown ?? match[0], instead })),
  );
}

function nameAsWords(name: string): string {
  return name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/[_\-.]+/g, ' ')
    .toLowerCase();
}

function isDeclared(node: ts.Identifier): boolean {
  const { parent } = node;
  return 'name' in parent && parent.name === node && !ts.isPropertyAccessExpression(parent);
}

function placeOf(file: SourceFile, offset: number): string {
  return `${file.path}:${file.tree.getLineAndCharacterOfPosition(offset).line + 1}`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const paths = process.argv.length > 2 ? process.argv.slice(2) : CHECKED;
  const places = paths.flatMap(placesIn);
  for (const { at, found, instead } of places) console.log(`${at}  ${found}  (${instead})`);
  console.log(`${places.length} places`);
}
