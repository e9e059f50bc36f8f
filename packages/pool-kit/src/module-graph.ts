/** The record of imports between modules in this process, for hosts and for pools whose workers run no `BodyAttempt`. */
export { type ModuleRecord, moduleRecord, recordModules } from './worker/module-graph.ts';
