/** A disk that a test writes on. Every write changes the stamp of the file, also where the content stays the same. */
import { createHash } from 'node:crypto';
import type { Files } from '../src/index.ts';

export class ScriptedFiles implements Files {
  readonly #files = new Map<string, { content: string; stamp: string }>();
  readonly #links = new Map<string, string>();
  readonly #patterns = new Map<string, readonly string[]>();
  #writes = 0;
  /** How often a file was read to the end. */
  reads = 0;
  /** Called while a file is read to the end. */
  onRead: (path: string) => void = () => {};

  constructor(files: Readonly<Record<string, string>> = {}) {
    for (const [path, content] of Object.entries(files)) this.write(path, content);
  }

  write(path: string, content: string): void {
    this.#files.set(path, { content, stamp: `stamp-${++this.#writes}` });
  }

  remove(path: string): void {
    this.#files.delete(path);
  }

  link(path: string, real: string): void {
    this.#links.set(path, real);
  }

  matching(pattern: string, paths: readonly string[]): void {
    this.#patterns.set(pattern, paths);
  }

  stamp(path: string): string {
    return this.#files.get(path)?.stamp ?? '';
  }

  digest(path: string): string {
    this.reads++;
    const digest = createHash('sha256').update(this.text(path)).digest('hex').slice(0, 32);
    this.onRead(path);
    return digest;
  }

  head(path: string, bytes: number): string {
    return this.text(path).slice(0, bytes);
  }

  text(path: string): string {
    const { content } = this.#files.get(path) ?? {};
    if (content === undefined) throw new Error(`there is no ${path}`);
    return content;
  }

  real(path: string): string {
    const real = this.#links.get(path) ?? path;
    if (this.stamp(real) === '') throw new Error(`there is no ${path}`);
    return real;
  }

  match(pattern: string): readonly string[] {
    return this.#patterns.get(pattern) ?? [];
  }
}
