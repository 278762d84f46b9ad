import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deviations, INTERMEDIATE, offerOf } from './profile.ts';
import { ATTACKS, isAtFault, listed } from './report.ts';
import type { Finding } from './scan.ts';

/** What testssl.sh says of a server that is as it has to be. */
const SOUND: readonly Finding[] = [
  { id: 'SSLv3', severity: 'OK', finding: 'not offered' },
  { id: 'TLS1_2', severity: 'OK', finding: 'offered' },
  { id: 'TLS1_3', severity: 'OK', finding: 'offered with final' },
  { id: 'cipherlist_3DES_IDEA', severity: 'INFO', finding: 'not offered' },
  { id: 'PFS_ciphers', severity: 'INFO', finding: INTERMEDIATE.suites.join(' ') },
  { id: 'PFS_ECDHE_curves', severity: 'OK', finding: 'prime256v1 secp384r1 X25519' },
  { id: 'cipher_order', severity: 'OK', finding: 'server' },
  { id: 'cert_keySize <cert#1>', severity: 'INFO', finding: 'RSA 2048 bits' },
  { id: 'cert_keySize <cert#2>', severity: 'OK', finding: 'EC 256 bits' },
  { id: 'HSTS', severity: 'LOW', finding: 'not offered' },
  ...ATTACKS.map((id): Finding => ({ id, severity: 'OK', finding: 'not vulnerable' })),
];

/** The sound ones with one in another's place. */
function but(id: string, change: Partial<Finding>): Finding[] {
  return SOUND.map((finding) => (finding.id === id ? { ...finding, ...change } : finding));
}

test('a finding above LOW is a fault of Dashgate, unless it is accepted for that listener', () => {
  const headers: Finding = { id: 'security_headers', severity: 'MEDIUM', finding: '--' };
  assert.equal(isAtFault({ subject: 'portal', findings: SOUND }), false);
  assert.equal(isAtFault({ subject: 'console', findings: [...SOUND, headers] }), false);
  assert.equal(isAtFault({ subject: 'portal', findings: [...SOUND, headers] }), true);
  const open = but('heartbleed', { severity: 'HIGH', finding: 'VULNERABLE' });
  assert.equal(isAtFault({ subject: 'portal', findings: open }), true);
  assert.equal(isAtFault({ subject: 'haproxy', findings: open }), false);
  assert.match(listed([{ subject: 'console', findings: [headers] }]), /accepted: of the backend/);
});

test('an attack that was not tried is a fault, too', () => {
  const findings = SOUND.filter(({ id }) => id !== 'ROBOT');
  assert.equal(isAtFault({ subject: 'portal', findings }), true);
});

test('any difference to the profile is told', () => {
  const told = (findings: readonly Finding[]) => deviations(offerOf(findings)).join('; ');
  assert.equal(told(SOUND), '');
  assert.match(told(but('SSLv3', { finding: 'offered' })), /protocols: also SSL 3/);
  const suites = `${INTERMEDIATE.suites.join(' ')} DHE-RSA-AES128-GCM-SHA256`;
  assert.match(told(but('PFS_ciphers', { finding: suites })), /also DHE-RSA.*; DH over finite/);
  assert.match(told(but('PFS_ECDHE_curves', { finding: 'X25519' })), /without prime256v1, secp384/);
  assert.match(told(but('cipherlist_3DES_IDEA', { finding: 'offered' })), /kinds 3DES/);
  const ecdsa = INTERMEDIATE.suites.filter((name) => !name.includes('RSA-') || /ECDSA/.test(name));
  const one = but('PFS_ciphers', { finding: ecdsa.join(' ') });
  assert.match(told(one), /suites: without ECDHE-RSA/);
  assert.equal(told(one.filter(({ id }) => id !== 'cert_keySize <cert#1>')), '');
});
