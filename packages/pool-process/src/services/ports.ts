/**
 * Ports of services: chosen free, and never the same for two services of this process. Knows no service. A port is free for a moment only: another
 * process may take it before the service does, which the check for readiness notices.
 */
import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { PexenError } from '@pexen/core';

/** Below the ports that systems give to outgoing connections, and above those of well-known services. */
const range = { from: 20_000, to: 32_000 };

/** So many busy ports in a row mean that no port can be opened here at all. */
const mostTries = 200;

/** The ports that services of this process have, whether they have opened them yet or not. */
const reserved = new Set<number>();

/**
 * Reserves a port on which nothing listens, on no address of this machine. Call `releasePort` once it is not needed any more.
 * @throws PexenError PEXEN_NO_PORT
 */
export async function reservePort(isFree: (port: number) => Promise<boolean> = isPortFree): Promise<number> {
  for (let attempt = 0; attempt < mostTries; attempt++) {
    const port = randomInt(range.from, range.to);
    if (reserved.has(port)) continue;
    reserved.add(port);
    if (await isFree(port)) return port;
    reserved.delete(port);
  }
  throw new PexenError([
    {
      code: 'PEXEN_NO_PORT',
      message: `no free port was found between ${range.from} and ${range.to}: ${mostTries} were tried`,
      hint: 'Allow programs to listen on ports here, or write a fixed port in the place of {port}.',
    },
  ]);
}

export function releasePort(port: number): void {
  reserved.delete(port);
}

/** True where a server could listen on the port, on all addresses. */
export async function isPortFree(port: number): Promise<boolean> {
  const onAll = await canListen(port, '::');
  // Without IPv6 there is no such address, which says nothing about the port.
  return onAll === 'no such address' ? (await canListen(port, '0.0.0.0')) === 'yes' : onAll === 'yes';
}

function canListen(port: number, host: string): Promise<'yes' | 'no' | 'no such address'> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', ({ code }: NodeJS.ErrnoException) =>
      resolve(code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT' ? 'no such address' : 'no'),
    );
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve('yes')));
  });
}
