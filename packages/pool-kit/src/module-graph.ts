/** Which module imports which in this process: what a host, and a pool whose workers run no `BodyAttempt`, need of it. */
export { type ModuleRecord, moduleRecord, recordModules } from './worker/module-graph.ts';
