/** JUnit XML: what it says, and that it is valid whatever the tasks say. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { junit } from '../src/index.ts';
import type { JUnitOptions } from '../src/options.ts';
import { mixedRun } from './mixed-run.ts';
import { play } from './play.ts';
import { type DialectName, hasSchemas, schemaErrors } from './schemas.ts';
import type { Script } from './script.ts';
import { ScriptedClock } from './scripted-clock.ts';
import { allNodes, structureErrors } from './structure.ts';
import { type Node, parseXml } from './xml.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pexen-junit-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function xmlOf(script: Script, options: Partial<JUnitOptions> = {}): Promise<string> {
  const file = join(folder, 'out', 'junit.xml');
  const reporter = junit({ file, ...options });
  play(script, reporter, new ScriptedClock());
  await reporter.close();
  return readFileSync(file, 'utf8');
}

async function checked(script: Script, options: Partial<JUnitOptions> = {}): Promise<Node> {
  const text = await xmlOf(script, options);
  const dialect: DialectName = options.strict === true ? 'strict' : 'jenkins';
  const root = parseXml(text);
  expect(structureErrors(root, dialect)).toEqual([]);
  if (hasSchemas) expect(await schemaErrors([text], dialect)).toEqual([]);
  return root;
}

function caseNamed(root: Node, name: string): Node {
  const found = allNodes(root).find((node) => node.name === 'testcase' && node.attributes.name === name);
  if (found === undefined) throw new Error(`there is no case ${name}`);
  return found;
}

const steady = (text: string): string => text.replaceAll(/hostname="[^"]*"/g, 'hostname="here"');

describe('a run in which nearly everything happens', () => {
  test('as Jenkins and GitLab read it', async () => {
    await checked(mixedRun());
    await expect(steady(await xmlOf(mixedRun()))).toMatchFileSnapshot('golden/junit-mixed.xml');
  });

  test('in the strict dialect', async () => {
    await checked(mixedRun(), { strict: true });
    await expect(steady(await xmlOf(mixedRun(), { strict: true }))).toMatchFileSnapshot(
      'golden/junit-mixed-strict.xml',
    );
  });
});
