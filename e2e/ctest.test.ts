/** docs/ctest.md as a user follows it: its project in an empty folder, with the packed packages. And a test that needs the launcher, which is a program of a package. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { appendFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { published, ROOT } from '../tidy/sources.ts';
import { Project } from './project.ts';

const page = readFileSync(join(ROOT, 'docs/ctest.md'), 'utf8');
const blockOf = (kind: RegExp): string =>
  new RegExp(`^\`\`\`${kind.source}\n([\\s\\S]*?)^\`\`\`$`, 'm').exec(page)?.[1] ?? '';

describe.skipIf(spawnSync('ctest', ['--version']).status !== 0)('from packed packages (needs ctest)', () => {
  let project: Project;

  beforeAll(async () => {
    project = await Project.of('ctest');
    await project.install(...published().map(({ manifest }) => manifest.name));
    await writeFile(join(project.dir, 'CMakeLists.txt'), blockOf(/cmake/));
    await writeFile(join(project.dir, 'pexen.config.ts'), blockOf(/ts no-run/));
    const launched = 'add_test(NAME launched COMMAND sh -c "echo go; sleep 1; exit 3")';
    const properties = 'PROPERTIES TIMEOUT_AFTER_MATCH "60;go" TIMEOUT 0.9 WILL_FAIL ON';
    await appendFile(
      join(project.dir, 'CMakeLists.txt'),
      `${launched}\nset_tests_properties(launched ${properties})\n`,
    );
    expect((await project.run('cmake', '-S', '.', '-B', 'build')).code).toBe(0);
  });

  afterAll(() => project?.[Symbol.asyncDispose]());

  test('the tests end as the guide shows', async () => {
    const { stdout, stderr, code } = await project.run(
      'npx',
      'pexen',
      'run',
      '-j',
      '1',
      '--failures',
      'short',
    );
    expect(stderr).toBe('');
    const ends = [...stdout.matchAll(/^ +(PASS|FAIL|SKIP) .*?\] shop\/(\S+)/gm)].map(
      ([, end, name]) => `${name} ${end}`,
    );
    expect([...new Set(ends)].sort()).toEqual([
      ...['db.start PASS', 'db.stop PASS', 'launched PASS', 'orders PASS', 'prices FAIL', 'receipt SKIP'],
    ]);
    expect(code).toBe(1);
  });
});
