/**
 * The language between a scheduler and a node, as closed unions. Packets are what the network carries: they may be lost, late, doubled and out of
 * order. Messages travel in the frames of packets, and arrive once and in order (channel.ts).
 */
import type { CodeFiles, Digest, LeftAttempt, NodeProperties } from '@pexen/core';
import type { ThrownWire } from '@pexen/pool-kit';
import type { RemoteAttempt, RemoteReport } from '@pexen/pool-process/remote';
import type { BundleManifest, PieceRequest } from './bundle.ts';

/** Grows with every change of packets or messages. */
export const protocolVersion = 7;

/** How long things may take, ms. The scheduler sets it for all its nodes. */
export interface Timing {
  /** A node sends a sign of life so often. */
  readonly heartbeatMs: number;
  /** A node runs attempts for so long after the last sign of life that the scheduler has answered. */
  readonly leaseMs: number;
  /** A node has so long to end what runs once its lease is over. */
  readonly endingMs: number;
}

/** After so long without a sign of life, nothing further is sent to a node. */
export function awayAfter({ heartbeatMs }: Timing): number {
  return heartbeatMs * 3;
}

/** A node that is alive sends a sign of life within this time. */
export function silentAfter({ heartbeatMs }: Timing): number {
  return heartbeatMs * 1.5;
}

/** The clocks of two machines may differ in speed by so much. */
export const clockDrift = 1.1;

/** So long after it received the last sign of life that it has answered, a scheduler knows that nothing runs on the node any more. */
export function fencedAfter({ leaseMs, endingMs }: Timing): number {
  return leaseMs * clockDrift + endingMs;
}

/** So many of its former starts a node knows. */
export const mostFormer = 16;

/** What a node says of itself to all schedulers. */
export interface Hello {
  readonly version: number;
  /** The version of V8's serialization format, in which everything is sent. */
  readonly format: number;
  /** The id of this start of the agent. */
  readonly node: string;
  readonly name: string;
  /** What it is and has. */
  readonly properties: NodeProperties;
  /** Starts of this node before this one that are certainly over, by their ids. */
  readonly former?: readonly string[];
  /** The same from one boot of its machine to the next. */
  readonly bootMark: string;
  /** How many attempts it runs at the same time. */
  readonly slots: number;
  readonly state: 'free' | 'busy' | 'draining';
  /** The session that it works for. */
  readonly works?: { readonly run: string; readonly epoch: number };
  /** The time by the clock of the node. */
  readonly stampMs: number;
  /** The id of the question that it answers. */
  readonly answers?: string;
}

/** A question to all nodes: what they are. */
export interface Question {
  readonly id: string;
  /** They are to run their probes first. */
  readonly probe: boolean;
}

/** A piece of a message, numbered from 1. */
export interface Frame extends Piece {
  readonly number: number;
}

/** What both sides put into packets of a session. */
export interface Frames {
  readonly session: string;
  /** All frames up to this number were received. */
  readonly heardUpTo: number;
  readonly frames: readonly Frame[];
}

/** From a scheduler to a node. */
export type ToNode =
  /** Work for this session. `stampMs` is that of the node's greeting: the lease starts there. */
  | {
      readonly kind: 'join';
      readonly session: string;
      readonly host: string;
      readonly run: string;
      /** Of two sessions of one run, the one with the higher epoch is the later one. */
      readonly epoch: number;
      /** Which session of its journal it is: names its attempts. At most the epoch; less where another machine had a session that this journal does not know. */
      readonly number: number;
      readonly stampMs: number;
      readonly timing: Timing;
    }
  /** `echoMs` answers a sign of life: its stamp. */
  | ({ readonly kind: 'frames'; readonly echoMs?: number } & Frames)
  /** The session is over for the scheduler: end what runs, and forget the session. */
  | { readonly kind: 'leave'; readonly session: string };

/** Why a node does not take a packet. `unknown`: it has no such session, and nothing of it runs there. */
export type Refusal = 'busy' | 'draining' | 'fenced' | 'unknown';

/** From a node to a scheduler. */
export type FromNode =
  /** `stampMs`: a sign of life, to be answered. */
  | ({ readonly kind: 'frames'; readonly stampMs?: number } & Frames)
  /** `epoch`: the highest one of this run. */
  | { readonly kind: 'refused'; readonly session: string; readonly reason: Refusal; readonly epoch?: number };

