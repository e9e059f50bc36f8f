/**
 * Checks of what comes from the network. A node with a key of its own may send anything under its name, so nothing is used before it has the form
 * that messages.ts promises. More than that is allowed: a later version may add to it.
 */
import { isRecord } from '@pexen/core/options';
import { isRemoteReport } from '@pexen/pool-process/remote';
import { isInside, mostPieces } from './protocol/bundle.ts';
import {
  type FromNode,
  type Hello,
  mostFormer,
  type NodeOrder,
  type NodeReport,
  type Question,
  type Refusal,
  type ToNode,
} from './protocol/messages.ts';
import { tokenPattern } from './subjects.ts';

type Fields = Readonly<Record<string, unknown>>;

/** For each kind of a union, the check of its fields: a kind that is missing here does not compile. */
type Checks<Kind extends string> = Readonly<Record<Kind, (fields: Fields) => boolean>>;

/** No machine has more. */
const mostSlots = 4_096;
const mostProperties = 1_000;

/** True for the part of a greeting that every version has. */
export function isGreeting(value: unknown): value is Pick<Hello, 'version' | 'format' | 'name' | 'node'> {
  if (!isRecord(value)) return false;
  const { version, format, name, node } = value;
  return isCount(version) && isCount(format) && isToken(name) && isToken(node);
}

/** True for a greeting of this version. */
export function isHello(value: unknown): value is Hello {
  if (!isGreeting(value)) return false;
  const {
    slots,
    state,
    stampMs,
    bootMark,
    properties,
    answers,
    works,
    former = [],
  } = value as Partial<Hello>;
  return (
    isCount(slots) &&
    slots >= 1 &&
    slots <= mostSlots &&
    (state === 'free' || state === 'busy' || state === 'draining') &&
    isTime(stampMs) &&
    (works === undefined || (isRecord(works) && typeof works.run === 'string' && isCount(works.epoch))) &&
    typeof bootMark === 'string' &&
    areTexts(former) &&
    former.length <= mostFormer &&
    areProperties(properties) &&
    (answers === undefined || typeof answers === 'string')
  );
}

/** True for a question of a scheduler. */
export function isQuestion(value: unknown): value is Question {
  return isRecord(value) && typeof value.id === 'string' && typeof value.probe === 'boolean';
}

/** True for a packet of a node. */
export function isFromNode(value: unknown): value is FromNode {
  return isOf(value, 'kind', fromNode) && typeof value.session === 'string';
}

/** True for a packet of a scheduler. */
export function isToNode(value: unknown): value is ToNode {
  return isOf(value, 'kind', toNode) && typeof value.session === 'string';
}

/** True for a message of a node. */
export function isNodeReport(value: unknown): value is NodeReport {
  return isOf(value, 'is', reports);
}

/** True for a message to a node. What an attempt is to do is checked where it is done. */
export function isNodeOrder(value: unknown): value is NodeOrder {
  return isOf(value, 'do', orders);
}

const fromNode: Checks<FromNode['kind']> = {
  frames: (packet) => areFrames(packet) && (packet.stampMs === undefined || isTime(packet.stampMs)),
  refused: ({ reason, epoch }) => refusals.has(reason) && (epoch === undefined || isCount(epoch)),
};

const refusals: ReadonlySet<unknown> = new Set<Refusal>(['busy', 'draining', 'fenced', 'unknown']);

const toNode: Checks<ToNode['kind']> = {
  join: ({ host, run, epoch, number, stampMs, timing }) =>
    isToken(host) &&
    typeof run === 'string' &&
    isCount(epoch) &&
    isCount(number) &&
    isTime(stampMs) &&
    isTiming(timing),
  frames: (packet) => areFrames(packet) && (packet.echoMs === undefined || isTime(packet.echoMs)),
  leave: () => true,
};

const reports: Checks<NodeReport['is']> = {
  reported: ({ link, report }) => isCount(link) && isRemoteReport(report),
  returned: ({ link, id }) => isCount(link) && isCount(id),
  released: ({ link }) => isCount(link),
  left: ({ attempts }) => Array.isArray(attempts) && attempts.every(isLeft),
  changed: ({ properties }) => areProperties(properties),
  wants: ({ pieces }) => Array.isArray(pieces) && pieces.length <= mostPieces && pieces.every(isPiece),
  unpacked: ({ failure }) => failure === undefined || typeof failure === 'string',
  'other-code': ({ files }) => areTexts(files),
  unfit: ({ failure }) => typeof failure === 'string',
  draining: () => true,
  over: ({ reason }) => typeof reason === 'string',
};

