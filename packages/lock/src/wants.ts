/** How a node is wanted. From USE_ONE on units are counted: USE_ONE is a use where there is a capacity, all above are amounts. */
export const USE = 0;
export const CLAIM = 1;
export const EXCLUSIVE = 2;
export const USE_ONE = 3;
