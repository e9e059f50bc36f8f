/** The files of a suite on their way to a node, named by their content. A node asks for what it does not have yet, a few pieces at a time. */

/** A file of a bundle. Names are relative, with `/`. */
export interface BundleFile {
  readonly name: string;
  readonly size: number;
  /** The SHA-256 of its content, in hexadecimal digits. */
  readonly hash: string;
  readonly isExecutable: boolean;
}

/** What a bundle consists of, and what is to be done with it. */
export interface BundleManifest {
  /** The SHA-256 of everything below. */
  readonly digest: string;
  /** Where the files are on the side of the run: addresses below it are meant there. */
  readonly root: string;
  readonly files: readonly BundleFile[];
  /** A command for `sh` that is run once in the unpacked bundle. */
  readonly install?: string;
}

/** A part of a file. */
export interface PieceRequest {
  readonly hash: string;
  /** Where it begins, in bytes. */
  readonly at: number;
}

/** No piece is longer, bytes. */
export const pieceLength: number = 256 * 1024;

/** So many pieces are asked for at once. */
export const mostPieces = 16;

/** True for a name that stays in its folder. */
export function isInside(name: string): boolean {
  const steps = name.split('/');
  return name !== '' && !name.includes('\0') && steps.every((step) => !['', '.', '..'].includes(step));
}
