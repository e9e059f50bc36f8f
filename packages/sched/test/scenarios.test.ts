/** Every script in scenarios/ states what the machine must do. `UPDATE=1` writes what it does. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Scenario } from './scenario.ts';

const folder = new URL('scenarios/', import.meta.url);

for (const file of readdirSync(folder)
  .filter((name) => name.endsWith('.txt'))
  .sort()) {
  test(file.replace('.txt', '').replaceAll('-', ' ').replace('seed ', 'seed: '), () => {
    const place = new URL(file, folder);
    const script = readFileSync(place, 'utf8');
    const played = replay(script);
    if (process.env.UPDATE === '1') writeFileSync(place, played);
    expect(played).toBe(script);
  });
}

/** The script, with what the machine did under each line. Comments stay. */
function replay(script: string): string {
  const scenario = new Scenario();
  const lines = script.split('\n').filter((line) => !line.startsWith('  '));
  return lines
    .flatMap((line) =>
      line === '' || line.startsWith('#')
        ? [line]
        : [line, ...scenario.play(line).map((reported) => `  ${reported}`)],
    )
    .join('\n');
}
