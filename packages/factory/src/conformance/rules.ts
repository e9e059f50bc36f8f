/** The rules of factories, one after the other. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  addressOf,
  checkMeta,
  locationOf,
  type PlacedTask,
  type Problem,
  type SourceLocation,
} from '@pexen/core';
import { always, hasBroken, hasMore, readsFiles, rule, type Workbench } from './case.ts';
import { definition, InputFolder, type MadeTasks, pathOf, rest, textOf, use } from './input-folder.ts';
import { handlesLeftBy } from './open-handles.ts';

// ── What it is ──

export const describesItself = rule(
  'has a kind and a description, each a line of text',
  always,
  async ({ factory }) => {
    for (const entry of ['kind', 'describe'] as const) {
      const text: unknown = factory[entry];
      assert.ok(
        typeof text === 'string' && text.trim() !== '',
        `${entry} must be a text, not ${String(text)}`,
      );
      assert.ok(!/[\n\r]/.test(text), `${entry} must be one line: ${JSON.stringify(text)}`);
    }
  },
);

export const makesTasks = rule('makes two tasks or more, without a problem', always, async (bench) => {
  const { tasks, problems } = await bench.use();
  assert.deepEqual(
    problems.map(({ message }) => message),
    [],
    'its valid input has problems',
  );
  assert.ok(tasks.length >= 2, `it made ${tasks.length} tasks: the input of the kit needs two or more`);
});

// ── Tasks ──

export const placesTasks = rule(
  'yields tasks with their places, with valid metadata',
  always,
  async (bench) => {
    for (const placed of (await bench.use()).tasks) {
      const isPlaced = typeof placed === 'object' && placed !== null && Array.isArray(placed.under);
      assert.ok(isPlaced, 'it yielded something that place(under, task) has not made');
      assert.ok(
        placed.under.every((part) => typeof part === 'string'),
        'a part of a call path is not text',
      );
      const [problem] = checkMeta(definition(placed).meta, pathOf(placed));
      assert.equal(problem, undefined, `${pathOf(placed)}: ${problem?.message}`);
    }
  },
);

export const namesTasks = rule('gives each task a name and a call path of its own', always, async (bench) => {
  const seen = new Set<string>();
  for (const placed of (await bench.use()).tasks) {
    const path = pathOf(placed);
    assert.ok(definition(placed).meta.name, `a task below "${placed.under.join('/')}" has no name`);
    assert.ok(!seen.has(path), `two tasks have the call path ${path}`);
    seen.add(path);
  }
});

export const locatesTasks = rule('says in which file each task is', readsFiles, async (bench) => {
  for (const placed of (await bench.use()).tasks) {
    const { location, site } = definition(placed);
    const found = location ?? locationOf(site);
    assert.ok(found !== undefined, `${pathOf(placed)} has no location`);
    checkLocation(found, pathOf(placed));
  }
});

export const hasBodiesForWorkers = rule(
  'makes bodies that other processes find',
  ({ closures }) => !closures,
  async (bench) => {
    for (const placed of (await bench.use()).tasks) {
      const { body } = definition(placed);
      const path = pathOf(placed);
      if (typeof body === 'function')
        assert.ok(
          addressOf(definition(placed)),
          `${path}: its body has no address: use a maker, or a module`,
        );
      else
        for (const entry of ['file', 'cwd'] as const)
          assert.ok(
            isAbsolute(body[entry]),
            `${path}: ${entry} must be an absolute path, not ${body[entry]}`,
          );
    }
  },
);

// ── Nesting ──

export const nests = rule('puts its tasks below the path of the context', always, async (bench) => {
  const plain = (await bench.use()).tasks;
  const under = ['a', 'b/c', 'ü \\ x'];
  const nested = (await bench.use({ under })).tasks;
  assert.deepEqual(
    nested.map((placed) => placed.under),
    plain.map((placed) => [...under, ...placed.under]),
    'the places of its tasks do not begin with those of the context',
  );
});

export const leavesContext = rule(
  'leaves the context as it is, and needs no more of it than the root',
  always,
  async (bench) => {
    const context = Object.freeze({ root: bench.folder.root, under: Object.freeze(['a']) });
    const { problems } = await rest(bench.factory.make(context));
    assert.deepEqual(problems, []);
  },
);

export const readsFromRoot = rule(
  'reads its input at the root, wherever that is',
  readsFiles,
  async (bench) => {
    const other = new InputFolder();
    try {
      other.write(bench.given.files);
      const here = (await bench.use()).tasks;
      const { tasks } = await use(bench.factory, { root: other.root });
      assert.deepEqual(tasks.map(pathOf), here.map(pathOf), 'it made other tasks at another root');
      for (const placed of tasks) {
        const { location, body } = definition(placed);
        const files = [location?.file, typeof body === 'function' ? undefined : body.cwd];
        for (const file of files)
          assert.ok(
            !file?.startsWith(bench.folder.root),
            `${pathOf(placed)} is still at the other root: ${file}`,
          );
      }
    } finally {
      other.remove();
    }
  },
);

// ── Again ──

export const repeats = rule('makes the same tasks in the same order each time', always, async (bench) => {
  const first = (await bench.use()).tasks.map(textOf);
  assert.deepEqual((await bench.use()).tasks.map(textOf), first, 'its second use made other tasks');
});

export const overlaps = rule('may be used twice at the same time', always, async (bench) => {
  const alone = (await bench.use()).tasks.map(textOf);
  const [one, two] = [bench.begin(), bench.begin()];
  const made: [PlacedTask[], PlacedTask[]] = [[], []];
  for (let isOpen = true; isOpen; ) {
    const steps = [await one.next(), await two.next()];
    for (const [at, { done, value }] of steps.entries())
      if (done !== true) made[at as 0 | 1].push(value as PlacedTask);
    isOpen = steps.some(({ done }) => done !== true);
  }
  for (const tasks of made) assert.deepEqual(tasks.map(textOf), alone, 'two uses disturb each other');
});

export const ignoresOrderOfDisk = rule(
  'makes them in the same order, in whatever order the files were written',
  readsFiles,
  async (bench) => {
    const first = (await bench.use()).tasks.map(pathOf);
    bench.folder.empty();
    bench.folder.write(Object.fromEntries(Object.entries(bench.given.files).reverse()));
    assert.deepEqual((await bench.use()).tasks.map(pathOf), first);
  },
);

export const seesNewFiles = rule(
  'sees files that have appeared since its last use, and that have gone',
  hasMore,
  async (bench) => {
    const before = (await bench.use()).tasks.map(pathOf);
    const { more = {} } = bench.given;
    bench.folder.write(more);
    const between = (await bench.use()).tasks.map(pathOf);
    assert.ok(between.length > before.length, 'it does not see the files that were added');
    assert.deepEqual(
      between.filter((path) => before.includes(path)),
      before,
      'the other tasks are not the same',
    );
    bench.folder.write(Object.fromEntries(Object.keys(more).map((name) => [name, null])));
    assert.deepEqual(
      (await bench.use()).tasks.map(pathOf),
      before,
      'it still makes tasks of files that are gone',
    );
  },
);

// ── Ends in the middle ──

export const mayBeLeft = rule('may be left after its first task, and used again', always, async (bench) => {
  const whole = (await bench.use()).tasks.map(textOf);
  const left = await handlesLeftBy(async () => {
    for await (const _ of bench.factory.make({ root: bench.folder.root })) break;
  });
  assert.deepEqual(left, [], 'it leaves something open');
  assert.deepEqual((await bench.use()).tasks.map(textOf), whole, 'its next use is not whole');
});

export const standsVanishing = rule(
  'ends with tasks or problems where its input vanishes meanwhile',
  readsFiles,
  async (bench) => {
    const made = bench.begin();
    await made.next();
    bench.folder.empty();
    checkEnd(await rest(made));
  },
);

// ── Mistakes ──

export const reportsMistakes = rule(
  'reports each mistake with its code, its place and a next step',
  hasBroken,
  async (bench) => {
    for (const { name, files, at } of bench.given.broken) {
      bench.folder.empty();
      bench.folder.write({ ...bench.given.files, ...files });
      const { problems } = await bench.use();
      for (const problem of problems) checkProblem(problem, bench, name);
      const placed = problems.map(({ location }) => location && { file: location.file, line: location.line });
      for (const { file, line } of at) {
        const path = join(bench.folder.root, file);
        const isThere = placed.some(
          (each) => each?.file === path && (line === undefined || each.line === line),
        );
        const found = problems.map(
          ({ message, location }) => `${location?.file}:${location?.line} ${message}`,
        );
        assert.ok(
          isThere,
          `${name}: no problem at ${file}${line === undefined ? '' : `:${line}`}, but: ${found.join('; ') || 'none'}`,
        );
      }
    }
  },
);

export const reportsAllTogether = rule(
  'reports the mistakes of all its files in one error',
  ({ broken }) => broken.length > 1,
  async (bench) => {
    const apart = bench.given.broken;
    const names = apart.flatMap(({ files }) => Object.keys(files));
    if (new Set(names).size < names.length) return; // they are alternatives for one file
    bench.folder.write(Object.assign({}, ...apart.map(({ files }) => files)));
    const { problems } = await bench.use();
    for (const { name, at } of apart)
      for (const { file } of at)
        assert.ok(
          problems.some(({ location }) => location?.file === join(bench.folder.root, file)),
          `${name}: its problem at ${file} is missing among those of other files`,
        );
  },
);

export const standsOddFiles = rule(
  'ends with tasks or problems where a file is something else, or cannot be read',
  readsFiles,
  async (bench) => {
    for (const by of ['broken link', 'link to itself', 'directory', 'unreadable'] as const)
      for (const name of bench.names) {
        bench.folder.empty();
        bench.folder.write(bench.given.files);
        bench.folder.replace(name, by);
        checkEnd(await bench.use());
      }
  },
);

export const standsNothing = rule(
  'ends with tasks or problems where there is no input',
  readsFiles,
  async (bench) => {
    bench.folder.empty();
    checkEnd(await bench.use());
    bench.folder.remove();
    checkEnd(await bench.use());
  },
);

// ── Helpers ──

function checkEnd({ tasks, problems }: Omit<MadeTasks, 'warnings'>): void {
  for (const placed of tasks) definition(placed);
  for (const { message } of problems) assert.ok(message !== '', 'a problem has no message');
}

function checkProblem({ code, message, location, hint }: Problem, { given }: Workbench, name: string): void {
  const of = `${name}: the problem "${message}"`;
  assert.match(code, /^[A-Z][A-Z\d]*(?:_[A-Z\d]+)+$/, `${of} has the code ${code}`);
  if (given.prefix === undefined)
    assert.ok(!code.startsWith('PEXEN_'), `${of} has the code ${code}: PEXEN_ is for pexen's own`);
  else assert.ok(code.startsWith(`${given.prefix}_`), `${of} has the code ${code}, not ${given.prefix}_…`);
  assert.ok(message !== '' && !/[\n\r]/.test(message), `${of} is not one line`);
  assert.ok(location !== undefined, `${of} has no location`);
  assert.ok(hint !== undefined || location.line !== undefined, `${of} has neither a line nor a hint`);
  checkLocation(location, of);
}

/** The file may be gone: that can be the problem. */
function checkLocation({ file, line, column }: SourceLocation, of: string): void {
  const path = file.startsWith('file:') ? fileURLToPath(file) : file;
  assert.ok(isAbsolute(path), `${of}: the file of its location must be an absolute path, not ${file}`);
  for (const [name, number] of Object.entries({ line, column }))
    assert.ok(
      number === undefined || (Number.isInteger(number) && number >= 1),
      `${of}: its ${name} is ${number}, and the first is 1`,
    );
  if (line === undefined || !existsSync(path) || !statSync(path).isFile()) return;
  const lines = readFileSync(path, 'utf8').split('\n').length;
  assert.ok(line <= lines, `${of}: line ${line} is behind the end of ${path}`);
}
