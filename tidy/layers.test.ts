/** The import graph is the architecture: imports go only to the left in the diagram of docs/ARCHITECTURE.md. */
import { isBuiltin } from 'node:module';
import { describe, expect, test } from 'vitest';
import { importsOf, type Member, members, packageOf, published, sourcesIn, targetOf } from './sources.ts';

const PACKAGES = [
  ...[
    'core',
    'lock',
    'sched',
    'run-locks',
    'pool-kit',
    'pool-thread',
    'pool-process',
    'pool-nats',
    'factory',
    'store',
    'report',
  ],
];

/** Which package may import which. Every package has to be listed here. */
const LAYERS: Readonly<Record<string, readonly string[]>> = {
  '@pexen/core': [],
  '@pexen/lock': named('core'),
  '@pexen/sched': named('core', 'lock'),
  '@pexen/run-locks': named('core', 'lock'),
  '@pexen/pool-kit': named('core'),
  '@pexen/pool-thread': named('core', 'pool-kit'),
  '@pexen/pool-process': named('core', 'pool-kit'),
  '@pexen/pool-nats': named('core', 'factory', 'pool-kit', 'pool-process', 'run-locks'),
  '@pexen/factory': named('core'),
  '@pexen/store': named('core'),
  '@pexen/report': named('core'),
  '@pexen/otel': named('core', 'report'),
  '@pexen/usecase-testsuite': named(...PACKAGES),
  '@pexen/page': named('core', 'report', 'store', 'usecase-testsuite'),
  pexen: named(...PACKAGES, 'usecase-testsuite'),
  '@pexen/showcase': ['pexen', '@pexen/pool-nats'],
};

function named(...short: string[]): string[] {
  return short.map((name) => `@pexen/${name}`);
}

/** What is bundled when its package is built: users install none of what it imports. */
const BUNDLED = ['packages/page/src/app/'];

const isOurs = (name: string): boolean => name === 'pexen' || name.startsWith('@pexen/');

test('every member of the workspace has a layer', () => {
  expect(Object.keys(LAYERS).sort()).toEqual(
    members()
      .map((member) => member.manifest.name)
      .sort(),
  );
});

describe.each(members())('$dir', (member) => {
  const { name, dependencies = {}, devDependencies = {} } = member.manifest;
  const allowed = LAYERS[name] ?? [];

  test('depends only on packages to its left', () => {
    expect(Object.keys(dependencies).filter((other) => isOurs(other) && !allowed.includes(other))).toEqual(
      [],
    );
  });

  test('imports only packages to its left, types included, and declares what it imports', () => {
    const declared = [name, ...Object.keys(dependencies)];
    expect(importsOfPackages(member, `${member.dir}/src`, declared, Object.keys(devDependencies))).toEqual(
      [],
    );
  });

  test('imports our own packages in its tests only as declared', () => {
    const declared = [name, ...Object.keys(dependencies), ...Object.keys(devDependencies)];
    const wrong = importsOfPackages(member, `${member.dir}/test`, declared);
    expect(wrong.filter((line) => isOurs(packageOf(line.split(' imports ')[1] ?? '')))).toEqual([]);
  });

  test('never imports files of another member', () => {
    const outside = sourcesIn(member.dir)
      .flatMap(importsOf)
      .filter(({ specifier }) => specifier.startsWith('.'))
      .filter((found) => !targetOf(found).startsWith(`${member.dir}/`));
    expect(outside.map(({ file, specifier }) => `${file.path} imports ${specifier}`)).toEqual([]);
  });

  test('has no cycle between its files, types included', () => {
    expect(cycleIn(fileGraph(member))).toEqual([]);
  });
});

test('there is no cycle between members, tests included', () => {
  const graph = new Map(
    members().map(({ manifest }) => [
      manifest.name,
      Object.keys({ ...manifest.dependencies, ...manifest.devDependencies }).filter(isOurs),
    ]),
  );
  expect(cycleIn(graph)).toEqual([]);
});

test('nothing published depends on something private', () => {
  const known = published().map((member) => member.manifest.name);
  const wrong = published().flatMap(({ manifest }) =>
    Object.keys(manifest.dependencies ?? {}).filter((name) => isOurs(name) && !known.includes(name)),
  );
  expect(wrong).toEqual([]);
});

/** Imports in a folder of packages that are neither built in nor declared. */
function importsOfPackages(
  member: Member,
  folder: string,
  declared: readonly string[],
  bundled: readonly string[] = [],
): string[] {
  const allowed = LAYERS[member.manifest.name] ?? [];
  const isDeclared = (name: string, path: string): boolean =>
    declared.includes(name) ||
    (bundled.includes(name) && BUNDLED.some((beginning) => path.startsWith(beginning)));
  const mayImport = (name: string, path: string): boolean =>
    isDeclared(name, path) &&
    (!isOurs(name) || folder.endsWith('/test') || [...allowed, member.manifest.name].includes(name));
  return sourcesIn(folder)
    .flatMap(importsOf)
    .filter(({ specifier }) => !specifier.startsWith('.') && !isBuiltin(specifier))
    .filter(({ specifier, file }) => !mayImport(packageOf(specifier), file.path))
    .map(({ file, specifier }) => `${file.path} imports ${specifier}`);
}

function fileGraph(member: Member): Map<string, string[]> {
  return new Map(
    sourcesIn(`${member.dir}/src`).map((file) => [
      file.path,
      importsOf(file)
        .filter(({ specifier }) => specifier.startsWith('.'))
        .map(targetOf),
    ]),
  );
}

/** The first cycle found, as a path that ends at its start; empty if there is none. */
function cycleIn(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const done = new Set<string>();
  const visit = (node: string, path: readonly string[]): string[] => {
    if (path.includes(node)) return [...path.slice(path.indexOf(node)), node];
    if (done.has(node)) return [];
    for (const next of graph.get(node) ?? []) {
      const cycle = visit(next, [...path, node]);
      if (cycle.length > 0) return cycle;
    }
    done.add(node);
    return [];
  };
  for (const node of graph.keys()) {
    const cycle = visit(node, []);
    if (cycle.length > 0) return cycle;
  }
  return [];
}
