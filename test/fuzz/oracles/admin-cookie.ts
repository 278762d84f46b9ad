import { createHmac } from 'node:crypto';
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { Request, RequestHandler, Response } from 'express';
import { adminSessions } from '../../../src/admin/admin-sessions.ts';
import { silentLogger } from '../../../src/log.ts';
import type { MemcachedClient } from '../../../src/memcached/client.ts';
import { ADMIN_COOKIE } from '../../../src/policy/cookies.ts';

const SECRET = 'a secret of the admin sessions';

/** The cookie of an admin session with this id, as express-session signs it. */
export function signedCookie(id: string): string {
  const signature = createHmac('sha256', SECRET).update(id).digest('base64').replace(/=+$/, '');
  return `${ADMIN_COOKIE}=${encodeURIComponent(`s:${id}.${signature}`)}`;
}

/** Admin sessions on a memcached that has one for every key. */
export class AdminSessions {
  readonly #handler: RequestHandler;
  #asked: string[] = [];

  constructor() {
    const cookie = { expires: '9999-01-01T00:00:00.000Z' };
    const item = JSON.stringify({ admin: 'somebody', loginAt: 0, cookie });
    const client: Pick<MemcachedClient, 'get' | 'add' | 'replace' | 'delete'> = {
      get: async (key) => {
        this.#asked.push(key);
        return { value: Buffer.from(item), flags: 0 };
      },
      add: async () => true,
      replace: async () => true,
      delete: async () => true,
    };
    const logger = silentLogger;
    this.#handler = adminSessions({ client: () => client, secret: SECRET, idleMs: 1000, logger });
  }

  /** The ids of sessions that a request with this Cookie header has looked up, and whether it got in. */
  async look(cookie: string): Promise<{ ids: string[]; in: boolean }> {
    this.#asked = [];
    const request = new IncomingMessage(new Socket());
    request.url = '/';
    request.headers.cookie = cookie;
    const response = new ServerResponse(request);
    await new Promise<void>((resolve, reject) => {
      this.#handler(request as Request, response as Response, (error?: unknown) => {
        if (error) reject(error);
        else resolve();
      });
    });
    const ids = this.#asked.map((key) => key.slice(key.lastIndexOf(':') + 1));
    return { ids, in: (request as Request).session.admin !== undefined };
  }
}
