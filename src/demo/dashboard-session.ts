import { randomBytes, randomUUID } from 'node:crypto';
import type { Request } from 'express';

/** How long a login lasts, in seconds: Horizon's SESSION_TIMEOUT and Keystone's token life. */
const SESSION_SECONDS = 3600;

/** What a session of the dashboard holds; the upper part is named as Django and Horizon name it. */
export interface DashboardSession {
  _auth_user_id?: string;
  _auth_user_backend?: string;
  _auth_user_hash?: string;
  /** Seconds that the session still lives; written anew with every request. */
  _session_expiry?: number;
  user_id?: string;
  region_endpoint?: string;
  region_name?: string;
  services_region?: string;
  token?: { id: string; expires: string; user: { name: string } };
  /** Requests made with this session, and how many of them each dashboard served. */
  requests?: number;
  served_by?: Record<string, number>;
}

/** The request's session as the dashboard uses it. */
export function sessionOf(req: Request): DashboardSession {
  return req.session as DashboardSession;
}

/** The name of the user who is logged in, or undefined: nobody is, or the token's time is over. */
export function userOf(req: Request): string | undefined {
  const { _auth_user_id: id, token } = sessionOf(req);
  if (id === undefined || token === undefined) return undefined;
  return secondsLeft(token.expires) > 0 ? token.user.name : undefined;
}

/** Fills the session with a fresh login; what another user left in it goes. */
export function signIn(session: DashboardSession, user: string, region: string): void {
  const id = Buffer.from(user, 'utf8').toString('hex').padStart(32, '0');
  if (session._auth_user_id !== id) {
    delete session.requests;
    delete session.served_by;
  }
  const expires = new Date(Date.now() + SESSION_SECONDS * 1000).toISOString();
  Object.assign(session, {
    _auth_user_id: id,
    _auth_user_backend: 'openstack_auth.backend.KeystoneBackend',
    // Only Django would check it, with its own SECRET_KEY; it has the right form here.
    _auth_user_hash: randomBytes(32).toString('hex'),
    _session_expiry: SESSION_SECONDS,
    user_id: id,
    region_endpoint: 'http://keystone.invalid:5000/v3',
    region_name: region,
    services_region: region,
    token: { id: randomUUID(), expires, user: { name: user } },
  } satisfies DashboardSession);
}

/**
 * Writes the session anew, as Horizon's SESSION_REFRESH does with every request of a user: its
 * life counts down with the token's, and the dashboard `name` is counted as having served it.
 */
export function refreshSession(session: DashboardSession, name: string): void {
  session._session_expiry = Math.min(SESSION_SECONDS, secondsLeft(session.token?.expires ?? ''));
  session.requests = (session.requests ?? 0) + 1;
  const counts = new Map(Object.entries(session.served_by ?? {}));
  counts.set(name, (counts.get(name) ?? 0) + 1);
  session.served_by = Object.fromEntries(counts);
}

function secondsLeft(expires: string): number {
  const left = Math.floor((Date.parse(expires) - Date.now()) / 1000);
  return Number.isNaN(left) ? 0 : left;
}
