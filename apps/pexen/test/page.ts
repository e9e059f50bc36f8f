/** Guides that show files and commands: the files are written, and the commands run, in the order of the page. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** A command as the page shows it: `$ pexen run   # a remark`, and below it the output. */
export interface Shown {
  /** Without the `$`. */
  readonly words: readonly string[];
  readonly remark: string;
  readonly output: string;
}

/** Writes the files of the page into the folder, and yields its commands; each file is there before the commands below it are yielded. */
export async function* commandsOf(page: URL, dir: string): AsyncGenerator<Shown> {
  yield* commandsOfText(await readFile(page, 'utf8'), dir);
}

/** The same for a part of a page. Files begin with a comment that names them; scripts of a shell are executable. */
export async function* commandsOfText(text: string, dir: string): AsyncGenerator<Shown> {
  for (const [, kind = '', block = ''] of text.matchAll(
    /^```((?:ts|sh|html) no-run|yaml|json|console)\n([\s\S]*?)^```$/gm,
  )) {
    const [, name] = /^(?:\/\/|#|<!--) (\S+\.(?:ts|sh|html|ya?ml))(?: -->)?\n/.exec(block) ?? [];
    if (kind !== 'console' && name !== undefined) {
      // The line of the name stays in data, so that the places in the file are those on the page.
      const code = kind.endsWith('no-run') ? block.slice(block.indexOf('\n') + 1) : block;
      await mkdir(dirname(join(dir, name)), { recursive: true });
      await writeFile(join(dir, name), code, { mode: name.endsWith('.sh') ? 0o755 : 0o644 });
    }
    if (kind === 'console') yield* commandsIn(block);
  }
}

/** The sections of a page, each with its title. */
export async function sectionsOf(page: URL): Promise<ReadonlyMap<string, string>> {
  const [, ...sections] = (await readFile(page, 'utf8')).split(/^## /m);
  return new Map(sections.map((section) => [section.slice(0, section.indexOf('\n')), section]));
}

function commandsIn(block: string): Shown[] {
  const parts = block.split(/^\$ /m).slice(1);
  return parts.map((part) => {
    const [line = '', ...output] = part.split('\n');
    const [command = '', remark = ''] = line.split(/ +# /);
    const words = (command.match(/'[^']*'|\S+/g) ?? []).map((word) => word.replaceAll("'", ''));
    return { words, remark, output: output.join('\n') };
  });
}

/** The output without times, ids and dates. */
export function comparable(text: string): string {
  return text
    .replaceAll(/[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}/g, 'ID')
    .replaceAll(/(?<=repeats run )[\da-f]{8}\b/g, 'ID')
    .replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/g, 'WHEN')
    .replaceAll(/\[ *[\d.]+s\]/g, '[TIME]')
    .replaceAll(/(?<=took |takes |expected to take )[\d.]+ s/g, 'TIME')
    .replaceAll(/(?<=(?:ready after|up for) )(?:\d+m )?[\d.]+m?s/g, 'TIME')
    .replaceAll(/ +[\d.]+ [KM]?i?B\b/g, ' SIZE')
    .replaceAll(/^ +[\d.]+m?s of work in .*\n/gm, '')
    .trimEnd();
}
