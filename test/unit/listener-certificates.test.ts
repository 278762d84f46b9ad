import assert from 'node:assert/strict';
import { chmodSync, chownSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import type { CertificateFiles } from '../../src/demo/certificate.ts';
import type { KeyPair } from '../../src/listener/certificate.ts';
import { chooseCertificates, groupFor } from '../../src/listener/certificate-choice.ts';
import { pairUpAll, readCertificates, readKeys, warningsOf } from '../../src/listener/key-pairs.ts';
import { TlsContexts } from '../../src/listener/tls-contexts.ts';
import { type IssueOptions, issue } from '../support/certificates.ts';
import { temporaryFolder } from '../support/gateway.ts';

const DAY_MS = 24 * 3_600_000;

/** Reads the files as TLS_CERT and TLS_KEY name them. */
function load(...files: CertificateFiles[]): KeyPair[] {
  return pairUpAll(
    readCertificates(files.map(({ cert }) => cert).join(', ')),
    readKeys(files.map(({ key }) => key).join(', ')),
  );
}

let folder: string;
let ec: CertificateFiles;
let rsa: CertificateFiles;
let wildcard: CertificateFiles;
let other: CertificateFiles;

before(async (t) => {
  folder = temporaryFolder(t as never);
  const names = ['cloud.example', 'www.cloud.example', '192.0.2.1'];
  ec = await issue(folder, 'ec', { names });
  rsa = await issue(folder, 'rsa', { names, keyType: 'rsa' });
  wildcard = await issue(folder, 'wildcard', { names: ['*.Console.example'] });
  other = await issue(folder, 'other', { names: ['cloud.example'] });
});

/** The files of the certificates that serve a name, in order. */
function served(pairs: KeyPair[], name: string): string[] {
  const [first, ...rest] = pairs;
  const choice = chooseCertificates([first!, ...rest]);
  return groupFor(choice, name).map(({ certPath }) => certPath);
}

test('a name is served by one certificate of each kind of key', () => {
  const pairs = load(ec, rsa, wildcard);
  assert.deepEqual(served(pairs, 'www.cloud.example'), [ec.cert, rsa.cert]);
  assert.deepEqual(served(pairs, 'WWW.Cloud.Example'), [ec.cert, rsa.cert]);
});

test('a name that no certificate is good for gets the first, with its companions', () => {
  const pairs = load(ec, rsa, wildcard);
  for (const name of ['', '.', 'example', 'cloud.example.org', '192.0.2.1', '__proto__']) {
    assert.deepEqual(served(pairs, name), [ec.cert, rsa.cert], name);
  }
  assert.deepEqual(served(load(wildcard, ec, rsa), 'else.example'), [wildcard.cert]);
});

test('a wildcard is good for exactly one label', () => {
  const pairs = load(ec, wildcard);
  assert.deepEqual(served(pairs, 'a.console.example'), [wildcard.cert]);
  assert.deepEqual(served(pairs, 'a.b.console.example'), [ec.cert]);
  assert.deepEqual(served(pairs, 'console.example'), [ec.cert]);
  assert.deepEqual(served(pairs, '*.b.console.example'), [ec.cert]);
});

test('the name itself comes before the wildcard that covers it', async (t) => {
  const exact = await issue(temporaryFolder(t), 'exact', { names: ['a.console.example'] });
  assert.deepEqual(served(load(wildcard, exact), 'a.console.example'), [exact.cert]);
  assert.deepEqual(served(load(wildcard, exact), 'b.console.example'), [wildcard.cert]);
});

test('of two certificates with the same kind of key the first serves, and the other is told', () => {
  const pairs = load(ec, other, rsa);
  assert.deepEqual(served(pairs, 'cloud.example'), [ec.cert, rsa.cert]);
  const { unused } = new TlsContexts(pairs);
  assert.deepEqual(
    unused.map(({ certPath }) => certPath),
    [other.cert],
  );
});

test('a companion of the fallback is good for all of its names', () => {
  assert.deepEqual(served(load(ec, rsa), ''), [ec.cert, rsa.cert]);
  assert.deepEqual(served(load(rsa, other), ''), [rsa.cert]);
  assert.deepEqual(served(load(rsa, other), 'cloud.example'), [rsa.cert, other.cert]);
});

test('equal choices are one group, so that many names need few TLS contexts', () => {
  const [first, ...rest] = load(ec, rsa, wildcard);
  const { byName, fallback } = chooseCertificates([first!, ...rest]);
  assert.equal(byName.size, 4);
  assert.equal(new Set([fallback, ...byName.values()]).size, 2);
});

test('the common name counts where there is no other', async (t) => {
  const old = await issue(temporaryFolder(t), 'old.example', { names: [] });
  const pairs = load(ec, old);
  assert.deepEqual(served(pairs, 'old.example'), [old.cert]);
  assert.match(warningsOf(pairs[1]!, Date.now()).join(), /old\.example\.pem has no subjectAltName/);
});

test('lists that do not fit together are told with the remedy', () => {
  const problem = (certs: string, keys: string) => () =>
    pairUpAll(readCertificates(certs), readKeys(keys));
  assert.throws(problem(`${ec.cert},${rsa.cert}`, ec.key), {
    message: 'has 1 key for 2 certificates in TLS_CERT; name one key for each, in the same order',
  });
  assert.throws(problem(`${ec.cert},${rsa.cert}`, `${rsa.key},${ec.key}`), {
    message: `has ${rsa.key}, which is not the key of ${ec.cert} in the same place of TLS_CERT; put both lists into the same order`,
  });
  assert.throws(problem(ec.cert, other.key), /^Error: belongs to another certificate/);
  assert.throws(problem(`${ec.cert},/nowhere.pem`, ec.key), /has \/nowhere\.pem, which does not/);
  assert.throws(problem(`${ec.cert},${ec.key}`, ec.key), /has .*ec\.key, which is not a certif/);
  assert.throws(problem(' , ', ec.key), /names no file/);
});

test('a key in place of its path is never repeated', () => {
  const pem = readFileSync(rsa.key, 'latin1');
  for (const text of [pem, pem.replaceAll(/[\n/]/g, ''), `${ec.key},${pem}`]) {
    assert.throws(
      () => readKeys(text),
      (error: Error) =>
        !error.message.includes(text.slice(-200, -180)) && error.message.length > 20,
    );
  }
});

test('a key that others may read is told with its mode, owner and remedy, by the rule that PostgreSQL has', () => {
  const path = join(folder, 'exposed.key');
  writeFileSync(path, readFileSync(ec.key));
  const exposure = (mode: number) => {
    chmodSync(path, mode);
    return readKeys(path)[0]!.exposure;
  };
  const own = process.getuid!();
  const owner = own === 0 ? 'root' : `user ${own}`;
  for (const mode of [0o600, 0o400, 0o700]) assert.equal(exposure(mode), undefined);
  for (const mode of [0o644, 0o604, 0o620, 0o660, 0o601, 0o666]) {
    const told = `is open to others (mode 0${mode.toString(8)}, of ${owner}); run chmod 600 ${path}`;
    assert.ok(exposure(mode)!.startsWith(told), exposure(mode));
  }
  // Debian's /etc/ssl/private: the file is root's, the service is in its group.
  if (own === 0) {
    for (const mode of [0o640, 0o440]) assert.equal(exposure(mode), undefined);
    chownSync(path, 65_534, 65_534);
  }
  assert.match(exposure(0o640)!, /mode 0640, of user \d+\); run chmod 600/);
});

