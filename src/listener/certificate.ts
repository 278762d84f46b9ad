import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { type FileReader, type FileText, readFromDisk } from '../config-files.ts';
import { messageOf } from '../errors.ts';

/** A certificate chain as it was read. */
export interface Certificate {
  readonly path: string;
  readonly pem: string;
  readonly leaf: X509Certificate;
}

/** A private key as it was read. */
export interface PrivateKey {
  readonly path: string;
  readonly pem: string;
  readonly key: KeyObject;
  /** Why others than the service may read it, and the remedy; undefined where they may not. */
  readonly exposure: string | undefined;
}

/** A certificate chain and its key, as PEM, proved to belong together. */
export interface KeyPair {
  readonly cert: string;
  readonly key: string;
  readonly certPath: string;
  readonly keyPath: string;
  readonly exposure: string | undefined;
  readonly leaf: X509Certificate;
  /** Names that the certificate is good for, as OpenSSL prints them. */
  readonly names: string;
  readonly validTo: Date;
}

/**
 * Reads a certificate chain.
 * @throws Error that says what is wrong with the file and what helps.
 */
export function readCertificate(path: string, read: FileReader = readFromDisk): Certificate {
  const { text: pem } = readText(path, read);
  try {
    return { path, pem, leaf: new X509Certificate(pem) };
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
export function readKey(path: string, read: FileReader = readFromDisk): PrivateKey {
  const { text: pem, exposure } = readText(path, read);
  try {
    return { path, pem, key: createPrivateKey(pem), exposure };
  } catch {
    throw new Error(
      'is not a private key that can be used; write the path of a PEM file with an RSA or EC key and no passphrase',
    );
  }
}

/**
 * Puts a certificate and a key together.
 * @param setting That the certificate comes from.
 * @throws Error where the key is another certificate's.
 */
export function pairUp(
  { path, pem, leaf }: Certificate,
  key: PrivateKey,
  setting = 'TLS_CERT',
): KeyPair {
  if (!leaf.checkPrivateKey(key.key)) {
    throw new Error(`belongs to another certificate than ${setting}; the two must be a pair`);
  }
  return {
    cert: pem,
    key: key.pem,
    certPath: path,
    keyPath: key.path,
    exposure: key.exposure,
    leaf,
    names: leaf.subjectAltName ?? leaf.subject,
    validTo: leaf.validToDate,
  };
}

function readText(path: string, read: FileReader): FileText {
  try {
    return read(path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT') throw new Error('does not exist; write the path of a PEM file');
    if (code === 'EACCES') {
      throw new Error('may not be read; make the file readable for the user that runs Dashgate');
    }
    // Node's own message repeats the path, and some put the key itself there.
    throw new Error(`cannot be read (${code}); write the path of a PEM file`);
  }
}
