/**
 * The place of one service, or of one attempt of an earlier session: a slot outside the numbered ones, whose worker runs nothing else and is ended when
 * that is over. A worker that cannot be started is tried again a little later, as in any slot; after several failures in a row the service is refused.
 */
import { messageOf, type PexenError } from '@pexen/core';
import type { Connector } from './connector.ts';
import type { Execution } from './execution.ts';
import { noWorkerForService, workersDieOf } from './problems.ts';
import { Slot, type SlotOwner } from './slot.ts';
import type { WorkerLink } from './worker-link.ts';

/** What the place of a service needs of the engine. */
export interface ServiceSlotOwner
  extends Omit<SlotOwner, 'ready' | 'roomChanged' | 'usabilityChanged' | 'returned' | 'slotClosed'> {
  /** The attempt cannot run. */
  refuse(attempt: Execution, error: PexenError): void;
}

/** After so many workers have died before they started it, the service counts as the cause. */
const mostDeaths = 3;

export class ServiceSlot {
  /** The node that it must be on. */
  readonly node: string | undefined;
  readonly #owner: ServiceSlotOwner;
  readonly #slot: Slot;
  /** The service, while no worker has it. */
  #waiting: Execution | undefined;
  #failure: PexenError | undefined;
  /** What runs here has started elsewhere: it is lost with its worker, and not sent to another one. */
  readonly #isAdopted: boolean;

  /** `adopts`: the worker has the attempt already. */
  constructor(
    number: number,
    connector: Connector,
    owner: ServiceSlotOwner,
    node?: string,
    adopts?: Connector['connect'],
  ) {
    this.node = node;
    this.#owner = owner;
    this.#isAdopted = adopts !== undefined;
    const { manifest, startHint, mostFailures, connectService } = connector;
    const connectOwn: Connector['connect'] = (service, events, kind) => {
      if (connectService === undefined) throw new TypeError('a connector without connectService');
      return connectService.call(connector, service, events, kind, node);
    };
    const connect = adopts ?? connectOwn;
    const own: Connector = {
      ...{ manifest, slots: 1, connect },
      ...(startHint !== undefined && { startHint }),
      ...(mostFailures !== undefined && { mostFailures }),
    };
    this.#slot = new Slot(number, own, this.#ownerOfSlot());
  }

  /** Its workers. */
  get links(): readonly WorkerLink[] {
    return this.#slot.links;
  }

  /** Starts the service as soon as there is a worker. */
  run(service: Execution): void {
    service.listen();
    this.#waiting = service;
    this.#send();
  }

  /** Returns the service if no worker has it. */
  returnWaiting(reason: string): void {
    this.#waiting?.return(reason);
  }

  kill(cause: string): void {
    this.#slot.kill(cause);
  }

  /** Ends the worker of a service that is over; resolves when it is gone. */
  close(): Promise<void> {
    return this.#slot.close();
  }

  #send(): void {
    const service = this.#waiting;
    if (service === undefined || service.isOver || !this.#slot.isFree) return;
    const link = this.#slot.freeFor(service.kind);
    if (link === undefined) return;
    this.#waiting = undefined;
    link.add(service);
    link.flush();
  }

  #takeBack(service: Execution, death: string | undefined): void {
    service.link = undefined;
    service.number = -1;
    if (death !== undefined) service.deaths++;
    if (this.#isAdopted) this.#lose(service, death ?? 'does not have it any more');
    else if (service.isAborted) service.return('stopped before it was started');
    else if (this.#failure !== undefined) this.#owner.refuse(service, this.#failure);
    else if (death !== undefined && service.deaths >= mostDeaths)
      this.#owner.refuse(service, workersDieOf(service.assignment.path, death));
    else {
      this.#waiting = service;
      this.#send();
    }
  }

  #lose(attempt: Execution, how: string): void {
    attempt.start('none', this.#owner.clock.now());
    attempt.settle({ kind: 'lost', reason: `its worker ${how}` });
  }

  #ownerOfSlot(): SlotOwner {
    const { clock, graceClock, timeouts, wantsModules } = this.#owner;
    return {
      ...{ clock, graceClock, timeouts, wantsModules },
      ready: () => {},
      sent: (isWatched) => this.#owner.sent(isWatched),
      roomChanged: () => this.#send(),
      usabilityChanged: () => {},
      returned: (services, death) => {
        for (const service of services) this.#takeBack(service, death);
      },
      workerLost: (name, reason) => this.#owner.workerLost(name, reason),
      workerGone: (name, reason) => this.#owner.workerGone(name, reason),
      lateError: (name, tasks, error) => this.#owner.lateError(name, tasks, error),
      abandoned: (settled) => this.#owner.abandoned(settled),
      slotClosed: (_slot, times, error) => {
        this.#failure = noWorkerForService(times, error);
        if (this.#waiting === undefined) return;
        if (this.#isAdopted) this.#lose(this.#waiting, `cannot be reached: ${messageOf(error)}`);
        else this.#owner.refuse(this.#waiting, this.#failure);
      },
    };
  }
}
