import { randomInt } from 'node:crypto';

const ID_LENGTH = 32;
const ID_ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789';

/**
 * What stands before the id in the key of a session, as Django's cache backend makes it.
 * @param keyPrefix the dashboards' KEY_PREFIX
 * @param keyVersion the dashboards' VERSION
 */
export function sessionKeyPrefix(keyPrefix = '', keyVersion = 1): string {
  return `${keyPrefix}:${keyVersion}:django.contrib.sessions.cache`;
}

/** A fresh session id: 32 characters of `[a-z0-9]`, each drawn uniformly (165 bits). */
export function newSessionId(): string {
  return Array.from({ length: ID_LENGTH }, () => ID_ALPHABET[randomInt(ID_ALPHABET.length)]).join(
    '',
  );
}

/** Whether `value` has the form of a session id that Django makes. */
export function isSessionId(value: unknown): value is string {
  return typeof value === 'string' && /^[a-z0-9]{32}$/.test(value);
}
