/** Parses the argument of `--shard`. */
import { misuse } from '@pexen/core';
import type { ShardChoice } from '@pexen/usecase-testsuite';
import { InvalidArgumentError } from 'commander';

/** The options about one part of a suite. */
export interface ShardOptions {
  readonly shard?: Pick<ShardChoice, 'index' | 'count'>;
  readonly weights?: string;
}

/** A bound for mistyped numbers: planning costs a little for each shard. */
const mostShards = 10_000;

/** `2/3`: the second of three. */
export function parseShard(text: string): Pick<ShardChoice, 'index' | 'count'> {
  const [, index = 0, count = 0] = (/^(\d{1,5})\/(\d{1,5})$/.exec(text) ?? []).map(Number);
  if (index >= 1 && index <= count && count <= mostShards) return { index, count };
  throw new InvalidArgumentError(`"${text}" is not a shard: write 2/3 for the second of three.`);
}

/** The shard that the options choose; undefined where they choose none. @throws PexenError PEXEN_BAD_OPTION */
export function shardOf({ shard, weights }: ShardOptions): ShardChoice | undefined {
  if (shard !== undefined) return { ...shard, ...(weights !== undefined && { weights }) };
  if (weights === undefined) return undefined;
  throw misuse(
    'PEXEN_BAD_OPTION',
    '--weights divides the suite into shards, and there is no --shard',
    'Add --shard 1/2.',
  );
}
