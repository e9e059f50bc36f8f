/** Slots on other machines, for pools that reach them over a transport of their own. */
export { conditions, ownProgram } from './child-connection.ts';
export { decodeFrame, encodeFrame } from './codec.ts';
export type { ProcessesOptions } from './options.ts';
export { markerVariable } from './process-markers.ts';
export { LeaseGuard } from './remote/lease-guard.ts';
export type { RemoteAttempt, RemoteReport, RemoteSettings } from './remote/messages.ts';
export { OutputReceiver } from './remote/output-receiver.ts';
export {
  agentTimeouts,
  hearReport,
  remoteAttemptOf,
  remoteSteps,
  withInherited,
} from './remote/remote-host.ts';
export {
  type RemoteOptions,
  RemoteSlot,
  type RemoteSlotOptions,
  remoteSettingsOf,
} from './remote/remote-slot.ts';
export { isRemoteReport } from './remote/report-check.ts';
