import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

/** What opens the admin listener; with neither it is open. */
export interface Credentials {
  /** Of operators, who log in. */
  readonly password: string | undefined;
  /** Of programs, which send it with every request (RFC 6750 §2.1). */
  readonly token: string | undefined;
}

/** Whether two texts are the same, in a time that tells nothing of where they differ. */
export function isSame(one: string, other: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(one), digest(other));
}

/**
 * Proves that somebody has logged in to a session at that time by the password, without saying what that
 * is. With another password the login is void; and who can write where sessions are kept can neither
 * move it to another session nor make it younger.
 */
export function loginProof(
  { password, session, at }: { password: string; session: string; at: number },
  secret: string,
): string {
  return createHmac('sha256', secret)
    .update(JSON.stringify([password, session, at]))
    .digest('base64url');
}

/** The token that a request brings as `Authorization: Bearer …`; undefined: none. */
export function bearerToken(authorization: string | undefined): string | undefined {
  return /^bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
}
