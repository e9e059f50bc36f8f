/** Every wrong pool, and the right ones they were made of. */
import { NetworkFaults } from '@pexen/pool-kit/conformance';
import { wrongAbandoning } from './abandoning.ts';
import { wrongAddresses } from './addresses.ts';
import { wrongErrors } from './errors.ts';
import { InProcess } from './in-process.ts';
import { wrongLife } from './life.ts';
import { wrongNetwork } from './network.ts';
import { networked } from './networked.ts';
import { OnNodes, wrongNodes } from './nodes.ts';
import { wrongOutcomes } from './outcomes.ts';
import { ProgramsOnly, wrongPrograms } from './programs.ts';
import { Serving, ServingPrograms, wrongServices } from './services.ts';
import { Threaded } from './threaded.ts';
import { wrongTickets } from './tickets.ts';
import { wrongTraces } from './traces.ts';
import { wrongValues } from './values.ts';
import type { WrongPool } from './wrong.ts';

/** By the part of the contract that they break. */
export const families: readonly (readonly WrongPool[])[] = [
  wrongLife,
  wrongOutcomes,
  wrongTraces,
  wrongAbandoning,
  wrongTickets,
  wrongValues,
  wrongErrors,
  wrongAddresses,
  wrongPrograms,
  wrongServices,
  wrongNodes,
  wrongNetwork,
];

export interface RightPool extends Pick<WrongPool, 'make' | 'network'> {
  readonly is: string;
}

export const wrongPools: readonly WrongPool[] = families.flat();

export const rightPools: readonly RightPool[] = [
  { is: 'in this thread, by reference', make: () => new InProcess('reference') },
  { is: 'in this thread, as if elsewhere', make: () => new InProcess('clone') },
  { is: 'in this thread, over JSON', make: () => new InProcess('serialize') },
  { is: 'in this thread, with programs', make: () => new InProcess('reference', true) },
  { is: 'in this thread, programs only', make: () => new ProgramsOnly() },
  { is: 'of threads', make: () => new Threaded() },
  { is: 'of threads, with services', make: () => new Serving() },
  { is: 'in this thread, with programs as services', make: () => new ServingPrograms() },
  { is: 'in this thread, on nodes', make: () => new OnNodes() },
  { is: 'over a network', make: () => networked(new NetworkFaults()), network: networked },
];
