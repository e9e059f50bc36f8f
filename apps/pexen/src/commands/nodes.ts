/** `pexen nodes`: the nodes of a pool, what they are and have, and what each lacks for a condition. Runs no task. */
import { styleText } from 'node:util';
import { misuse, type NodeProperties, type PexenError } from '@pexen/core';
import { loadNodeQueries, type NodeQuery } from '@pexen/factory';
import { printable } from '@pexen/report';
import { type ExitCode, exitCodes } from '@pexen/usecase-testsuite';
import type { Output } from '../print-problems.ts';
import { type NodeOptions, poolNats, settingsOf } from './node.ts';

/** The options of `pexen nodes`. */
export interface NodesOptions
  extends Pick<
    NodeOptions,
    | ('servers' | 'pool' | 'nkey' | 'creds' | 'token' | 'user' | 'password')
    | ('tlsCa' | 'tlsCert' | 'tlsKey' | 'insecure')
  > {
  readonly on?: string;
  readonly probe?: boolean;
  readonly json?: boolean;
}

/** A node, and what it lacks: a list where there is a condition, empty if it matches. */
interface Row {
  readonly name: string;
  readonly state: string;
  readonly slots: number;
  readonly properties: NodeProperties;
  readonly lacks?: readonly string[];
}

/** Prints the nodes. Exit code 3 where none matches. */
export async function nodes(options: NodesOptions, output: Output): Promise<ExitCode> {
  const { on, probe = false, json = false, ...node } = options;
  const query = on === undefined ? undefined : await queryOf(on);
  const { findNodes } = await poolNats('pexen nodes');
  const settings = settingsOf(node);
  const found: readonly Row[] = await findNodes({ ...settings, probe });
  const names = [...new Set(found.flatMap(({ properties }) => Object.keys(properties)))];
  const unknown = found.length === 0 ? undefined : query?.unknownName(names);
  if (unknown !== undefined) throw badQuery(unknown);
  const rows = found.map((row) =>
    query === undefined ? row : { ...row, lacks: query.lacks(row.properties) },
  );
  if (json) output.write(`${JSON.stringify({ nodes: rows }, undefined, 2)}\n`);
  else for (const line of linesOf(rows, settings.pool ?? 'default', output)) output.write(`${line}\n`);
  return rows.some(({ lacks = [] }) => lacks.length === 0) ? exitCodes.ok : exitCodes.infrastructure;
}

async function queryOf(text: string): Promise<NodeQuery> {
  const read = (await loadNodeQueries())(text);
  if ('fault' in read) throw badQuery(read.fault);
  return read.query;
}

function badQuery({ message, hint, at }: { message: string; hint?: string; at: number }): PexenError {
  return misuse('PEXEN_BAD_OPTION', `--on ${message}, at its character ${at + 1}`, hint ?? onHint);
}

const onHint = "Write --on 'arch=arm64 && has=kvm'.";

function linesOf(rows: readonly Row[], pool: string, output: Output): string[] {
  if (rows.length === 0) return [`no node of the pool "${pool}" answers`];
  const width = Math.max(...rows.map(({ name }) => name.length));
  const dim = (text: string): string => styleText('dim', text, { stream: output as NodeJS.WriteStream });
  return rows.flatMap(({ name, state, slots, properties, lacks }) => {
    const fit = lacks === undefined ? [] : [lacks.length === 0 ? 'matches' : `lacks ${lacks.join('; ')}`];
    const head = [name.padEnd(width), state, `${slots} ${slots === 1 ? 'slot' : 'slots'}`, ...fit];
    return [
      printable(head.join('  ')),
      ...(lacks === undefined ? [dim(`  ${propertiesLine(properties)}`)] : []),
    ];
  });
}

/** As conditions without quotes name them: `arch=x64 has=kvm`. */
function propertiesLine(properties: NodeProperties): string {
  const words = Object.entries(properties).flatMap(([name, value]) => {
    if (!name.startsWith('has.')) return [`${name}=${value}`];
    return value === true ? [`has=${name.slice('has.'.length)}`] : [];
  });
  return printable(words.join(' '));
}
