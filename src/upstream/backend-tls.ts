import { X509Certificate } from 'node:crypto';
import { isIP, type Socket } from 'node:net';
import {
  type ConnectionOptions,
  connect,
  createSecureContext,
  type SecureContext,
  type TLSSocket,
} from 'node:tls';
import { type FileReader, readFromDisk } from '../config-files.ts';
import { messageOf } from '../errors.ts';

/** How a backend that speaks HTTPS is reached. */
export interface BackendTlsOptions {
  /** Host name or IP address of the backend; IPv6 with or without brackets. */
  readonly hostname: string;
  /** PEM file of certificates, of which one has to vouch for the backend's; the public ones if unset. */
  readonly caFile?: string | undefined;
  /** Whether the backend's certificate has to be valid for its name. */
  readonly verify: boolean;
  /** Name to ask for and to verify, where it is not the host name. */
  readonly serverName?: string | undefined;
}

/** TLS of the connections to one backend. */
export class BackendTls {
  readonly #options: ConnectionOptions;
  readonly #context: SecureContext;
  /** What the latest connection was given to resume by, which saves the next one a full handshake. */
  #session: Buffer | undefined;

  /** @throws Error that completes the sentence "ca=file …". */
  constructor(
    { hostname, caFile, verify, serverName }: BackendTlsOptions,
    read: FileReader = readFromDisk,
  ) {
    const host = hostname.replace(/^\[|\]$/g, '');
    this.#options = {
      host,
      // An address is no server name (RFC 6066 §3); it is verified as the host.
      servername: serverName ?? (isIP(host) === 0 ? host : ''),
      rejectUnauthorized: verify,
      ALPNProtocols: ['http/1.1'],
    };
    this.#context = contextOf(caFile, read);
  }

  /**
   * Secures a connection that has been made; a PROXY protocol header is written to it before.
   * 'secureConnect' follows, or an 'error' if the certificate is not good. A connection that is
   * still under way will not do: Node gives it another handle for each address that it tries.
   */
  secure(socket: Socket): TLSSocket {
    const secured = connect({
      ...this.#options,
      secureContext: this.#context,
      socket,
      // A resumed connection is not verified again; other authorities come with another object.
      session: this.#session,
    });
    secured.on('session', (session) => {
      this.#session = session;
    });
    return secured;
  }
}

function contextOf(caFile: string | undefined, read: FileReader): SecureContext {
  const ca = caFile === undefined ? undefined : readAuthorities(caFile, read);
  return createSecureContext({ ca, minVersion: 'TLSv1.2' });
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

function readAuthorities(path: string, read: FileReader): string[] {
  try {
    const certificates = read(path).text.match(CERTIFICATE) ?? [];
    if (certificates.length === 0) throw new Error('it holds no certificate');
    for (const certificate of certificates) new X509Certificate(certificate);
    return certificates;
  } catch (error) {
    throw new Error(
      `cannot be used (${messageOf(error)}); write the path of a PEM file of CA certificates that Dashgate may read`,
    );
  }
}

const REMEDIES: readonly (readonly [code: RegExp, remedy: string])[] = [
  [/ALTNAME_INVALID|HOSTNAME_MISMATCH/, 'name one of its names with sni=NAME'],
  [/HAS_EXPIRED|NOT_YET_VALID/, 'renew it, or set the clocks right'],
  [/SELF_SIGNED|ISSUER|VERIFY_LEAF|UNTRUSTED/, 'name the file of its authority with ca=FILE'],
];

/** What in TLS was at fault for an error, and what helps; undefined: it was not TLS. */
export function describeTlsFailure(
  error: NodeJS.ErrnoException,
  secured: TLSSocket,
): string | undefined {
  const { code = '', message } = error;
  if (secured.authorizationError) {
    const remedy = REMEDIES.find(([codes]) => codes.test(code))?.[1] ?? 'replace it';
    return `its certificate is refused: ${message} (${code}); ${remedy}`;
  }
  if (!/^(ERR_SSL_|EPROTO$)/.test(code)) return undefined;
  // The message of OpenSSL has file names and line numbers of its sources.
  const reason = 'reason' in error ? error.reason : message.trim();
  return `TLS failed: ${reason} (${code}); look whether TLS 1.2 or 1.3 is spoken on that port`;
}
