/** Where attempts run: a numbered slot of the pool, or the place of one service beside the slots. Knows no process. */

export class Place {
  /** For people: `process 3`, `service process 0`. */
  readonly name: string;
  /** For the names of files: no two places of a pool have the same. */
  readonly id: string;
  /** Distributes places among helpers. */
  readonly number: number;
  /** The number of the slot; undefined for a service. */
  readonly slot: number | undefined;

  constructor(number: number, of: 'slot' | 'service') {
    const isService = of === 'service';
    this.name = isService ? `service process ${number}` : `process ${number}`;
    this.id = isService ? `service-${number}` : String(number);
    this.number = number;
    this.slot = isService ? undefined : number;
  }
}
