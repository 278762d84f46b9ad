import type { X509Certificate } from 'node:crypto';
import { TLSSocket } from 'node:tls';
import type { BackendAddress } from '../upstream/backend-address.ts';
import { dialBackend } from '../upstream/backend-socket.ts';
import { parted } from './check.ts';
import type { Observation } from './finding.ts';
import { validityOf } from './validity.ts';

type Found = Pick<Observation, 'severity' | 'detail' | 'remedy'>;

/** What a backend's certificate is worth, on a connection as the gateway makes it. Never rejects. */
export async function certificateFinding(
  backend: BackendAddress,
  timeoutMs: number,
): Promise<Found> {
  let socket: TLSSocket | undefined;
  try {
    const opened = await dialBackend(backend, undefined, timeoutMs);
    opened.on('error', () => {});
    if (!(opened instanceof TLSSocket)) throw new Error('the connection to it is not TLS');
    socket = opened;
    const certificate = socket.getPeerX509Certificate();
    if (!certificate) throw new Error('it shows no certificate; look whether TLS is spoken there');
    return judge(certificate, socket);
  } catch (error) {
    const { detail, remedy = 'look whether it runs and TLS is spoken on that port' } = parted(
      (error as Error).message,
    );
    return { severity: 'error', detail, remedy };
  } finally {
    socket?.destroy();
  }
}

function judge(certificate: X509Certificate, socket: TLSSocket): Found {
  const { detail, ...validity } = validityOf(certificate, Date.now());
  const names = certificate.subjectAltName ?? certificate.subject.replaceAll('\n', ', ');
  const told = `its certificate for ${names}: ${detail}`;
  // Of one that is not verified, an expiry is no more than that.
  if (socket.authorized) return { ...validity, detail: told };
  return {
    severity: 'warning',
    detail: `${told}; it is not verified (verify=off), and would be refused: ${socket.authorizationError}`,
    remedy:
      'name the file of its authority with ca=FILE, and its name with sni=NAME, in place of verify=off',
  };
}
