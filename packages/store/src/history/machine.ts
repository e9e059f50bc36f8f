/** Kinds of machines: durations of one kind say little about those of another. */
import { cpus } from 'node:os';

/** A kind of machine, as far as durations depend on it. */
export interface MachineKind {
  /** As `process.platform`: `linux`. */
  readonly platform: string;
  /** As `process.arch`: `x64`. */
  readonly arch: string;
  /** The model of its processors; empty where the system does not say. */
  readonly cpu: string;
  readonly cores: number;
}

/** The kind of this machine. */
export function thisMachine(): MachineKind {
  const { platform, arch } = process;
  const all = cpus();
  return { platform, arch, cpu: all[0]?.model.trim() ?? '', cores: all.length };
}
