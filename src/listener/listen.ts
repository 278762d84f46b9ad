import type { AddressInfo, Server } from 'node:net';
import { hostAndPort, type ListenAddress } from '../config-values.ts';

/** A listener could not be bound. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
}

/**
 * Binds a server.
 * @throws ListenError that names the setting, the address, the cause and the remedy.
 */
export function listen(
  server: Server,
  setting: string,
  { host, port }: ListenAddress,
): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException) => {
      reject(listenError(setting, { host, port }, error));
    };
    server.once('error', failed);
    server.listen({ host, port }, () => {
      server.off('error', failed);
      resolve(server.address() as AddressInfo);
    });
  });
}

/** Says which setting's address could not be bound, why, and what helps. */
export function listenError(
  setting: string,
  { host, port }: ListenAddress,
  error: NodeJS.ErrnoException,
): ListenError {
  const where = hostAndPort({ host, port });
  return new ListenError(`${setting}=${where} ${reason(error)}`, { cause: error });
}

/** Whether a listener could not be bound because its address is not on this host, or not yet. */
export function isAddressAbsent(error: unknown): boolean {
  if (!(error instanceof ListenError)) return false;
  return (error.cause as NodeJS.ErrnoException).code === 'EADDRNOTAVAIL';
}

function reason(error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case 'EADDRINUSE':
      return 'is in use by another program; stop that one or choose another port';
    case 'EACCES':
      return 'needs a privilege; choose a port of 1024 or above, or grant CAP_NET_BIND_SERVICE';
    case 'EADDRNOTAVAIL':
      return 'is not an address of this host; choose one that is, or leave the host out';
    case 'ENOTFOUND':
      return 'has a host name that does not resolve';
    default:
      return `cannot be listened on: ${error.message}`;
  }
}
