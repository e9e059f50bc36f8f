/** The choice of providers against one that tries everything. */
import { expect, it } from 'vitest';
import { isWhole, seed } from '#sample';
import { chooseProviders } from '../../src/catalogue/choose.ts';
import { bruteForce, nameOf } from './brute-force.ts';
import { randomCatalogue } from './random-catalogue.ts';

/** How many random catalogues are played; `PEXEN_CATALOGUES` sets another number. */
const count = Number(process.env.PEXEN_CATALOGUES ?? (isWhole ? 100_000 : 4000));

it('is what trying everything finds', { timeout: 600_000 }, () => {
  const seen = { several: 0, failing: 0, deadEnds: 0, successAfterDeadEnds: 0 };
  for (let at = 0; at < count; at++) {
    const number = (seed + at) >>> 0;
    const input = randomCatalogue(number);
    const found = chooseProviders(input);
    const expected = bruteForce(input);
    if (expected === undefined) continue;
    const { pulledIn, failed, deadEnds } = expected;
    const failedOnes = found?.failed.map(({ need }) => nameOf(need.requiredBy, need.capabilities));
    expect({ number, pulledIn: found?.pulledIn, failed: failedOnes }).toEqual({ number, pulledIn, failed });
    if (pulledIn.length > 1) seen.several++;
    if (failed.length > 0) seen.failing++;
    if (deadEnds > 0) seen.deadEnds++;
    if (deadEnds > 0 && failed.length === 0) seen.successAfterDeadEnds++;
  }
  for (const times of Object.values(seen)) expect(times).toBeGreaterThan(count / 100);
});
