/**
 * What tests are to each other: their order, and the fixtures that they set up, require and clean up. Knows nothing of programs.
 *
 * Order is as CTest computes it: DEPENDS, and a cleanup after all tests that require its fixture or set it up. Besides, a cleanup tears down the mark that
 * exactly these tests provide: so it is selected with any of them, and also runs when a run is cancelled.
 */
import { type CallPath, every, type Requirement, type TaskMeta } from '@pexen/core';
import type { ListedTest } from './list-tests.ts';

type Relations = Pick<TaskMeta, 'requires' | 'after' | 'provides' | 'tearsDown'>;

/** The relations among the tests of one build, whose call paths begin with `under`. */
export class TestRelations {
  readonly #under: CallPath;
  /** Tests that run: one that is disabled has no relations. */
  readonly #names: ReadonlySet<string>;
  /** Tests after which others run. */
  readonly #awaited: ReadonlySet<string>;
  readonly #setUp: ReadonlySet<string>;
  readonly #required: ReadonlySet<string>;
  readonly #cleanedUp: ReadonlySet<string>;

  constructor(tests: readonly ListedTest[], under: CallPath) {
    const enabled = tests.filter(({ properties }) => properties.DISABLED !== true);
    const all = (name: 'FIXTURES_SETUP' | 'FIXTURES_REQUIRED' | 'FIXTURES_CLEANUP' | 'DEPENDS') =>
      new Set(enabled.flatMap(({ properties }) => properties[name]));
    this.#under = under;
    this.#names = new Set(enabled.map(({ name }) => name));
    this.#awaited = all('DEPENDS');
    this.#setUp = all('FIXTURES_SETUP');
    this.#required = all('FIXTURES_REQUIRED');
    this.#cleanedUp = all('FIXTURES_CLEANUP');
  }

  /** `isFirst`: of several tests with the same name, only the first is meant by others. */
  of({ name, properties }: ListedTest, isFirst: boolean): Relations {
    const { DISABLED, DEPENDS, FIXTURES_SETUP, FIXTURES_REQUIRED, FIXTURES_CLEANUP } = properties;
    if (DISABLED === true) return {};
    const used = [...new Set([...FIXTURES_SETUP, ...FIXTURES_REQUIRED])];
    return withoutEmpty({
      requires: FIXTURES_REQUIRED.filter((fixture) => this.#setUp.has(fixture)).map(
        (fixture): Requirement => every(this.#named('fixture', fixture)),
      ),
      after: [...new Set(DEPENDS)]
        .filter((other) => other !== name && this.#names.has(other))
        .map((other) => this.#named('test', other)),
      provides: [
        ...(isFirst && this.#awaited.has(name) ? [this.#named('test', name)] : []),
        ...FIXTURES_SETUP.filter((fixture) => this.#required.has(fixture)).map((fixture) =>
          this.#named('fixture', fixture),
        ),
        ...used
          .filter((fixture) => this.#cleanedUp.has(fixture))
          .map((fixture) => this.#named('users', fixture)),
      ],
      tearsDown: FIXTURES_CLEANUP.filter(
        (fixture) => this.#setUp.has(fixture) || this.#required.has(fixture),
      ).map((fixture) => this.#named('users', fixture)),
    });
  }

  /** Do others run after it? Then what it leaves running may be for them. */
  isAwaited({ name, properties }: ListedTest): boolean {
    return this.#awaited.has(name) || properties.FIXTURES_SETUP.length > 0;
  }

  #named(kind: 'test' | 'fixture' | 'users', name: string): string {
    const what = kind === 'users' ? `users of fixture/${name}` : `${kind}/${name}`;
    return [...this.#under, what].join('/');
  }
}

function withoutEmpty(lists: { readonly [Name in keyof Relations]: readonly unknown[] }): Relations {
  return Object.fromEntries(Object.entries(lists).filter(([, list]) => list.length > 0));
}
