/** The one global of the example, so that no @types/node is needed to check it. */
declare const console: { log(...values: unknown[]): void };
