/** Scripts without an executable bit: which of them were most likely meant to have one. Archives and other disks lose it. */
import type { Problem } from '@pexen/core';
import { findHeader } from './header.ts';
import type { FoundFile } from './walk.ts';
import type { Workshop } from './workshop.ts';

/** Names of scripts, those without an ending among them. */
const script = /(?:^|\/)[^./]+$|\.(?:sh|bash|zsh|ksh|py|pl|rb|t)$/;
/** Names of what other scripts read. */
const helper =
  /(?:^|[^a-z])(?:libs?|common|utils?|helpers?|functions?|fixtures?|setup|teardown|env|config|conftest|data)(?:[^a-z]|$)/i;

/** Can anybody execute it? Whether we can, the start will show. */
export function isExecutable({ mode }: FoundFile): boolean {
  return (mode & 0o111) !== 0;
}

/** Does it have metadata, or a `#!` line and no name of a helper? Its head is read only where its name is that of a script. */
export function looksLikeTest({ path, parts }: FoundFile, head: () => Buffer): boolean {
  if (!script.test(path)) return false;
  const bytes = head();
  if (findHeader(bytes, path).kind !== 'none') return true;
  return bytes.subarray(0, 2).toString('latin1') === '#!' && !helper.test(parts.at(-1) ?? '');
}

/** The warning that these were left out. */
export function notExecutable(files: readonly FoundFile[], { dir }: Workshop): Problem {
  return {
    code: 'PEXEN_NOT_EXECUTABLE',
    location: { file: dir },
    message: `these scripts are not executable and were skipped: ${namesOf(files, 5)}`,
    hint: `If they are tests: chmod +x. Else exclude them, or take away their #! lines.`,
  };
}

/** Where nothing was found at all. */
export function hintToBit(all: readonly FoundFile[]): string | undefined {
  const scripts = all.filter((file) => !isExecutable(file) && /\.(?:sh|bash|py|pl|rb)$/.test(file.path));
  return scripts.length === 0
    ? undefined
    : `Scripts must be executable: chmod +x ${namesOf(scripts, 3, ' ')}`;
}

function namesOf(files: readonly FoundFile[], most: number, between = ', '): string {
  const names = files.slice(0, most).map(({ parts }) => parts.join('/'));
  return [...names, ...(files.length > most ? ['…'] : [])].join(between);
}
