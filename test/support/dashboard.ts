import assert from 'node:assert/strict';
import type { Express, RequestHandler } from 'express';
import request from 'supertest';
import { startEmbeddedMemcached } from '../../src/demo/embedded-memcached.ts';
import { createMockDashboard, type MockDashboardOptions } from '../../src/demo/mock-dashboard.ts';
import { Cluster } from '../../src/memcached/cluster.ts';
import { djangoSession } from '../../src/session/middleware.ts';

export type Agent = ReturnType<typeof request.agent>;

/** Sessions as the dashboards keep them, in a memcached of this process. */
export interface SessionService {
  /** Dashboards that are given the same handler share their sessions. */
  readonly sessions: RequestHandler;
  /** Takes memcached away; may be called again. */
  close(): Promise<void>;
}

export async function startSessions(): Promise<SessionService> {
  const memcached = await startEmbeddedMemcached();
  const client = new Cluster({
    nodes: [`${memcached.host}:${memcached.port}`],
    placement: 'pymemcache',
  });
  let closed: Promise<void> | undefined;
  return {
    sessions: djangoSession({ client }),
    close: () => {
      client.close();
      closed ??= memcached.close();
      return closed;
    },
  };
}

/** A mock dashboard with the user `demo` and her password `secret`. */
export function testDashboard(
  options: Partial<MockDashboardOptions> & Pick<MockDashboardOptions, 'sessions'>,
): Express {
  return createMockDashboard({
    name: 'dashboard-1',
    users: { demo: 'secret' },
    consoleUrl: 'https://127.0.0.1:6080/vnc_lite.html',
    tokens: (id) => `token-of-${id}`,
    ...options,
  });
}

/** The CSRF token of the first form on a page. */
export function csrfTokenIn(page: string): string {
  const token = /name="csrfmiddlewaretoken" value="(\w{64})"/.exec(page)?.[1];
  assert.ok(token !== undefined, 'the page has a form with a CSRF token');
  return token;
}

/** A browser that is logged in as `demo`. */
export async function loggedIn(app: Express, webroot = '/dashboard/'): Promise<Agent> {
  const agent = request.agent(app);
  const page = await agent.get(`${webroot}auth/login/`).expect(200);
  await agent
    .post(`${webroot}auth/login/`)
    .type('form')
    .send({
      csrfmiddlewaretoken: csrfTokenIn(page.text),
      username: 'demo',
      password: 'secret',
    })
    .expect(302)
    .expect('Location', webroot);
  return agent;
}
