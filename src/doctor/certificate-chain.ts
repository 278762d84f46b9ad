import { X509Certificate } from 'node:crypto';
import { getCACertificates } from 'node:tls';

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;
/** Longer chains are none: what goes in circles ends here. */
const MAX_LENGTH = 10;

/** How the chain of a certificate ends. */
export type ChainEnd = 'self-signed' | 'own root' | 'known root' | 'missing';

export interface Chain {
  /** The server's certificate, then each one's issuer, as far as the file has them. */
  readonly certificates: readonly X509Certificate[];
  readonly end: ChainEnd;
}

/**
 * Follows the issuers of a server's certificate through its own file. A chain is whole where it ends
 * at an authority of this host, which clients are taken to know as well, or has its own root.
 */
export function chainOf(pem: string): Chain {
  const [leaf, ...others] = (pem.match(CERTIFICATE) ?? []).map((text) => new X509Certificate(text));
  if (!leaf) throw new Error('there is no certificate in it');
  const certificates = [leaf];
  for (let last = leaf; certificates.length < MAX_LENGTH; ) {
    if (isSelfSigned(last)) {
      return { certificates, end: last === leaf ? 'self-signed' : 'own root' };
    }
    const issuer = others.find((candidate) => hasIssued(candidate, last));
    if (!issuer) return { certificates, end: isKnown(last) ? 'known root' : 'missing' };
    certificates.push(issuer);
    last = issuer;
  }
  return { certificates, end: 'missing' };
}

/** Also of one that says that it may not sign others, as many that are made by hand do. */
function isSelfSigned(certificate: X509Certificate): boolean {
  return certificate.subject === certificate.issuer && certificate.verify(certificate.publicKey);
}

/** Whether one of the authorities of this host has issued it. */
function isKnown(certificate: X509Certificate): boolean {
  const authorities = new Set([...getCACertificates('bundled'), ...getCACertificates('system')]);
  for (const text of authorities) {
    if (hasIssued(new X509Certificate(text), certificate)) return true;
  }
  return false;
}

function hasIssued(issuer: X509Certificate, certificate: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}
