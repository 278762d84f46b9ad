import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import {
  type ConnectionOptions,
  checkServerIdentity,
  getCACertificates,
  type PeerCertificate,
} from 'node:tls';
import { type Environment, parseSettings } from '../config.ts';
import { messageOf, UsageError } from '../errors.ts';

/** How a client verifies whom it has reached. */
export type Trust = Pick<
  ConnectionOptions,
  'ca' | 'allowPartialTrustChain' | 'checkServerIdentity' | 'rejectUnauthorized'
>;

/** For what tells nothing and is shown nothing, such as whether anybody answers. */
export const ANYBODY: Trust = { rejectUnauthorized: false };

/**
 * Trusts a certificate as it is, whatever its names: who shows it has its key. It is read from the
 * disk of the gateway, which is mostly asked by an address that no authority would certify. Others
 * are trusted as everywhere.
 */
export function trustIn(certificate: X509Certificate): Trust {
  return {
    ...pinned([certificate]),
    ca: [...getCACertificates('default'), certificate.toString()],
  };
}

/**
 * Trusts what a file of PEM names, and nothing else: authorities, or the certificate itself.
 * @throws UsageError where there is none in it.
 */
export function trustInFile(path: string): Trust {
  try {
    const ca = readFileSync(path, 'utf8');
    return { ...pinned([new X509Certificate(ca)]), ca };
  } catch (error) {
    const remedy = 'write the path of a PEM file with the certificate of an authority';
    throw new UsageError(`--ca ${path} has no certificate (${messageOf(error)}); ${remedy}`);
  }
}

/**
 * What these settings have the admin listener show is trusted; undefined where they have it show
 * nothing.
 * @throws ConfigError where it cannot be read.
 */
export function configuredTrust(env: Environment): Trust | undefined {
  const { ADMIN_TLS, ADMIN_TLS_CERT } = parseSettings(env, ['ADMIN_TLS', 'ADMIN_TLS_CERT']);
  if (!ADMIN_TLS) return undefined;
  const { leaf } = ADMIN_TLS_CERT ?? parseSettings(env, ['TLS_CERT']).TLS_CERT[0]!;
  return trustIn(leaf);
}

function pinned(certificates: readonly X509Certificate[]): Trust {
  const known = new Set(certificates.map(({ fingerprint256 }) => fingerprint256));
  return {
    allowPartialTrustChain: true,
    checkServerIdentity: (host: string, shown: PeerCertificate) =>
      known.has(shown.fingerprint256) ? undefined : checkServerIdentity(host, shown),
  };
}
