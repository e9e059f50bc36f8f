/** Answers requests at the server of the argument, as the smallest possible worker does. */
import { connect } from '@nats-io/transport-node';

const connection = await connect({ servers: process.argv[2] ?? '' });
connection.subscribe('bench', { callback: (_error, message) => void message.respond(message.data) });
await connection.flush();
process.once('disconnect', () => process.exit(0));
process.send?.('ready');
