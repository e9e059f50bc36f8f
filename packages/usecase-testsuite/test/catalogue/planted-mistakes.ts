/** Mistakes in the choice of providers, which the comparison with the one that tries everything must find. */

/** A text that occurs once in the source, and what is there instead. */
export interface PlantedMistake {
  readonly what: string;
  readonly file: 'choose.ts' | 'present-tasks.ts' | 'task-data.ts';
  readonly find: string;
  readonly replace: string;
}

export const plantedMistakes: readonly PlantedMistake[] = [
  {
    what: 'a lower preference wins',
    file: 'choose.ts',
    find: 'b.preference - a.preference',
    replace: 'a.preference - b.preference',
  },
  {
    what: 'being pulled in already does not count',
    file: 'choose.ts',
    find: 'Number(b.isPulledIn) - Number(a.isPulledIn) ||',
    replace: '',
  },
  {
    what: 'the number of needs does not count',
    file: 'choose.ts',
    find: 'a.openNeeds - b.openNeeds ||',
    replace: '',
  },
  {
    what: 'being kept does not count',
    file: 'choose.ts',
    find: 'Number(b.isKept) - Number(a.isKept) ||',
    replace: '',
  },
  {
    what: 'a candidate does not bring its teardowns',
    file: 'choose.ts',
    find: 'bundle.add(teardown);',
    replace: ';',
  },
  {
    what: 'teardowns that do not apply are brought',
    file: 'choose.ts',
    find: 'if (this.#isApplicable(task))\n      for',
    replace: 'for',
  },
  {
    what: 'a need that was undone counts as met',
    file: 'choose.ts',
    find: 'if (open.likeness !== undefined) this.#met.delete(open.likeness);',
    replace: '',
  },
  {
    what: 'who requires what cannot be met has no part in it',
    file: 'choose.ts',
    find: '[...new Set([...requirers, ...refused.flatMap(({ others }) => others)])]',
    replace: '[...new Set(refused.flatMap(({ others }) => others))]',
  },
  {
    what: 'those that make a candidate impossible have no part in it',
    file: 'choose.ts',
    find: '[...new Set([...requirers, ...refused.flatMap(({ others }) => others)])]',
    replace: 'requirers',
  },
  {
    what: 'what followed from a need that failed is not forgotten',
    file: 'choose.ts',
    find: 'this.#conflicts.get(member)?.delete(conflict);',
    replace: '{}',
  },
  {
    what: 'decisions that a failed need has changed stay',
    file: 'choose.ts',
    find: 'if (length < this.#frontier.length) this.#frontier.isCutBelow = true;',
    replace: '',
  },
  {
    what: 'needs that only one candidate can meet do not come first',
    file: 'choose.ts',
    find: 'const forced = new Set(needs.filter(isForced));',
    replace: 'const forced = new Set(needs.filter(() => false && isForced));',
  },
  {
    what: 'a task meets its own requirement',
    file: 'choose.ts',
    find: 'if (provider !== task) found.add(provider);',
    replace: 'found.add(provider);',
  },
  {
    what: 'a candidate is taken for its own need',
    file: 'choose.ts',
    find: 'offered.filter((task) => task !== own && !picked.includes(task))',
    replace: 'offered.filter((task) => !picked.includes(task))',
  },
  {
    what: 'one candidate counts twice',
    file: 'choose.ts',
    find: 'offered.filter((task) => task !== own && !picked.includes(task))',
    replace: 'offered.filter((task) => task !== own)',
  },
  {
    what: 'what the suite provides is not counted',
    file: 'choose.ts',
    find: 'const count = all - this.#countProviders(capabilities, task, this.#first);',
    replace: 'const count = all;',
  },
  {
    what: 'one candidate is enough for several',
    file: 'choose.ts',
    find: 'if (picked.length < open.need.count) rest',
    replace: 'if (picked.length < 0) rest',
  },
  {
    what: 'conflicts among a candidate and its teardowns are not seen',
    file: 'choose.ts',
    find: 'this.#present.has(task) || bundle.includes(task);',
    replace: 'this.#present.has(task) || bundle[0] === task;',
  },
  {
    what: 'cycles are not looked for',
    file: 'choose.ts',
    find: 'const cycle = this.#present.cycleThrough(task);',
    replace: 'const cycle = undefined as ReturnType<PresentTasks["cycleThrough"]>;',
  },
  {
    what: 'the needs of teardowns are not met',
    file: 'choose.ts',
    find: 'added.flatMap((task) => this.#needsOf(task))',
    replace: 'added.slice(0, 1).flatMap((task) => this.#needsOf(task))',
  },
  {
    what: 'a need that the task could meet itself is like others',
    file: 'choose.ts',
    find: 'const likeness = isOwn ? undefined :',
    replace: 'const likeness = isOwn && false ? undefined :',
  },
  {
    what: 'needs of a candidate come after those of the suite',
    file: 'choose.ts',
    find: 'this.#agenda = rest;\n  }\n\n  /** Adds the candidate',
    replace:
      'this.#agenda = rest; let last = rest; const list = []; for (; last !== undefined; last = last.rest) list.push(last.next); list.sort((a, b) => Number(a.root < 0) - Number(b.root < 0)); let sorted: Agenda | undefined; for (const next of list.toReversed()) sorted = { next, rest: sorted }; this.#agenda = sorted;\n  }\n\n  /** Adds the candidate',
  },
  {
    what: 'groups do not wait',
    file: 'present-tasks.ts',
    find: 'if (group !== undefined) yield [group, node];',
    replace: '',
  },
  {
    what: 'no cycle is looked for through the group of a candidate',
    file: 'present-tasks.ts',
    find: 'return own ?? (group === undefined ? undefined : this.#search(group));',
    replace: 'return own ?? (group === undefined ? undefined : undefined);',
  },
  {
    what: '`before` has no effect',
    file: 'present-tasks.ts',
    find: 'for (const capability of distinct(before)) visit(this.#precursors, capability);',
    replace: '',
  },
  {
    what: '`after`, `salvages` and `tearsDown` have no effect',
    file: 'present-tasks.ts',
    find: '...after, ...salvages, ...tearsDown]',
    replace: ']',
  },
  {
    what: 'a teardown does not wait for those that require what it tears down',
    file: 'present-tasks.ts',
    find: 'if (!this.#taskOf(other).tearsDown.includes(name)) yield [other, node];',
    replace: ';',
  },
  {
    what: 'names of a task itself are left out from then on',
    file: 'present-tasks.ts',
    find: 'if (names === this.#providers && !isAmong) {',
    replace: 'if (names === this.#providers) {',
  },
  {
    what: 'tasks that make a group wait have no part in the cycle',
    file: 'present-tasks.ts',
    find: 'if (this.#taskOf(next).group !== node) yield [next, member];',
    replace: 'if (this.#taskOf(next).group !== node) yield [next, next];',
  },
  {
    what: '`every` is any',
    file: 'task-data.ts',
    find: 'return capabilities.map((capability) => ({ capabilities: [capability], count: 1 }));',
    replace: 'return [{ capabilities, count: 1 }];',
  },
];
