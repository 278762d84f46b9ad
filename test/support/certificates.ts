import { mkdirSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { generate } from 'selfsigned';
import type { CertificateFiles } from '../../src/demo/certificate.ts';

export interface IssueOptions {
  /** Host names and addresses; without any, the certificate has a common name alone. */
  readonly names: readonly string[];
  readonly keyType?: 'rsa' | 'ec';
  readonly keySize?: number;
  readonly notBefore?: Date;
  readonly notAfter?: Date;
}

/** Issues a self-signed certificate into `folder`, under names of files that begin with `name`. */
export async function issue(
  folder: string,
  name: string,
  { names, keyType = 'ec', keySize = 2048, notBefore, notAfter }: IssueOptions,
): Promise<CertificateFiles> {
  const altNames = names.map((value) =>
    isIP(value) ? { type: 7 as const, ip: value } : { type: 2 as const, value },
  );
  const pair = await generate([{ name: 'commonName', value: name }], {
    algorithm: 'sha256',
    keyType,
    keySize,
    ...(notBefore && { notBeforeDate: notBefore }),
    ...(notAfter && { notAfterDate: notAfter }),
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      ...(altNames.length > 0 ? [{ name: 'subjectAltName' as const, altNames }] : []),
    ],
  });
  mkdirSync(folder, { recursive: true });
  const files = { cert: join(folder, `${name}.pem`), key: join(folder, `${name}.key`) };
  writeFileSync(files.cert, pair.cert);
  writeFileSync(files.key, pair.private, { mode: 0o600 });
  return files;
}
