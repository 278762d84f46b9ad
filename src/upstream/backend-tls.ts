import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isIP, type Socket } from 'node:net';
import { type ConnectionOptions, connect, createSecureContext, type TLSSocket } from 'node:tls';
import { messageOf } from '../errors.ts';

/** How a backend that speaks HTTPS is reached. */
export interface BackendTlsOptions {
  /** Host name or IP address of the backend; IPv6 with or without brackets. */
  readonly hostname: string;
  /** Certificates, as PEM, of which one has to vouch for the backend's; the public ones if unset. */
  readonly ca?: string | undefined;
  /** Whether the backend's certificate has to be valid for its name. */
  readonly verify: boolean;
  /** Name to ask for and to verify, where it is not the host name. */
  readonly serverName?: string | undefined;
}

/** TLS of the connections to one backend. */
export class BackendTls {
  /** For `node:https` and `node:tls` alike. */
  readonly options: ConnectionOptions;
  /** What the latest connection was given to resume by, which saves the next one a full handshake. */
  #session: Buffer | undefined;

  constructor({ hostname, ca, verify, serverName }: BackendTlsOptions) {
    const host = hostname.replace(/^\[|\]$/g, '');
    this.options = {
      host,
      // An address is no server name (RFC 6066 §3); it is verified as the host.
      servername: serverName ?? (isIP(host) === 0 ? host : ''),
      secureContext: createSecureContext({ ca, minVersion: 'TLSv1.2' }),
      rejectUnauthorized: verify,
      ALPNProtocols: ['http/1.1'],
    };
  }

  /**
   * Secures a connection to the backend, which may still be under way; a PROXY protocol header is
   * written to it before. 'secureConnect' follows, or an 'error' if the certificate is not good.
   */
  secure(socket: Socket): TLSSocket {
    const secured = connect({ ...this.options, socket, session: this.#session });
    secured.on('session', (session) => {
      this.#session = session;
    });
    return secured;
  }
}

/**
 * Reads a file of CA certificates, as PEM.
 * @throws Error that completes the sentence "ca=file …".
 */
export function readAuthorities(path: string): string {
  try {
    const pem = readFileSync(path, 'utf8');
    new X509Certificate(pem);
    return pem;
  } catch (error) {
    throw new Error(
      `cannot be used (${messageOf(error)}); write the path of a PEM file of CA certificates that Dashgate may read`,
    );
  }
}
