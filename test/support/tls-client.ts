import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls, createSecureContext, type TLSSocket } from 'node:tls';

/** A connection of a client that may end it in any way. */
export interface TlsClient {
  readonly tcp: Socket;
  readonly tls: TLSSocket;
}

/** How a peer goes: it ends its side, closes the connection, or resets it. */
export type Leaving = 'end' | 'close' | 'reset';

const SECURE_CONTEXT = createSecureContext();

/** Opens TLS to a port of 127.0.0.1; any certificate will do. Errors are seen as 'close' only. */
export function openTls(port: number): TlsClient {
  const tcp = connectTcp({ port, host: '127.0.0.1', noDelay: true });
  const tls = connectTls({
    socket: tcp,
    secureContext: SECURE_CONTEXT,
    rejectUnauthorized: false,
    ALPNProtocols: ['http/1.1'],
  });
  for (const leg of [tcp, tls]) leg.on('error', () => {});
  return { tcp, tls };
}

export function leaveTls({ tcp, tls }: TlsClient, leaving: Leaving): void {
  if (leaving === 'end') tls.end();
  else if (leaving === 'close') tls.destroy();
  // What is secured cannot be reset, but what is below it can, and takes it along.
  else tcp.resetAndDestroy();
}