test('warns of an end that is near or past, and of a beginning that is to come', async (t) => {
  const warnings = async (options: Omit<IssueOptions, 'names'>) => {
    const files = await issue(temporaryFolder(t), 'dated', { names: ['a.example'], ...options });
    const [pair] = load(files);
    return warningsOf(pair!, Date.now()).map((line) => line.replace(files.cert, 'it'));
  };
  const from = (days: number) => new Date(Date.now() + days * DAY_MS);
  assert.deepEqual(await warnings({ notAfter: from(31) }), []);
  assert.match((await warnings({ notAfter: from(29) })).join(), /^it expires on .*; renew it$/);
  assert.match(
    (await warnings({ notBefore: from(-9), notAfter: from(-1) })).join(),
    /^it has expired on .*; browsers refuse it until it is renewed$/,
  );
  assert.match(
    (await warnings({ notBefore: from(1), notAfter: from(90) })).join(),
    /^it is valid only from .*; browsers refuse it until then$/,
  );
});

test('a key too weak for TLS is refused with the file that it belongs to', async (t) => {
  const weak = await issue(temporaryFolder(t), 'weak', {
    names: ['a.example'],
    keyType: 'rsa',
    keySize: 1024,
  });
  assert.throws(() => new TlsContexts(load(ec, weak)), /weak\.pem cannot be used for TLS: .*small/);
});
