/** A page of a small run, served for a test. */
import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunEvent, TaskInfo } from '@pexen/core';
import type { ControlRequest } from '@pexen/page';
import { RunModel } from '@pexen/report';
import { livePage } from '../../src/html/page-file.ts';
import { type OpenPage, type OpenPageOptions, openPage } from '../../src/server/open-page.ts';
import type { PageSource } from '../../src/server/page-source.ts';

export interface ServedPage {
  readonly page: OpenPage;
  readonly port: number;
  readonly token: string;
  readonly model: RunModel;
  /** Applies the event, and reports it to the page. */
  apply(event: RunEvent): void;
  readonly orders: readonly ControlRequest[];
  /** The folder of the run. */
  readonly root: string;
}

export interface ServedOptions {
  readonly control?: boolean;
  /** Is it the page itself, as users see it? */
  readonly isReal?: boolean;
  readonly tasks?: number;
  readonly limits?: OpenPageOptions['limits'];
}

export type AtEnd = (act: () => Promise<void>) => void;

/** Serves a run of some tasks, of which the first one is running and has written something. */
export async function served(atEnd: AtEnd, options: ServedOptions = {}): Promise<ServedPage> {
  const root = await realpath(await mkdtemp(join(tmpdir(), 'pexen-page-')));
  atEnd(() => rm(root, { recursive: true, force: true }));
  await mkdir(join(root, 'out'));
  await writeFile(join(root, 'out/first.stdout'), 'one\ntwo é\n');
  await writeFile(join(root, 'secret.txt'), 'outside');
  await symlink('../secret.txt', join(root, 'out/link.txt'));
  const orders: ControlRequest[] = [];
  const source: PageSource = {
    ...{ root, folders: [join(root, 'out')] },
    details: ({ facts }) => ({ whyLines: [`${facts.path} waits`] }),
    outputFile: (_path, _attempt, stream) => `out/first.${stream}`,
    runs: () => [],
    comparison: () => undefined,
    ...(options.control === true && { control: (order: ControlRequest) => void orders.push(order) }),
  };
  const policy = `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:">`;
  const html = options.isReal === true ? livePage() : `<!doctype html>${policy}<title>page</title>`;
  const frame = { title: 'small', command: 'pexen run' };
  const page = await openPage({
    ...{ html, source },
    frame: { ...frame, ...(options.control === true && { control: ['stop' as const] }) },
    ...(options.limits && { limits: options.limits }),
  });
  atEnd(() => page.close());
  const model = new RunModel();
  const apply = (event: RunEvent): void => {
    const change = model.apply(event);
    page.reporter.update?.(model, change);
  };
  for (const event of beginning(options.tasks ?? 3)) apply(event);
  const { port, hash } = new URL(page.url);
  return { page, port: Number(port), token: hash.slice('#token='.length), model, apply, orders, root };
}

export function pathOf(number: number): string {
  return `net/task${number}`;
}

function beginning(count: number): RunEvent[] {
  const tasks = Array.from({ length: count }, (_, id): TaskInfo => {
    const path = pathOf(id);
    return {
      id,
      path,
      callPath: ['net', `task${id}`],
      nameKind: 'ordinal',
      recallable: false,
      rerunnable: false,
    };
  });
  const attachments = [
    { name: 'inside', file: 'out/first.stdout' },
    { name: 'outside', file: 'secret.txt' },
    { name: 'link', file: 'out/link.txt' },
    { name: 'above', file: '../../etc/passwd' },
    { name: 'folder', file: 'out/.' },
    { name: 'device', file: '/dev/zero' },
    { name: 'text', text: '<script>alert(1)</script>' },
  ];
  const second = { task: 1, path: pathOf(1), callPath: ['net', 'task1'] };
  return [
    {
      type: 'run-started',
      version: 1,
      seq: 1,
      atMs: 0,
      id: 'run',
      startedAt: 0,
      root: '/',
      versions: {},
      pools: [],
    },
    { type: 'tasks-added', seq: 2, atMs: 0, origin: 'start', tasks },
    { type: 'task-started', seq: 3, atMs: 1, task: 0, path: pathOf(0), attempt: 1, pool: 'p', worker: 'w1' },
    {
      ...{
        type: 'task-finished',
        seq: 4,
        atMs: 2,
        ...second,
        status: 'returned',
        attempts: [],
        findings: [],
      },
      ...{ flaky: false, slow: false, durationMs: 1, attachments },
    },
  ] as RunEvent[];
}
