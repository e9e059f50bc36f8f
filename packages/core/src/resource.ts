/** What a task can hold while it runs. How resources form a tree, and who gets them when, is the business of @pexen/lock. */

const amountBrand: unique symbol = Symbol.for('pexen.amount') as never;

/**
 * Something tasks share: a string or any other value, compared as Map keys are. A string that begins with `/` is a path
 * and so a node of a tree; any other value is one flat node.
 */
export type Resource = string | number | bigint | boolean | symbol | (object & NoAmount);

/** An amount is not this. */
export interface NoAmount {
  readonly [amountBrand]?: never;
}

/** A number of units of a resource that has a capacity. */
export interface Amount {
  readonly [amountBrand]: true;
  readonly resource: Resource;
  readonly count: number;
}

/** `uses: [amount('memory-mb', 512)]`: takes 512 of the capacity declared for `memory-mb`. */
export function amount(resource: Resource, count: number): Amount {
  return Object.freeze({ [amountBrand]: true as const, resource, count });
}

/** True for what `amount` made. */
export function isAmount(value: unknown): value is Amount {
  return typeof value === 'object' && value !== null && amountBrand in value;
}
