import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { messageOf } from '../errors.ts';

/** A certificate chain and its key, as PEM, proved to belong together. */
export interface KeyPair {
  readonly cert: string;
  readonly key: string;
  /** Names that the certificate is good for, as OpenSSL prints them. */
  readonly names: string;
  readonly validTo: Date;
}

/**
 * Reads a certificate chain.
 * @throws Error that says what is wrong with the file and what helps.
 */
export function readCertificate(path: string): { pem: string; leaf: X509Certificate } {
  const pem = readText(path);
  try {
    return { pem, leaf: new X509Certificate(pem) };
  } catch (error) {
    throw new Error(
      `is not a certificate (${messageOf(error)}); write the path of a PEM file that starts with the server's certificate, intermediates after it`,
    );
  }
}

/**
 * Reads a private key without a passphrase.
 * @throws Error that says what is wrong with the file and what helps; never with its content.
 */
export function readKey(path: string): string {
  const pem = readText(path);
  try {
    createPrivateKey(pem);
    return pem;
  } catch {
    throw new Error(
      'is not a private key that can be used; write the path of a PEM file with an RSA or EC key and no passphrase',
    );
  }
}

/**
 * Puts a certificate and a key together.
 * @throws Error where the key is another certificate's.
 */
export function pairUp(certificate: { pem: string; leaf: X509Certificate }, key: string): KeyPair {
  const { pem, leaf } = certificate;
  if (!leaf.checkPrivateKey(createPrivateKey(key))) {
    throw new Error('belongs to another certificate than TLS_CERT; the two must be a pair');
  }
  return {
    cert: pem,
    key,
    names: leaf.subjectAltName ?? leaf.subject,
    validTo: leaf.validToDate,
  };
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT') throw new Error('does not exist; write the path of a PEM file');
    if (code === 'EACCES') {
      throw new Error('may not be read; make the file readable for the user that runs Dashgate');
    }
    throw new Error(`cannot be read: ${messageOf(error)}`);
  }
}
