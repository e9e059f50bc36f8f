/** `node --conditions=@pexen/source test/fuzz/run.ts [--loads 10000] [--seed 1]`: loads damaged journals and prints the verdicts by kind of damage. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { damageOf, load, makeOriginal } from '../journal/damage.ts';
import { randomOf } from '../journal/random-numbers.ts';

const { values } = parseArgs({
  options: { loads: { type: 'string', default: '10000' }, seed: { type: 'string', default: '1' } },
});
const loads = Number(values.loads);
const random = randomOf(Number(values.seed));
const directory = mkdtempSync(join(tmpdir(), 'pexen-damage-'));
const counts = new Map<string, number>();
try {
  const original = await makeOriginal(directory, 60);
  for (let number = 0; number < loads; number++) {
    const damage = damageOf(original, number, random);
    const file = damage.file.startsWith('blobs') ? 'blob' : damage.file;
    let verdict: string;
    try {
      verdict = load(original, damage, join(directory, 'damaged'), random() < 0.5);
    } catch (error) {
      verdict = 'BROKEN';
      process.exitCode = 1;
      console.error(JSON.stringify(damage), error);
    }
    const key = `${damage.kind} ${file}: ${verdict}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
} finally {
  rmSync(directory, { recursive: true, force: true });
}
for (const [key, count] of [...counts].sort()) console.log(`${String(count).padStart(7)}  ${key}`);
