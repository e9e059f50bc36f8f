/** Pools that treat their nodes wrongly. */
import type { Assignment, PoolContext, PoolOutcome, Ticket } from '@pexen/core';
import * as rules from '../../src/conformance/nodes.ts';
import { InProcess, type Job } from './in-process.ts';
import { type WrongPool, wrong } from './wrong.ts';

/** A right pool in this thread with two nodes of one slot each. */
export class OnNodes extends InProcess {
  readonly names: readonly string[] = ['one', 'two'];

  constructor() {
    super('reference');
    this.manifest = { ...this.manifest, nodes: 'open' };
  }

  override async open(context: PoolContext): Promise<void> {
    await super.open(context);
    this.reportNodes(context);
  }

  reportNodes(context: PoolContext): void {
    for (const name of this.names)
      context.nodeChanged?.({ name, slots: 1, properties: { name }, bootMark: 'today' });
  }

  override run(assignment: Assignment, ticket: Ticket): PoolOutcome | Promise<PoolOutcome> {
    const { node } = assignment;
    if (node !== undefined && !this.names.includes(node)) return this.miss(assignment, ticket);
    return super.run(assignment, ticket);
  }

  miss(_assignment: Assignment, _ticket: Ticket): PoolOutcome | Promise<PoolOutcome> {
    return { kind: 'not-started', reason: 'its node is not there' };
  }

  override fill(): void {
    const waiting = this.queue.splice(0);
    for (const job of waiting) {
      const isFree = this.running.size < this.slots && this.hasPlace(job);
      this.queue.push(job);
      if (!isFree) continue;
      const behind = this.queue.splice(0, this.queue.length - 1);
      super.fill();
      this.queue.unshift(...behind);
    }
  }

  hasPlace({ assignment: { node } }: Job): boolean {
    return ![...this.running].some(({ assignment }) => node !== undefined && assignment.node === node);
  }
}

class ReportsNodesLate extends OnNodes {
  override reportNodes(context: PoolContext): void {
    setTimeout(() => super.reportNodes(context), 20);
  }
}

class IgnoresNodes extends OnNodes {
  override hasPlace(): boolean {
    return true;
  }
}

class RunsElsewhere extends OnNodes {
  override miss(assignment: Assignment, ticket: Ticket): PoolOutcome | Promise<PoolOutcome> {
    return InProcess.prototype.run.call(this, assignment, ticket);
  }
}

export const wrongNodes: readonly WrongPool[] = [
  wrong(rules.reportsNodes, 'reports its nodes after it was opened', () => new ReportsNodesLate()),
  wrong(rules.keepsToNodes, 'runs attempts on nodes that they do not name', () => new IgnoresNodes()),
  wrong(rules.missesNode, 'runs an attempt elsewhere if its node is not there', () => new RunsElsewhere()),
].map((pool) => ({ ...pool, chapter: 'nodes' }));
