/** An agent that also says when it accepted attempts, by the clock that all processes of this machine share. Argument: its options, as JSON. */
import { startNode } from '../../src/node.ts';
import { NodeCore } from '../../src/protocol/node-core.ts';

const accepted: number[] = [];
const { take } = NodeCore.prototype;
NodeCore.prototype.take = function timed(packet, nowMs) {
  const effects = take.call(this, packet, nowMs);
  for (const { do: what } of effects)
    if (what === 'run') accepted.push(Number(process.hrtime.bigint()) / 1e6);
  return effects;
};

const node = await startNode(JSON.parse(process.argv[2] ?? '{}'));
process.once('disconnect', () => process.exit(0));
process.on('message', () => void process.send?.(accepted.splice(0)));
process.send?.('ready');
await node.stopped;
