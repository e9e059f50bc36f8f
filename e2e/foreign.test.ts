/**
 * Test suites of other projects, run natively and by pexen: each test has the same verdict, and the same number of points. And what a bare run takes in
 * their trees. What needs Debian's sources, or minutes, is played with all the long test families.
 */
import { expect, test } from 'vitest';
import {
  cmakeSuites,
  compare,
  compareCMake,
  type ForeignTree,
  fetchTree,
  listBare,
  suites,
  trees,
} from '../tools/foreign.ts';
import { isWhole } from '../tools/sample.ts';

const nameOf = (tree: ForeignTree): string => ('npm' in tree ? tree.npm : `Debian ${tree.debian}`);
const isPlayed = (tree: ForeignTree): boolean => isWhole || 'npm' in tree;
const why = 'it is played with all the long test families';

for (const suite of suites) {
  test(`${suite.name}: pexen and the tool agree on all tests`, { timeout: 600_000 }, ({ skip }) => {
    const isQuick = suite.format === undefined && 'npm' in suite.tree && suite.needs === undefined;
    skip(!isWhole && !isQuick, why);
    const { equal, different, skipped } = compare(suite);
    skip(skipped !== undefined, skipped);
    expect(different).toEqual([]);
    expect(equal).toBeGreaterThan(0);
  });
}

for (const suite of cmakeSuites) {
  test(`${suite.debian}: pexen and ctest agree on all tests`, { timeout: 900_000 }, ({ skip }) => {
    skip(!isWhole, why);
    const { equal, different, skipped } = compareCMake(suite);
    skip(skipped !== undefined, skipped);
    expect(different).toEqual([]);
    expect(equal).toBeGreaterThan(0);
  });
}

/** Where the tests of these trees are; everything else in them builds, installs or helps. */
const testPaths = /^(?:tests|testsuite|gnulib-tests|is_utf8)\/(?:[^/]+\/)*[^/]+$/;
const helpers =
  /(?:^|\/)(?:init|.*-lib|lib|common|driver|run|setup|rules|depcomp|missing|libtool|configure|install-sh)(?:\.\w+)?$/;

for (const tree of trees) {
  test(`${nameOf(tree)}: a bare run takes only tests`, { timeout: 120_000 }, ({ skip }) => {
    skip(!isPlayed(tree), why);
    try {
      fetchTree(tree);
    } catch (error) {
      skip(`it cannot be fetched: ${String(error).split('\n')[0]}`);
    }
    const { taken } = listBare(tree);
    expect(taken.filter((path) => !testPaths.test(path) || helpers.test(path))).toEqual([]);
  });
}
