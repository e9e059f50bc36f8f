/** Everything that reads conditions, loaded on demand as one: it brings a parser along. */
export { readExpression } from './expression.ts';
export { readNodeQuery } from './node-query.ts';
