/** The facts about the environment that a suite has: the standard ones, and its own, which may take time. */
import { definitionOf, type Facts, type GivenFacts, messageOf, type PlacedTask } from '@pexen/core';
import { systemClock } from '@pexen/core/timers';
import { LazyFacts, systemFacts } from '@pexen/factory';
import { type LoadedConfig, ofConfiguration } from './config/config.ts';

/** How long a fact of the configuration may take, ms, unless the configuration says otherwise. */
const defaultTimeoutMs = 10_000;

/**
 * The facts of the suite. Its own take precedence; functions among them are called only for tasks that ask for them.
 * @throws PexenError PEXEN_CONFIG_FAILED where the configured function throws.
 */
export async function factsOf({ config, file, root }: LoadedConfig): Promise<LazyFacts> {
  const { facts, factsTimeout: timeoutMs = defaultTimeoutMs } = config;
  const own: GivenFacts | undefined =
    typeof facts === 'function' ? await ofConfiguration(async () => facts(), file) : facts;
  return new LazyFacts(systemFacts({ root }), own ?? {}, { timeoutMs, clock: systemClock });
}

/** Resolves when all facts are known that the `when` of these tasks ask for, which is asked at once later. */
export async function settleConditions(facts: LazyFacts, tasks: readonly PlacedTask[]): Promise<void> {
  if (!facts.hasSlow) return;
  const conditions = tasks.map(({ task }) => definitionOf(task).meta.when);
  await facts.settleFor((known) => {
    for (const when of conditions) if (typeof when === 'function') tryOut(when, known);
  });
}

/** What it throws is thrown again when the run asks. */
function tryOut(when: (facts: Facts) => unknown, facts: Facts): void {
  try {
    when(facts);
  } catch {
    // Also because a fact is not known yet.
  }
}

/** A fact, or why it is not known. */
export type KnownFact = { readonly value: unknown } | { readonly problem: string };

/**
 * All facts of the suite by name, those of the configuration included, which takes as long as the slowest of them. Without the functions and
 * without `env`, which may hold secrets.
 * @throws PexenError PEXEN_CONFIG_FAILED where the configured function throws.
 */
export async function knownFacts(loaded: LoadedConfig): Promise<ReadonlyMap<string, KnownFact>> {
  const lazy = await factsOf(loaded);
  const names = Object.keys(lazy.facts).filter((name) => name !== 'env');
  const read = (name: string): KnownFact => {
    try {
      return { value: lazy.facts[name] };
    } catch (error) {
      return { problem: messageOf(error) };
    }
  };
  await lazy.settleFor(() => names.forEach(read));
  const known = names.map((name) => [name, read(name)] as const);
  return new Map(known.filter(([, fact]) => !('value' in fact && typeof fact.value === 'function')));
}
