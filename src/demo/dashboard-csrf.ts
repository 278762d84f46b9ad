import { randomInt, timingSafeEqual } from 'node:crypto';
import type { Request, Response } from 'express';
import { readCookie } from './request-cookie.ts';

/** The form field that carries the token, as Django names it. */
export const CSRF_FIELD = 'csrfmiddlewaretoken';
const COOKIE = 'csrftoken';
const HEADER = 'x-csrftoken';

const ALPHABET = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';
const SECRET_LENGTH = 32;
const TOKEN = /^[A-Za-z0-9]{64}$/;

/** The request may have been sent by another site's page; `message` is Django's reason. */
export class CsrfError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'CsrfError';
  }
}

/**
 * A token for one form, and the cookie that it has to agree with: the secret behind both is one,
 * each time masked anew (django.middleware.csrf, Django 3.2).
 */
export function issueCsrfToken(req: Request, res: Response): string {
  const inCookie = readCookie(req.headers.cookie, COOKIE);
  const secret = inCookie !== undefined && TOKEN.test(inCookie) ? unmask(inCookie) : newSecret();
  setCookie(req, res, secret);
  return mask(secret);
}

/** Begins a new secret, as Django does at login; forms rendered before are void. */
export function rotateCsrfToken(req: Request, res: Response): void {
  setCookie(req, res, newSecret());
}

/**
 * Throws a {@link CsrfError} unless the request comes from a page of this host: where the
 * dashboard believes to be reached by https, an https Origin or Referer of exactly its Host;
 * always, a token (of the form, else of the header X-CSRFToken) that agrees with the cookie.
 */
export function verifyCsrf(req: Request, formToken: unknown): void {
  if (req.secure) verifyReferer(req);
  const inCookie = readCookie(req.headers.cookie, COOKIE);
  if (inCookie === undefined || !TOKEN.test(inCookie)) throw new CsrfError('CSRF cookie not set.');
  const token = formToken || req.headers[HEADER];
  if (typeof token !== 'string' || !TOKEN.test(token) || !sameSecret(token, inCookie)) {
    throw new CsrfError('CSRF token missing or incorrect.');
  }
}

function verifyReferer(req: Request): void {
  const { origin, referer, host } = req.headers;
  const from = origin ?? referer;
  if (from === undefined) throw new CsrfError('Referer checking failed - no Referer.');
  if (!URL.canParse(from)) {
    throw new CsrfError('Referer checking failed - Referer is malformed.');
  }
  const { protocol, origin: fromOrigin } = new URL(from);
  if (protocol !== 'https:') {
    throw new CsrfError('Referer checking failed - Referer is insecure while host is secure.');
  }
  const own = `https://${host ?? ''}`;
  if (!URL.canParse(own) || new URL(own).origin !== fromOrigin) {
    throw new CsrfError(
      `Referer checking failed - ${fromOrigin} does not match any trusted origins.`,
    );
  }
}

function setCookie(req: Request, res: Response, secret: string): void {
  res.cookie(COOKIE, mask(secret), { path: '/', sameSite: 'lax', secure: req.secure });
}

function newSecret(): string {
  return Array.from({ length: SECRET_LENGTH }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');
}

/** A random mask, followed by the secret shifted letter by letter by that mask. */
function mask(secret: string): string {
  const key = newSecret();
  return key + shift(secret, key, 1);
}

function unmask(token: string): string {
  return shift(token.slice(SECRET_LENGTH), token.slice(0, SECRET_LENGTH), -1);
}

function shift(text: string, key: string, direction: 1 | -1): string {
  const size = ALPHABET.length;
  return Array.from(text, (character, i) => {
    const place = ALPHABET.indexOf(character) + direction * ALPHABET.indexOf(key[i]!);
    return ALPHABET[(place + size) % size];
  }).join('');
}

function sameSecret(one: string, other: string): boolean {
  return timingSafeEqual(Buffer.from(unmask(one)), Buffer.from(unmask(other)));
}
