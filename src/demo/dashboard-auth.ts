import { createHash, timingSafeEqual } from 'node:crypto';
import express, { type Request, type RequestHandler, type Response } from 'express';
import { cycleKey, flushSession } from '../session/middleware.ts';
import { CSRF_FIELD, issueCsrfToken, rotateCsrfToken, verifyCsrf } from './dashboard-csrf.ts';
import type { Site } from './dashboard-layout.ts';
import { loginPage } from './dashboard-pages.ts';
import { absoluteUrl, encodePath, isBackground, safeNext } from './dashboard-redirects.ts';
import { refreshSession, sessionOf, signIn, userOf } from './dashboard-session.ts';

const YEAR_MS = 365 * 24 * 3600 * 1000;

/** User names and their passwords. */
export type Users = Readonly<Record<string, string>>;

/** The pages under `auth/`: login and logout, as openstack_auth has them. */
export function authPages(site: Site, users: Users): express.Router {
  const router = express.Router({ strict: true });
  const form = express.urlencoded({ extended: false, limit: '64kb' });

  router.get('/login/', (req, res) => {
    const next = safeNext(req.query.next);
    if (userOf(req) !== undefined && next === undefined) {
      res.redirect(302, site.webroot);
      return;
    }
    const problem =
      req.query.csrf_failure === undefined
        ? undefined
        : 'The form could not be trusted to come from this dashboard. Please try again.';
    res.send(loginPage(site, { csrfToken: issueCsrfToken(req, res), next, problem }));
  });

  router.post('/login/', form, async (req, res) => {
    verifyCsrf(req, field(req, CSRF_FIELD));
    const user = field(req, 'username');
    const next = safeNext(field(req, 'next'));
    if (!passwordMatches(users, user, field(req, 'password'))) {
      const problem = 'Invalid credentials.';
      res.send(loginPage(site, { csrfToken: issueCsrfToken(req, res), user, next, problem }));
      return;
    }
    const region = field(req, 'region') || 'default';
    await cycleKey(req);
    signIn(sessionOf(req), user, region);
    rotateCsrfToken(req, res);
    res.cookie('login_region', region, { path: '/', maxAge: YEAR_MS });
    res.cookie('login_domain', 'Default', { path: '/', maxAge: YEAR_MS });
    res.redirect(302, next ?? site.webroot);
  });

  const logout = async (req: Request, res: Response) => {
    await flushSession(req, res);
    res.redirect(302, `${site.webroot}auth/login/`);
  };
  router.get('/logout/', logout);
  router.post('/logout/', form, async (req, res) => {
    verifyCsrf(req, field(req, CSRF_FIELD));
    await logout(req, res);
  });
  return router;
}

/**
 * Lets only users pass, and writes their session anew. Others are sent to the login page, by an
 * absolute URL as Horizon does it; background requests are told so in X-Horizon-Location.
 */
export function requireLogin(site: Site): RequestHandler {
  return (req, res, next) => {
    if (userOf(req) !== undefined) {
      refreshSession(sessionOf(req), site.name);
      next();
      return;
    }
    const path = `${site.webroot}auth/login/?next=${encodePath(req.originalUrl)}`;
    const login = absoluteUrl(req, path);
    if (isBackground(req)) res.status(401).set('X-Horizon-Location', login).end();
    else res.redirect(302, login);
  };
}

/** A field of an urlencoded form; empty where it is absent or sent more than once. */
function field(req: Request, name: string): string {
  const value: unknown = req.body?.[name];
  return typeof value === 'string' ? value : '';
}

/** Takes equally long whether the user exists or not, and however much of the password is right. */
function passwordMatches(users: Users, user: string, password: string): boolean {
  const known = Object.hasOwn(users, user);
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(known ? users[user]! : ''), digest(password)) && known;
}