const orders: Checks<NodeOrder['do']> = {
  open: ({ link, slot, recordsModules, sendsOutput = false }) =>
    isCount(link) &&
    isCount(slot) &&
    slot <= mostSlots &&
    typeof recordsModules === 'boolean' &&
    typeof sendsOutput === 'boolean',
  bundle: ({ link, manifest }) => isCount(link) && isManifest(manifest),
  piece: (order) =>
    isCount(order.link) && isPiece(order) && (order.bytes === undefined || order.bytes instanceof Uint8Array),
  code: ({ link, code }) => isCount(link) && isCode(code),
  run: ({ link, attempt, code }) =>
    isCount(link) && isAttempt(attempt) && (code === undefined || typeof code === 'string'),
  abort: ({ link, id, reason }) => isCount(link) && isCount(id) && isRecord(reason),
  credit: ({ link, id }) => isCount(link) && isCount(id),
  reclaim: ({ link }) => isCount(link),
  adopt: ({ link, kept }) => isCount(link) && isCount(kept),
  settle: ({ attempts }) => Array.isArray(attempts) && attempts.every(isLinkAndNumber),
  release: ({ link, how }) => isCount(link) && (how === 'drain' || how === 'kill'),
};

function isOf<Key extends string>(value: unknown, key: Key, checks: Checks<string>): value is Fields {
  if (!isRecord(value)) return false;
  const kind = value[key];
  return typeof kind === 'string' && Object.hasOwn(checks, kind) && checks[kind]?.(value) === true;
}

function areFrames({ heardUpTo, frames }: Fields): boolean {
  return isCount(heardUpTo) && Array.isArray(frames) && frames.every(isFrame);
}

function isFrame(value: unknown): boolean {
  return isRecord(value) && isCount(value.number) && isCount(value.size) && isRecord(value.piece);
}

function isLeft(value: unknown): boolean {
  if (!isRecord(value)) return false;
  const { session, path, attempt, part, state, kept, id, slot, runningMs = 0 } = value;
  return (
    [session, attempt, kept, id].every(isCount) &&
    typeof path === 'string' &&
    (part === 'body' || part === 'cleanup') &&
    (state === 'running' || state === 'ended' || state === 'unstarted') &&
    (slot === undefined || (isCount(slot) && slot <= mostSlots)) &&
    Number.isFinite(runningMs)
  );
}

function isLinkAndNumber(value: unknown): boolean {
  return Array.isArray(value) && value.length === 2 && value.every(isCount);
}

function isAttempt(value: unknown): boolean {
  if (!isRecord(value) || !isRecord(value.work)) return false;
  const { id, work, graceMs, isHasty } = value;
  const isWork =
    (work.kind === 'body' && isRecord(work.envelope) && typeof work.envelope.path === 'string') ||
    (work.kind === 'program' && isRecord(work.program) && typeof work.path === 'string');
  return isCount(id) && isTime(graceMs) && typeof isHasty === 'boolean' && isWork;
}

function isPiece(value: unknown): boolean {
  return isRecord(value) && typeof value.hash === 'string' && isCount(value.at);
}

/** Files are written under the names that it has: they must stay in its folder. */
function isManifest(value: unknown): boolean {
  if (!isRecord(value) || typeof value.root !== 'string' || !isHash(value.digest)) return false;
  const { files, install } = value;
  if (!Array.isArray(files) || (install !== undefined && typeof install !== 'string')) return false;
  return files.every(
    (file) =>
      isRecord(file) &&
      typeof file.name === 'string' &&
      isInside(file.name) &&
      isCount(file.size) &&
      isHash(file.hash) &&
      typeof file.isExecutable === 'boolean',
  );
}

function isHash(value: unknown): boolean {
  return typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);
}

function isCode(value: unknown): boolean {
  if (!isRecord(value) || typeof value.root !== 'string' || typeof value.digest !== 'string') return false;
  return Array.isArray(value.files) && value.files.every((file) => areTexts(file) && file.length === 2);
}

function areTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string');
}

function isTiming(value: unknown): boolean {
  if (!isRecord(value)) return false;
  return [value.heartbeatMs, value.leaseMs, value.endingMs].every((ms) => isTime(ms) && ms > 0);
}

function areProperties(value: unknown): boolean {
  if (!isRecord(value) || Array.isArray(value)) return false;
  const all = Object.values(value);
  return all.length <= mostProperties && all.every((each) => kindsOfProperties.has(typeof each));
}

const kindsOfProperties: ReadonlySet<string> = new Set(['string', 'number', 'boolean']);

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isToken(value: unknown): value is string {
  return typeof value === 'string' && tokenPattern.test(value);
}
