/** Which starts of a node count as over, and what follows for a scheduler. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { noteStart } from '../src/node/starts.ts';
import { HostSession } from '../src/protocol/host-session.ts';
import { plainCodec } from './sim/world.ts';

describe('a start of a node knows of those before it', () => {
  function folder(): string {
    const dir = mkdtempSync(join(tmpdir(), 'pexen-starts-'));
    onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
    return dir;
  }

  function edit(dir: string, change: (text: string) => string): void {
    const file = join(dir, 'lab.one.json');
    writeFileSync(file, change(readFileSync(file, 'utf8')));
  }

  test('that they are over once they have ended in order, and nothing while they run', async () => {
    const dir = folder();
    const first = await noteStart(dir, 'lab', 'one');
    const second = await noteStart(dir, 'lab', 'one');
    expect([first.former, second.former]).toEqual([[], []]);
    first.end();
    expect((await noteStart(dir, 'lab', 'one')).former).toEqual([first.id]);
    expect((await noteStart(dir, 'lab', 'two')).former).toEqual([]);
  });

  test.skipIf(process.platform !== 'linux')(
    'that they are over when the machine has booted, or their process is gone',
    async () => {
      const dir = folder();
      const first = await noteStart(dir, 'lab', 'one');
      edit(dir, (text) => text.replace(/"bootMark":"[^"]*"/, '"bootMark":"another"'));
      const second = await noteStart(dir, 'lab', 'one');
      expect(second.former).toEqual([first.id]);
      edit(dir, (text) => text.replace(/"ticks":"\d+"/, '"ticks":"1"'));
      expect((await noteStart(dir, 'lab', 'one')).former).toEqual([first.id, second.id]);
    },
  );

  test('nothing where the file is that of another machine, or none', async () => {
    const dir = folder();
    (await noteStart(dir, 'lab', 'one')).end();
    edit(dir, (text) => text.replace(/"machine":"[^"]*"/, '"machine":"another"'));
    expect((await noteStart(dir, 'lab', 'one')).former).toEqual([]);
    edit(dir, () => 'nothing');
    expect((await noteStart(dir, 'lab', 'one')).former).toEqual([]);
    expect((await noteStart(join(dir, 'lab.one.json'), 'lab', 'one')).former).toEqual([]);
  });
});

describe('a session with a start that is said to be over', () => {
  const timing = { heartbeatMs: 100, leaseMs: 1_000, endingMs: 500 };

  function joined(): { session: HostSession; hear: (atMs: number) => readonly string[] } {
    const session = new HostSession(
      {
        session: 's',
        host: 'h',
        run: 'r',
        epoch: 1,
        number: 1,
        node: { stampMs: 0 },
        timing,
        codec: plainCodec,
      },
      0,
    );
    const hear = (atMs: number): readonly string[] =>
      session
        .take({ kind: 'frames', session: 's', heardUpTo: 0, frames: [], stampMs: atMs }, atMs)
        .map(({ do: what }) => what);
    hear(10);
    return { session, hear };
  }

  test('ends once it is silent', () => {
    const { session } = joined();
    expect(session.succeeded(20)).toEqual([]);
    expect(session.tick(150)).toEqual([]);
    expect(session.tick(161)).toEqual([{ do: 'over', reason: 'was ended, and started again' }]);
  });

  test('ends at once where the server knows that no one listens there', () => {
    const { session } = joined();
    session.unreachable(20);
    expect(session.succeeded(25).map(({ do: what }) => what)).toEqual(['over']);
    const later = joined().session;
    later.succeeded(20);
    expect(later.unreachable(25).map(({ do: what }) => what)).toEqual(['over']);
  });

  test('goes on, and that is said once, where it is heard after that', () => {
    const { session, hear } = joined();
    session.succeeded(20);
    expect(hear(110)).toContain('doubled');
    expect(session.succeeded(120)).toEqual([]);
    expect(hear(210)).not.toContain('doubled');
    expect(session.tick(400).map(({ do: what }) => what)).toEqual([]);
    expect(session.isOver).toBe(false);
  });
});
