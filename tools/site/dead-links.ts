/**
 * Finds the links of a folder of HTML pages that lead nowhere: to a file that is not there, out of the folder, or to an anchor that its page does
 * not have. It knows nothing of what made the pages, and asks no server.
 */
import { existsSync, globSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

export interface DeadLink {
  /** The page with the link, relative to the folder. */
  readonly page: string;
  readonly link: string;
  readonly reason: string;
}

const tag = /<[a-z][^>]*>/gi;
const external = /^(?:[a-z][a-z\d+.-]*:|\/\/)/i;

export function deadLinks(folder: string): readonly DeadLink[] {
  const pages = globSync('**/*.{html,svg}', { cwd: folder }).sort();
  const anchors = new Map(pages.map((page) => [page, valuesOf(join(folder, page), ['id', 'name'])]));
  return pages.flatMap((page) =>
    [...valuesOf(join(folder, page), ['href', 'src'])].flatMap((link) => {
      const reason = external.test(link) ? undefined : whyDead(folder, page, link, anchors);
      return reason === undefined ? [] : [{ page, link, reason }];
    }),
  );
}

function whyDead(
  folder: string,
  page: string,
  link: string,
  anchors: ReadonlyMap<string, ReadonlySet<string>>,
): string | undefined {
  const [address = '', anchor = ''] = link.split('#', 2);
  const path = decodeURIComponent(address.replace(/\?.*/, ''));
  const file = path === '' ? join(folder, page) : resolve(folder, dirname(page), path);
  const target = relative(folder, file);
  if (target.startsWith('..')) return 'leads out of the folder';
  if (!existsSync(file) || !statSync(file).isFile()) return 'no such file';
  const isThere = anchor === '' || anchors.get(target)?.has(decodeURIComponent(anchor));
  return isThere ? undefined : 'no such anchor';
}

/** What attributes of these names say in the tags of a page. */
function valuesOf(page: string, names: readonly string[]): ReadonlySet<string> {
  const attribute = new RegExp(`\\s(?:${names.join('|')})="([^"]*)"`, 'gi');
  const tags = readFileSync(page, 'utf8').match(tag) ?? [];
  return new Set(
    tags.flatMap((text) => [...text.matchAll(attribute)].map(([, value = '']) => unescaped(value))),
  );
}

function unescaped(text: string): string {
  return text
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');
}
