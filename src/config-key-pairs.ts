import { messageOf } from './errors.ts';
import { type Certificate, type KeyPair, type PrivateKey, pairUp } from './listener/certificate.ts';
import { pairUpAll } from './listener/key-pairs.ts';

/** Settings of certificates and keys; what could not be read is left out. */
export interface KeyPairSettings {
  readonly TLS_CERT?: readonly Certificate[];
  readonly TLS_KEY?: readonly PrivateKey[];
  readonly TLS_KEY_PERMISSIONS?: 'strict' | 'any';
  readonly ADMIN_TLS?: boolean;
  readonly ADMIN_TLS_CERT?: Certificate | undefined;
  readonly ADMIN_TLS_KEY?: PrivateKey | undefined;
}

type Report = (name: keyof KeyPairSettings, problem: string) => void;

/** The pairs of the portal and the console; undefined, and reported, where there are none. */
export function readKeyPairs(
  { TLS_CERT: certificates, TLS_KEY: keys }: KeyPairSettings,
  report: Report,
): readonly KeyPair[] | undefined {
  if (!certificates || !keys) return undefined;
  try {
    return pairUpAll(certificates, keys);
  } catch (error) {
    report('TLS_KEY', messageOf(error));
    return undefined;
  }
}

/** The pair of the admin listener alone; undefined where it has none. */
export function readAdminKeyPair(config: KeyPairSettings, report: Report): KeyPair | undefined {
  // One that could not be read has been told of.
  if (!('ADMIN_TLS_CERT' in config && 'ADMIN_TLS_KEY' in config)) return undefined;
  const { ADMIN_TLS: on, ADMIN_TLS_CERT: certificate, ADMIN_TLS_KEY: key } = config;
  if (!certificate && !key) return undefined;
  if (on === false) {
    const unused = certificate ? 'ADMIN_TLS_CERT' : 'ADMIN_TLS_KEY';
    report(unused, 'serves nothing while ADMIN_TLS is off; set ADMIN_TLS=on, or leave it out');
  }
  if (certificate && key) {
    try {
      return pairUp(certificate, key, 'ADMIN_TLS_CERT');
    } catch (error) {
      report('ADMIN_TLS_KEY', messageOf(error));
    }
  } else if (certificate) {
    report('ADMIN_TLS_KEY', 'has to be set: write the path of the key of ADMIN_TLS_CERT');
  } else {
    const problem = 'has to be set: write the path of the certificate of ADMIN_TLS_KEY, or leave';
    report('ADMIN_TLS_CERT', `${problem} that out to have the first of TLS_CERT`);
  }
  return undefined;
}

/** Whoever reads a private key can be this site to anybody: none that is open to others is used. */
export function assertKeysAreKept(config: KeyPairSettings, report: Report): void {
  const { TLS_KEY: keys = [], ADMIN_TLS_KEY: adminKey, TLS_KEY_PERMISSIONS: rule } = config;
  if (rule !== 'strict') return;
  const otherwise = 'where its mode cannot be changed, set TLS_KEY_PERMISSIONS=any';
  for (const { path, exposure } of keys) {
    if (exposure === undefined) continue;
    const which = keys.length === 1 ? '' : `has ${path}, which `;
    report('TLS_KEY', `${which}${exposure}; ${otherwise}`);
  }
  if (adminKey?.exposure) report('ADMIN_TLS_KEY', `${adminKey.exposure}; ${otherwise}`);
}
