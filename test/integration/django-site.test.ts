import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import express from 'express';
import supertest from 'supertest';
import { Cluster } from '../../src/memcached/cluster.ts';
import { cycleKey, djangoSession, flushSession } from '../../src/session/middleware.ts';
import { startDjango } from '../support/django/process.ts';
import { startMemcached } from '../support/memcached.ts';

interface Answer {
  status: number;
  headers: Record<string, unknown>;
  body: unknown;
}

/** The same four views, in Django and in Express, over the same memcached cluster. */
async function start(t: TestContext) {
  const running = await Promise.all([startMemcached(t), startMemcached(t), startMemcached(t)]);
  const nodes = running.map(({ address }) => address);
  const port = await startDjango(t, 'site.py', ['pymemcache', JSON.stringify(nodes)]).line();
  const client = new Cluster({ nodes, placement: 'pymemcache' });
  t.after(() => client.close());

  const app = express();
  app.use(djangoSession({ client }));
  const valuesOf = (req: express.Request) => req.session as unknown as Record<string, unknown>;
  app.get('/show', (req, res) => {
    const { cookie: _, ...values } = valuesOf(req);
    res.send(values);
  });
  app.get('/put', (req, res) => {
    Object.assign(req.session, req.query);
    res.send('put');
  });
  app.get('/login', async (req, res) => {
    await cycleKey(req);
    valuesOf(req).user = req.query.user;
    res.send('in');
  });
  app.get('/logout', async (req, res) => {
    await flushSession(req, res);
    res.send('out');
  });

  const ask = async (server: Parameters<typeof supertest>[0], path: string, id?: string) => {
    const request = supertest(server).get(path);
    const response: Answer = await (id ? request.set('Cookie', `sessionid=${id}`) : request);
    assert.equal(response.status, 200);
    const lines = (response.headers['set-cookie'] ?? []) as string[];
    assert.ok(lines.length <= 1);
    const line = lines[0] ?? '';
    return { body: response.body, line, id: /^sessionid=([a-z0-9]{32});/.exec(line)?.[1] };
  };
  return {
    django: (path: string, id?: string) => ask(`http://127.0.0.1:${port}`, path, id),
    here: (path: string, id?: string) => ask(app, path, id),
  };
}

describe('an Express application beside a real Django site', () => {
  for (const [first, second] of [
    ['django', 'here'],
    ['here', 'django'],
  ] as const) {
    it(`shares a login at ${first}, its data, and its logout at ${second}`, async (t) => {
      const site = await start(t);
      const visitor = (await site[first]('/put?next=instances')).id;
      assert.ok(visitor);
      const user = (await site[first]('/login?user=J%C3%BCrgen', visitor)).id;
      assert.ok(user);
      assert.notEqual(user, visitor);
      const expected = { next: 'instances', user: 'Jürgen' };
      assert.deepEqual((await site[second]('/show', user)).body, expected);
      assert.deepEqual((await site[second]('/show', visitor)).body, {});

      await site[second]('/put?more=1', user);
      assert.deepEqual((await site[first]('/show', user)).body, { ...expected, more: '1' });

      await site[second]('/logout', user);
      assert.deepEqual((await site[first]('/show', user)).body, {});
      assert.deepEqual((await site[second]('/show', user)).body, {});
    });

    it(`takes a login of a visitor of ${second} at ${first}`, async (t) => {
      const site = await start(t);
      const visitor = (await site[second]('/put?next=instances')).id;
      const user = (await site[first]('/login?user=u', visitor)).id;
      const expected = { next: 'instances', user: 'u' };
      assert.deepEqual((await site[second]('/show', user)).body, expected);
      assert.deepEqual((await site[second]('/show', visitor)).body, {});
    });
  }

  it('sets the very cookies that Django sets', async (t) => {
    const { django, here } = await start(t);
    const form = (line: string) =>
      line.replace(/^sessionid=[a-z0-9]{32}/, 'sessionid=id').replace(/expires=[^;]+/, 'expires=');
    const ours = await here('/put?a=1');
    const theirs = await django('/put?a=1');
    assert.match(form(ours.line), /^sessionid=id; expires=; HttpOnly; Max-Age=3600; Path=\/;/);
    assert.equal(form(ours.line), form(theirs.line));
    assert.match(ours.line, /expires=\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT;/);

    assert.equal((await here('/logout', ours.id)).line, (await django('/logout', theirs.id)).line);
    // Both forget a cookie whose session is gone.
    const line = (await django('/show', ours.id)).line;
    assert.match(line, /^sessionid="";/);
    assert.equal((await here('/show', theirs.id)).line, line);
  });
});
