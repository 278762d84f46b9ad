import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CertificateFiles } from '../../../src/demo/certificate.ts';

/** What a site of the public has: certificates of an authority, for an ECDSA and for an RSA key. */
export interface Credentials {
  /** The root of the authority, for `--add-ca`. */
  readonly root: string;
  readonly ec: CertificateFiles;
  readonly rsa: CertificateFiles;
}

const KEYS = {
  ec: ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'],
  rsa: ['-newkey', 'rsa:2048'],
} as const;

/** As the Baseline Requirements have it: no certificate for longer than 398 days; most are for 90. */
const DAYS = '90';

/** Makes an authority and certificates of it for 127.0.0.1, as a public one issues them. */
export function makeCredentials(folder: string): Credentials {
  const root = join(folder, 'root.pem');
  const rootKey = join(folder, 'root.key');
  openssl([
    ...['req', '-x509', ...KEYS.ec, '-noenc', '-keyout', rootKey, '-out', root],
    ...['-subj', '/O=Dashgate test/CN=Dashgate test root', '-days', DAYS],
    ...['-addext', 'keyUsage=critical,keyCertSign,cRLSign'],
  ]);
  const issue = (kind: keyof typeof KEYS): CertificateFiles => {
    const files = { cert: join(folder, `${kind}.pem`), key: join(folder, `${kind}.key`) };
    const request = join(folder, `${kind}.csr`);
    const extensions = join(folder, 'extensions.cnf');
    writeFileSync(
      extensions,
      [
        'subjectAltName=IP:127.0.0.1,DNS:localhost',
        'basicConstraints=critical,CA:FALSE',
        'keyUsage=critical,digitalSignature',
        'extendedKeyUsage=serverAuth',
        'authorityKeyIdentifier=keyid',
        // Nothing fetches it: testssl.sh is not allowed to phone out.
        'crlDistributionPoints=URI:http://127.0.0.1/root.crl',
      ].join('\n'),
    );
    openssl([
      ...['req', ...KEYS[kind], '-noenc', '-keyout', files.key, '-out', request],
      ...['-subj', '/CN=localhost'],
    ]);
    openssl([
      ...['x509', '-req', '-in', request, '-CA', root, '-CAkey', rootKey, '-out', files.cert],
      ...['-days', DAYS, '-set_serial', `0x${SERIALS[kind]}`, '-extfile', extensions],
    ]);
    return files;
  };
  return { root, ec: issue('ec'), rsa: issue('rsa') };
}

/** With 64 random bits or more, as they have to be. */
const SERIALS = { ec: '5f1e0c7a93b2d4486a7710', rsa: '6b8d3e92f0415c7da9832c' } as const;

function openssl(args: readonly string[]): void {
  execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'], timeout: 60_000 });
}
