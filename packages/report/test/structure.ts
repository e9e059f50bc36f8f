/** The rules of a report beyond the schemas: right counts, one verdict for each case, unique names. */
import type { DialectName } from './schemas.ts';
import type { Node } from './xml.ts';

interface Rule {
  /** Allowed children. */
  readonly children: readonly string[];
  /** Required attributes. */
  readonly needs: readonly string[];
  /** Attributes that may be there. */
  readonly may?: readonly string[];
}

const leaf: Rule = { children: [], needs: [] };
const failed: Rule = { children: [], needs: ['message', 'type'] };
const rerun: Rule = { children: ['stackTrace', 'system-out', 'system-err'], needs: ['message', 'type'] };
const counts = ['name', 'tests', 'failures', 'errors', 'time'];

const common: Readonly<Record<string, Rule>> = {
  properties: { children: ['property'], needs: [] },
  property: { children: [], needs: ['name', 'value'] },
  failure: failed,
  error: failed,
  skipped: { children: [], needs: ['message'] },
  'system-out': leaf,
  'system-err': leaf,
  stackTrace: leaf,
};

const suiteNeeds = [...counts, 'skipped', 'timestamp', 'hostname'];
const outcomes = ['skipped', 'error', 'failure'];
const reruns = ['rerunFailure', 'rerunError', 'flakyFailure', 'flakyError'];

const rules: Readonly<Record<DialectName, Readonly<Record<string, Rule>>>> = {
  jenkins: {
    ...common,
    ...Object.fromEntries(reruns.map((name) => [name, rerun])),
    testsuites: { children: ['testsuite'], needs: counts },
    testsuite: { children: ['properties', 'testcase'], needs: suiteNeeds },
    testcase: {
      children: [...outcomes, ...reruns, 'system-out', 'system-err'],
      needs: ['name', 'classname', 'time'],
      may: ['file', 'line'],
    },
  },
  strict: {
    ...common,
    testsuites: { children: ['testsuite'], needs: [] },
    testsuite: {
      children: ['properties', 'testcase', 'system-out', 'system-err'],
      needs: [...suiteNeeds, 'package', 'id'],
    },
    testcase: { children: outcomes, needs: ['name', 'classname', 'time'] },
  },
};

/** The violations of a report, as sentences. */
export function structureErrors(root: Node, dialect: DialectName): string[] {
  const suites = root.children;
  return [
    ...(root.name === 'testsuites' ? [] : [`the root is ${root.name}`]),
    ...allNodes(root).flatMap((node) => ruleErrors(node, rules[dialect][node.name])),
    ...suites.flatMap(countErrors),
    ...suites
      .flatMap(({ children }) => children.filter(({ name }) => name === 'testcase'))
      .flatMap(caseErrors),
    ...duplicates(suites),
  ];
}

export function allNodes(node: Node): Node[] {
  return [node, ...node.children.flatMap(allNodes)];
}

function ruleErrors(node: Node, rule: Rule | undefined): string[] {
  if (rule === undefined) return [`unknown element ${node.name}`];
  return [
    ...node.children
      .filter(({ name }) => !rule.children.includes(name))
      .map(({ name }) => `${name} in ${node.name}`),
    ...rule.needs.filter((name) => !(name in node.attributes)).map((name) => `${node.name} without ${name}`),
    ...Object.keys(node.attributes)
      .filter((name) => !rule.needs.includes(name) && rule.may?.includes(name) !== true)
      .map((name) => `${node.name} ${name}`),
    ...timeErrors(node),
  ];
}

function timeErrors({ name, attributes: { time } }: Node): string[] {
  return time === undefined || /^\d+\.\d{3}$/.test(time) ? [] : [`${name} time ${time}`];
}

/** A case has at most one outcome. */
function caseErrors({ children, attributes }: Node): string[] {
  const found = children.filter(({ name }) => outcomes.includes(name));
  return found.length <= 1 ? [] : [`${attributes.name} has ${found.length} outcomes`];
}

function countErrors({ attributes, children }: Node): string[] {
  const cases = children.filter(({ name }) => name === 'testcase');
  const having = (outcome: string): number =>
    cases.filter((testCase) => testCase.children.some(({ name }) => name === outcome)).length;
  const real = {
    tests: cases.length,
    failures: having('failure'),
    errors: having('error'),
    skipped: having('skipped'),
  };
  return Object.entries(real)
    .filter(([name, value]) => attributes[name] !== String(value))
    .map(([name, value]) => `${name} says ${attributes[name]}, there are ${value}`);
}

function duplicates(suites: readonly Node[]): string[] {
  const seen = new Set<string>();
  return suites
    .flatMap(({ children }) => children.filter(({ name }) => name === 'testcase'))
    .map(({ attributes }) => `${attributes.classname}\n${attributes.name}`)
    .filter((key) => seen.size === seen.add(key).size);
}
