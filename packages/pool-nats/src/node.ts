/** The agent that makes a machine a node of a pool, and a server for first steps. */
export { type FindNodesOptions, type FoundNode, findNodes } from './host/find-nodes.ts';
export { type RunningNode, startNode } from './node/agent.ts';
export type { NodeOptions } from './node/options.ts';
export { initSecurity, type SecurityOptions, type SecurityReport } from './security/init-security.ts';
export { findServer, type RunningServer, type ServerProgram, startServer } from './server/nats-server.ts';
