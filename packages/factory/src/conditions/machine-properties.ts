/** This machine as a node, for conditions on nodes: its facts, as far as they do not change and hold no secrets. */
import { hostname } from 'node:os';
import type { NodeProperties, StandardFacts } from '@pexen/core';
import { systemFacts } from './system-facts.ts';

/** The properties of this machine, under the names that conditions on facts have for them. */
export function machineProperties(): NodeProperties {
  const { platform, arch, os, kernel, user, memory, cpus, container } = systemFacts() as StandardFacts;
  return {
    ...{ platform, arch, cpus, container, hostname: hostname(), 'nodejs.version': process.versions.node },
    ...{ 'os.id': os.id, 'os.version': os.version },
    ...{ 'kernel.name': kernel.name, 'kernel.release': kernel.release, 'memory.totalMb': memory.totalMb },
    ...{ 'user.name': user.name, 'user.isRoot': user.isRoot },
  };
}
