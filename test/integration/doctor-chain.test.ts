import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { chainOf } from '../../src/doctor/certificate-chain.ts';
import { findings, of } from '../support/doctor.ts';
import { temporaryFolder } from '../support/gateway.ts';

/** A root, an intermediate that it issued, and a server's certificate that this one issued. */
function issueChain(t: TestContext) {
  const folder = temporaryFolder(t);
  const path = (name: string) => join(folder, name);
  const make = (name: string, extension: string, days: number, issuer?: string) => {
    execFileSync(
      'openssl',
      [
        ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-noenc'],
        ...['-subj', `/CN=${name}`, '-days', String(days), '-addext', extension],
        ...['-keyout', path(`${name}.key`), '-out', path(`${name}.pem`)],
        ...(issuer ? ['-CA', path(`${issuer}.pem`), '-CAkey', path(`${issuer}.key`)] : []),
      ],
      { stdio: 'pipe' },
    );
    return readFileSync(path(`${name}.pem`), 'utf8');
  };
  const authority = 'keyUsage=critical,keyCertSign';
  const root = make('root', authority, 100);
  const intermediate = make('intermediate', authority, 20, 'root');
  const leaf = make('leaf', 'subjectAltName=DNS:dash.example', 50, 'intermediate');
  const examined = async (pem: string) => {
    writeFileSync(path('cert.pem'), pem);
    const found = await findings(t, { TLS_CERT: path('cert.pem'), TLS_KEY: path('leaf.key') });
    return of(found, 'certificates', path('cert.pem'));
  };
  return { root, intermediate, leaf, examined };
}

test('a chain is followed to its root, in whatever order its file has it', (t) => {
  const { root, intermediate, leaf } = issueChain(t);
  const subjects = (pem: string) => chainOf(pem).certificates.map(({ subject }) => subject);
  assert.equal(chainOf(leaf + root + intermediate).end, 'own root');
  assert.deepEqual(subjects(leaf + root + intermediate), ['CN=leaf', 'CN=intermediate', 'CN=root']);
  assert.equal(chainOf(leaf + intermediate).end, 'missing');
  assert.equal(chainOf(leaf + root).end, 'missing');
  assert.equal(chainOf(root).end, 'self-signed');
});

test('a missing intermediate is named, and one that ends soon', async (t) => {
  const { root, intermediate, leaf, examined } = issueChain(t);
  const [, missing] = await examined(leaf);
  assert.equal(missing!.severity, 'warning');
  assert.match(missing!.detail, /ends at "leaf", whose issuer "intermediate" is neither/);
  assert.match(missing!.remedy!, /append the intermediates/);
  const [own, soon, whole] = await examined(leaf + intermediate + root);
  assert.equal(own!.severity, 'ok');
  assert.equal(soon!.severity, 'warning');
  assert.match(soon!.detail, /of its issuer "intermediate": it is valid until/);
  assert.equal(whole!.severity, 'ok');
  assert.match(whole!.detail, /3 in the file, up to "root"/);
});
