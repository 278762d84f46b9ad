import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { startDjango } from './process.ts';

/** A Django site of a few views that use its session. */
export interface DjangoSite {
  /** Asks a view of a Django site as a user; the session's id, which may be new, and the answer. */
  ask(path: string, id?: string): Promise<{ id: string; body: string }>;
}

/** A real Django site whose sessions lie at these addresses. */
export async function startSite(
  t: TestContext,
  placement: string,
  location: readonly string[],
): Promise<DjangoSite> {
  const port = await startDjango(t, 'site.py', [placement, JSON.stringify(location)]).line();
  return {
    async ask(path, id = '') {
      const headers = id ? { cookie: `sessionid=${id}` } : undefined;
      const answer = await fetch(`http://127.0.0.1:${port}${path}`, headers && { headers });
      const body = await answer.text();
      assert.equal(answer.status, 200, `${path}: ${body}`);
      const cookie = answer.headers.get('set-cookie') ?? '';
      return { id: /sessionid=([a-z0-9]{32});/.exec(cookie)?.[1] ?? id, body };
    },
  };
}
