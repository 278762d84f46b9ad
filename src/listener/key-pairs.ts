import { type FileReader, readFromDisk } from '../config-files.ts';
import { messageOf } from '../errors.ts';
import {
  type Certificate,
  type KeyPair,
  type PrivateKey,
  pairUp,
  readCertificate,
  readKey,
} from './certificate.ts';

/** How long before its end a certificate is warned of, in ms. */
const EXPIRY_WARNING_MS = 30 * 24 * 3_600_000;

/**
 * Reads TLS_CERT: paths of PEM files, comma-separated.
 * @throws Error that names the file, what is wrong with it and what helps.
 */
export function readCertificates(text: string, read: FileReader = readFromDisk): Certificate[] {
  return readEach(text, (path) => readCertificate(path, read));
}

/**
 * Reads TLS_KEY: paths of PEM files, comma-separated, in the order of TLS_CERT.
 * @throws Error that names the file, what is wrong with it and what helps; never its content.
 */
export function readKeys(text: string, read: FileReader = readFromDisk): PrivateKey[] {
  return readEach(text, (path) => readKey(path, read));
}

/**
 * Puts certificates and keys together, each with its neighbour in the other list.
 * @throws Error that completes the sentence "TLS_KEY=value …".
 */
export function pairUpAll(
  certificates: readonly Certificate[],
  keys: readonly PrivateKey[],
): KeyPair[] {
  if (certificates.length !== keys.length) {
    throw new Error(
      `has ${count(keys.length, 'key')} for ${count(certificates.length, 'certificate')} in TLS_CERT; name one key for each, in the same order`,
    );
  }
  return certificates.map((certificate, index) => {
    const key = keys[index]!;
    if (certificates.length === 1 || certificate.leaf.checkPrivateKey(key.key)) {
      return pairUp(certificate, key);
    }
    throw new Error(
      `has ${key.path}, which is not the key of ${certificate.path} in the same place of TLS_CERT; put both lists into the same order`,
    );
  });
}

/**
 * What is not wrong enough to refuse a key pair, but will trouble browsers; each a sentence that
 * starts with the path of the file.
 */
export function warningsOf(pair: KeyPair, now: number): string[] {
  const { leaf, certPath } = pair;
  const warnings: string[] = [];
  const left = leaf.validToDate.getTime() - now;
  if (left <= 0) {
    warnings.push(`has expired on ${leaf.validTo}; browsers refuse it until it is renewed`);
  } else if (left <= EXPIRY_WARNING_MS) {
    warnings.push(`expires on ${leaf.validTo}; renew it`);
  }
  if (leaf.validFromDate.getTime() > now) {
    warnings.push(`is valid only from ${leaf.validFrom}; browsers refuse it until then`);
  }
  if (leaf.subjectAltName === undefined) {
    warnings.push('has no subjectAltName, which browsers require; have it issued anew with one');
  }
  return warnings.map((warning) => `${certPath} ${warning}`);
}

function readEach<T>(text: string, read: (path: string) => T): T[] {
  const paths = text
    .split(',')
    .map((path) => path.trim())
    .filter(Boolean);
  if (paths.length === 0) throw new Error('names no file; write the path of a PEM file');
  return paths.map((path) => {
    try {
      return read(path);
    } catch (error) {
      if (paths.length === 1) throw error;
      // Some put the key itself where its path belongs.
      const shown = /-----BEGIN|\n/.test(path) ? 'PEM text' : path;
      throw new Error(`has ${shown}, which ${messageOf(error)}`);
    }
  });
}

function count(number: number, noun: string): string {
  return number === 1 ? `1 ${noun}` : `${number} ${noun}s`;
}
