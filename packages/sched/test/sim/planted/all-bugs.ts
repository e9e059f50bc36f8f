/** All planted bugs. */
import { acrossRunsBugs } from './across-runs-bugs.ts';
import type { PlantedBug } from './bug.ts';
import { explainBugs } from './explain-bugs.ts';
import { graphBugs } from './graph-bugs.ts';
import { lockBugs } from './lock-bugs.ts';
import { machineBugs } from './machine-bugs.ts';
import { nodeBugs } from './node-bugs.ts';
import { nodeLockBugs } from './node-lock-bugs.ts';
import { nodeRankBugs } from './node-rank-bugs.ts';
import { serviceBugs } from './service-bugs.ts';
import { setupBugs } from './setup-bugs.ts';

export const allBugs: readonly PlantedBug[] = [
  ...lockBugs,
  ...graphBugs,
  ...machineBugs,
  ...serviceBugs,
  ...explainBugs,
  ...nodeBugs,
  ...setupBugs,
  ...nodeLockBugs,
  ...nodeRankBugs,
  ...acrossRunsBugs,
];
