/** The entry for those who only ask for tasks: the query language, without a suite. Needs nothing of Node, so that a browser can load it. */
export { parseQuery, type Query, type QueryTerm, type StatusWord, statusWords } from './query/parse.ts';
export {
  type LastResult,
  type QueriedSuite,
  type QueriedTask,
  TaskSelector,
} from './query/select-tasks.ts';
