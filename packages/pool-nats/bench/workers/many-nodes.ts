/** So many nodes without work in one process, over one connection: the machines of the protocol on a real network. Arguments: server, count. */
import { byteCodec, decodePacket, encodePacket, formatVersion } from '../../src/codec.ts';
import { protocolVersion, type ToNode } from '../../src/protocol/messages.ts';
import { NodeCore, type NodeEffect } from '../../src/protocol/node-core.ts';
import { Subjects } from '../../src/subjects.ts';
import { connectTransport } from '../../src/transport.ts';

const [server = '', count = '1000'] = process.argv.slice(2);
const transport = await connectTransport({ servers: server }, 'many nodes');
const subjects = new Subjects('many');

function start(n: number): NodeCore {
  const name = `n${n}`;
  const fixed = { version: protocolVersion, format: formatVersion, codec: byteCodec, announceMs: 5_000 };
  const core = new NodeCore({
    ...fixed,
    node: name,
    name,
    properties: {},
    bootMark: 'b',
    slots: 4,
    keyOf: () => undefined,
  });
  const obey = (effects: readonly NodeEffect[]): void => {
    for (const effect of effects) {
      if (effect.do === 'announce') transport.publish(subjects.hello(name), encodePacket(effect.hello));
      if (effect.do === 'transmit')
        transport.publish(subjects.fromNode(name, effect.host), encodePacket(effect.packet));
      if (effect.do === 'close') obey(core.released(effect.link, performance.now()));
    }
  };
  transport.subscribe(subjects.toNode(name, name), ({ bytes }) => {
    const packet = decodePacket(bytes) as ToNode | undefined;
    if (packet !== undefined) obey(core.take(packet, performance.now()));
  });
  transport.subscribe(subjects.ask, () => obey(core.announce(performance.now())));
  const tick = (): void => {
    obey(core.tick(performance.now()));
    setTimeout(tick, core.tickMs);
  };
  setTimeout(tick, (n * 7) % 500);
  return core;
}

const all = Array.from({ length: Number(count) }, (_, n) => start(n));
await transport.flush();
process.once('disconnect', () => process.exit(0));
process.send?.(`${all.length} are ready`);
