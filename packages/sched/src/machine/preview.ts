/** The order in which a run would start its tasks if all went well and each pool had one worker. Nothing runs. */
import type { CompiledTasks } from '../plan/compiled-tasks.ts';
import { isService } from '../plan/services.ts';
import { Machine } from './machine.ts';
import type { Command, Input } from './protocol.ts';

/** The tasks of the plan, by number, in the order of their starts. Tasks that do not apply are left out. */
export function preview(plan: CompiledTasks): number[] {
  const machine = new Machine(plan);
  const order: number[] = [];
  const commands: Command[] = [];
  const inputs: Input[] = [{ type: 'tasks-added', atMs: 0, from: 0, to: plan.graph.taskCount }, wanted];
  for (let hasEnded = false; !hasEnded; ) {
    machine.handle(inputs.splice(0), commands);
    for (const command of commands.splice(0)) {
      if (command.type === 'start-attempt') order.push(plan.instances.get(command.task)?.of ?? command.task);
      if (command.type === 'end-run') hasEnded = true;
      inputs.push(...answersTo(command, plan));
    }
  }
  return order;
}

const wanted: Input = { type: 'result-wanted', atMs: 0 };

function answersTo(command: Command, plan: CompiledTasks): readonly Input[] {
  switch (command.type) {
    case 'open-pool':
      return [
        { type: 'slots-changed', atMs: 0, pool: command.pool, slots: 1 },
        // One node that fulfils everything.
        {
          ...{ type: 'node-changed', atMs: 0, pool: command.pool },
          node: { name: 'node', properties: {}, slots: 1, bootMark: '' },
          answers: Array.from({ length: plan.placement.count }, () => true as const),
        },
        { type: 'pool-opened', atMs: 0, pool: command.pool },
      ];
    case 'execute-on-node':
      return [
        { type: 'tasks-added', atMs: 0, origin: 'node', ...plan.addInstances([command.task], command.node) },
      ];
    case 'close-pool':
      return [{ type: 'pool-closed', atMs: 0, pool: command.pool }];
    case 'start-attempt': {
      const { task, attempt, part } = command;
      if (isService(plan, task))
        return [
          { type: 'attempt-started', atMs: 0, task, attempt, part, worker: '' },
          { type: 'attempt-ready', atMs: 0, task, attempt, part: 'body' },
        ];
      return [
        {
          type: 'attempt-ended',
          atMs: 0,
          task,
          attempt,
          part,
          outcome: { kind: 'returned', value: undefined },
        },
      ];
    }
    case 'stop-attempt': {
      const { task, attempt, part } = command;
      return [
        { type: 'attempt-ended', atMs: 0, task, attempt, part, outcome: { kind: 'stopped', how: 'aborted' } },
      ];
    }
    case 'give-result':
      return [wanted];
    default:
      return [];
  }
}
