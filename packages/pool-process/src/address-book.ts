/** Numbers for the addresses a worker was told, so that each is sent to it only once. */
import type { AssignmentEnvelope, BodyAddress } from '@pexen/pool-kit';

/** An envelope with the number of its address, and the address itself if the worker does not know it yet. */
export interface Abbreviated {
  readonly at: number;
  readonly address?: BodyAddress;
  readonly envelope: Omit<AssignmentEnvelope, 'address'>;
}

export class AddressBook {
  readonly #numbers = new Map<BodyAddress, number>();

  abbreviate({ address, ...envelope }: AssignmentEnvelope): Abbreviated {
    if (address === undefined) return { at: -1, envelope };
    const known = this.#numbers.get(address);
    if (known !== undefined) return { at: known, envelope };
    const at = this.#numbers.size;
    this.#numbers.set(address, at);
    return { at, address, envelope };
  }
}
