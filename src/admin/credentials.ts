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

/** Says which password it was without saying what it is: with another one, logins are void. */
export function fingerprint(password: string, secret: string): string {
  return createHmac('sha256', secret).update(password).digest('base64url');
}

/** The token that a request brings as `Authorization: Bearer …`; undefined: none. */
export function bearerToken(authorization: string | undefined): string | undefined {
  return /^bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
}
