import { X509Certificate } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generate } from 'selfsigned';

/** Where a demo's certificate and key lie. */
export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
}

const DAY_MS = 24 * 3_600_000;
const YEAR_MS = 365 * DAY_MS;

/**
 * The demo's self-signed certificate for localhost and 127.0.0.1, made in `folder` on first use
 * and kept, so that a browser has to be told only once.
 */
export async function demoCertificate(folder: string): Promise<CertificateFiles> {
  const files = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
  if (isFresh(files)) return files;
  const pair = await generate([{ name: 'commonName', value: 'Dashgate demo' }], {
    algorithm: 'sha256',
    keyType: 'ec',
    curve: 'P-256',
    notAfterDate: new Date(Date.now() + YEAR_MS),
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'keyUsage', digitalSignature: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: 'localhost' },
          { type: 7, ip: '127.0.0.1' },
          { type: 7, ip: '::1' },
        ],
      },
    ],
  });
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(files.key, pair.private, { mode: 0o600 });
  writeFileSync(files.cert, pair.cert);
  return files;
}

function isFresh({ cert, key }: CertificateFiles): boolean {
  if (!existsSync(cert) || !existsSync(key)) return false;
  return new X509Certificate(readFileSync(cert)).validToDate.getTime() > Date.now() + DAY_MS;
}
