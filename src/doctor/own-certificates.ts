import { messageOf } from '../errors.ts';
import type { KeyPair } from '../listener/certificate.ts';
import { type Chain, chainOf } from './certificate-chain.ts';
import { type Check, parted } from './check.ts';
import type { Report } from './finding.ts';
import { validityOf } from './validity.ts';

/** The certificates that clients are shown, and who may read their keys. */
export const ownCertificatesCheck: Check = {
  name: 'certificates',
  run({ config }, report) {
    const { keyPairs, adminKeyPair } = config;
    const pairs = new Set([...keyPairs, ...(adminKeyPair ? [adminKeyPair] : [])]);
    for (const pair of pairs) examinePair(pair, report, Date.now());
  },
};

function examinePair(pair: KeyPair, report: Report, now: number): void {
  const { leaf, certPath, keyPath, exposure } = pair;
  const validity = validityOf(leaf, now);
  const detail = `${validity.detail}, for ${namesOf(pair)}; its key is ${keyPath}`;
  report({ subject: certPath, ...validity, detail });
  if (leaf.subjectAltName === undefined) {
    report({
      severity: 'error',
      subject: certPath,
      detail: 'it has no subjectAltName, without which browsers refuse it',
      remedy: 'have it issued anew with the names in subjectAltName',
    });
  }
  try {
    examineChain(chainOf(pair.cert), certPath, report, now);
  } catch (error) {
    const remedy = 'write the certificate first, then its intermediates, in PEM';
    const detail = `its chain cannot be read: ${messageOf(error)}`;
    report({ severity: 'warning', subject: certPath, detail, remedy });
  }
  if (exposure === undefined) return;
  const { detail: what, remedy } = parted(exposure);
  report({ severity: 'warning', subject: keyPath, detail: `the key ${what}`, remedy });
}

function examineChain({ certificates, end }: Chain, path: string, report: Report, now: number) {
  for (const issuer of certificates.slice(1)) {
    const validity = validityOf(issuer, now);
    if (validity.severity === 'ok') continue;
    const detail = `of its issuer "${nameOf(issuer.subject)}": ${validity.detail}`;
    report({ subject: path, ...validity, detail });
  }
  const last = certificates.at(-1)!;
  switch (end) {
    case 'self-signed':
      report({
        severity: 'warning',
        subject: path,
        detail: 'it is self-signed, so browsers warn of it',
        remedy: 'have it issued by an authority that the users have, or give it to all of them',
      });
      return;
    case 'missing':
      report({
        severity: 'warning',
        subject: path,
        detail: `its chain ends at "${nameOf(last.subject)}", whose issuer "${nameOf(last.issuer)}" is neither in the file nor an authority of this host`,
        remedy:
          'append the intermediates to the file (fullchain.pem); where that issuer is a root that all users have, leave it as it is',
      });
      return;
    default:
      report({
        severity: 'ok',
        subject: path,
        detail: `its chain is whole: ${certificates.length} in the file, up to "${nameOf(end === 'own root' ? last.subject : last.issuer)}"`,
      });
  }
}

function namesOf({ leaf, names }: KeyPair): string {
  return leaf.subjectAltName === undefined ? `"${nameOf(names)}"` : names;
}

/** The common name of a distinguished name, or all of it, on one line. */
function nameOf(distinguished: string): string {
  return /^CN=(.*)$/m.exec(distinguished)?.[1] ?? distinguished.replaceAll('\n', ', ');
}
