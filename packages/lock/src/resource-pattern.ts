/** Names of resources with wildcards: `*` stands for any characters of one part, `**` for any parts. Knows no tree and no locks. */

/** The parts of a name; `db` and `/db` are the same. */
export function namesIn(name: string): string[] {
  return name.split('/').filter((part) => part !== '');
}

export class ResourcePattern {
  readonly #parts: readonly (RegExp | '**')[];

  constructor(pattern: string) {
    this.#parts = namesIn(pattern).map(partOf);
  }

  /** Does a resource that matches lie at the parts, above, or below? */
  meets(parts: readonly string[]): boolean {
    return meets(this.#parts, parts);
  }

  /** How many of the parts, from the first one on, name a resource that matches: the fewest; 0 if none does. */
  prefixOf(parts: readonly string[]): number {
    for (let count = 1; count <= parts.length; count++)
      if (matches(this.#parts, parts.slice(0, count))) return count;
    return 0;
  }
}

function partOf(part: string): RegExp | '**' {
  if (part === '**') return part;
  const literals = part.split('*').map((literal) => literal.replace(/[\\^$.|?+()[\]{}]/g, '\\$&'));
  return new RegExp(`^${literals.join('.*')}$`, 's');
}

function meets(pattern: readonly (RegExp | '**')[], parts: readonly string[]): boolean {
  const [first, ...rest] = pattern;
  const [name, ...below] = parts;
  if (first === undefined || name === undefined) return true;
  if (first === '**') return meets(rest, parts) || meets(pattern, below);
  return first.test(name) && meets(rest, below);
}

function matches(pattern: readonly (RegExp | '**')[], parts: readonly string[]): boolean {
  const [first, ...rest] = pattern;
  const [name, ...below] = parts;
  if (first === undefined) return name === undefined;
  if (first === '**') return matches(rest, parts) || (name !== undefined && matches(pattern, below));
  return name !== undefined && first.test(name) && matches(rest, below);
}