/** A message to a node. A link is one use of one slot of the node. */
export type NodeOrder =
  | {
      readonly do: 'open';
      readonly link: number;
      readonly slot: number;
      readonly recordsModules: boolean;
      /** Outputs that are too long for outcomes are to be sent. Default false. */
      readonly sendsOutput?: boolean | undefined;
    }
  /** Bring these files here: comes first, and nothing else before the answer. */
  | { readonly do: 'bundle'; readonly link: number; readonly manifest: BundleManifest }
  /** What was wanted; without bytes where it cannot be read. */
  | ({ readonly do: 'piece'; readonly link: number; readonly bytes?: Uint8Array } & PieceRequest)
  /** The files of which code consists: sent once to a session, before the first attempt that has it. */
  | { readonly do: 'code'; readonly link: number; readonly code: SentCode }
  /** Run this after what was sent over this link before. `code`: the digest of its code, where that is known. */
  | { readonly do: 'run'; readonly link: number; readonly attempt: RemoteAttempt; readonly code?: Digest }
  | { readonly do: 'abort'; readonly link: number; readonly id: number; readonly reason: ThrownWire }
  /** A batch of updates was processed, or a part of an output kept. */
  | { readonly do: 'credit'; readonly link: number; readonly id: number }
  /** Return everything that has not started: each ends as `not-started`. */
  | { readonly do: 'reclaim'; readonly link: number }
  /** Go on with this attempt of an earlier session over this link: what it has reported for the record comes again, and then the rest. */
  | { readonly do: 'adopt'; readonly link: number; readonly kept: number }
  /** The ends of these attempts are recorded: nothing of them has to be kept. By their links and numbers. */
  | { readonly do: 'settle'; readonly attempts: readonly (readonly [link: number, id: number])[] }
  /** Let the attempt that runs end, or kill it, and return the others; `released` follows. */
  | { readonly do: 'release'; readonly link: number; readonly how: 'drain' | 'kill' };

/** Code as the scheduler has it; names are relative to the root. */
export interface SentCode extends CodeFiles {
  readonly root: string;
}

/** An attempt of an earlier session of the run that a node has. */
export interface LeftOnNode extends Omit<LeftAttempt, 'node'> {
  /** Its number on the node. */
  readonly kept: number;
  /** The number under which its link knows it. */
  readonly id: number;
  /** The slot that it occupies. */
  readonly slot?: number;
}

/** A message from a node. */
export type NodeReport =
  | { readonly is: 'reported'; readonly link: number; readonly report: RemoteReport }
  /** The attempt came to a link that is being closed, and will not start. */
  | { readonly is: 'returned'; readonly link: number; readonly id: number }
  /** Everything that ran for this link has ended. */
  | { readonly is: 'released'; readonly link: number }
  /** The first message of a session that is not the first of its run: attempts of earlier ones. Nothing else of these runs any more. */
  | { readonly is: 'left'; readonly attempts: readonly LeftOnNode[] }
  /** What the node is and has, has changed. */
  | { readonly is: 'changed'; readonly properties: NodeProperties }
  /** It needs these pieces of files of the bundle. */
  | { readonly is: 'wants'; readonly pieces: readonly PieceRequest[] }
  /** The bundle is here, unless there is a failure. */
  | { readonly is: 'unpacked'; readonly failure?: string }
  /** These files are not as the scheduler has them: the node takes nothing of the run any more. */
  | { readonly is: 'other-code'; readonly files: readonly string[] }
  /** Nothing can run on the node: it takes nothing of the run any more. What had not started ends as `not-started`. */
  | { readonly is: 'unfit'; readonly failure: string }
  /** The node is to take no further attempt. */
  | { readonly is: 'draining' }
  /** The last message of the session: nothing of it runs any more. */
  | { readonly is: 'over'; readonly reason: string };

/** Turns messages into pieces that fit into packets, and back. */
export interface Codec {
  /** @throws what the transport throws for a value that it cannot carry */
  encode(message: unknown): readonly Piece[];
  /** A function that takes the pieces of one direction in order, and returns a message when it is complete. */
  decoder(): (piece: unknown) => unknown;
}

/** A piece of a message, and its size in bytes. */
export interface Piece {
  readonly piece: unknown;
  readonly size: number;
}
