/** The lines that end a dependence between two tests: what to write, and where. */
import type { SourceLocation, TaskInfo } from '@pexen/core';
import type { Relation } from './search.ts';

/** One line to write. */
export interface ProposedLine {
  /** Call path of the task whose metadata it belongs to. */
  readonly task: string;
  readonly location?: SourceLocation;
  /** `claims: ['/db']`, or the line of a header: `# pexen: { claims: [/db] }`. */
  readonly line: string;
}

/** What to write so that the pair gets along. */
export interface Proposal {
  /** A sentence that says what is wrong. */
  readonly because: string;
  readonly lines: readonly ProposedLine[];
}

/** Proposes lines for a victim and its partner. */
export function proposalFor(relation: Relation, victim: TaskInfo, partner: TaskInfo): Proposal {
  switch (relation) {
    case 'before':
      return {
        because: `${partner.path} leaves something behind that ${victim.path} does not expect. Best let it clean up; else let it run later:`,
        lines: ordered(victim, partner, 'after'),
      };
    case 'missing':
      return {
        because: `${victim.path} needs something that ${partner.path} does:`,
        lines: ordered(partner, victim, 'requires'),
      };
    case 'beside':
      return {
        because: `${victim.path} and ${partner.path} change or use the same thing. Name it, and claim it in both:`,
        lines: locked(victim, partner),
      };
    default:
      return relation satisfies never;
  }
}

/** The second one comes after the first one. */
function ordered(first: TaskInfo, second: TaskInfo, by: 'after' | 'requires'): ProposedLine[] {
  const [own] = first.provides ?? [];
  const name = own ?? nameOf(first);
  const provides = own === undefined ? [lineFor(first, 'provides', [name])] : [];
  return [...provides, lineFor(second, by, [name])];
}

/** Both use a resource already: then one of them does not only use it. */
function locked(one: TaskInfo, other: TaskInfo): ProposedLine[] {
  const held = (info: TaskInfo): readonly string[] => [
    ...(info.uses ?? []).map((use) => use.resource),
    ...(info.claims ?? []),
  ];
  const shared = held(one).find((resource) => held(other).includes(resource));
  if (shared !== undefined) return [lineFor(other, 'claims', [shared])];
  const known = (one.claims ?? [])[0] ?? (other.claims ?? [])[0];
  const name = known ?? `${nameOf(one)}-and-${nameOf(other)}`;
  return [one, other]
    .filter((info) => !held(info).includes(name))
    .map((info) => lineFor(info, 'claims', [name]));
}

function lineFor(info: TaskInfo, entry: string, values: readonly string[]): ProposedLine {
  const { path: task, location } = info;
  const isModule = location === undefined || /\.[cm]?[jt]sx?$/.test(location.file);
  const line = isModule
    ? `${entry}: [${values.map((value) => `'${value}'`).join(', ')}]`
    : `# pexen: { ${entry}: [${values.join(', ')}] }`;
  return { task, line, ...(location !== undefined && { location }) };
}

function nameOf({ callPath, path }: TaskInfo): string {
  return (callPath.at(-1) ?? path).replace(/\.\w+$/, '');
}
