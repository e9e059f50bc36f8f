/** What a configuration is written with, without what carries it out: workers load it with every module of tests. */
export { defineSuite } from './config/define-suite.ts';
