import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import type { SessionData } from 'express-session';
import { Cluster } from '../../src/memcached/cluster.ts';
import { PLACEMENTS, type Placement } from '../../src/memcached/placement.ts';
import { newSessionId } from '../../src/session/django-session.ts';
import { PyFloat, PyFrozenSet, PyTuple, type PyValue } from '../../src/session/pickle-values.ts';
import { SessionStore } from '../../src/session/session-store.ts';
import { startDjango } from '../support/django/process.ts';
import { startMemcached } from '../support/memcached.ts';
import { describePickle } from '../support/pickle-description.ts';

const COUNT = 100;

/** Three real memcached nodes, real Django over them, and our store over them. */
async function start(t: TestContext, placement: Placement) {
  const running = await Promise.all([startMemcached(t), startMemcached(t), startMemcached(t)]);
  const nodes = running.map(({ address }) => address);
  const client = new Cluster({ nodes, placement });
  t.after(() => client.close());
  const store = new SessionStore({ client });
  return {
    client,
    django: startDjango(t, 'sessions.py', [placement, JSON.stringify(nodes)]),
    get: promisify(store.get).bind(store) as (id: string) => Promise<SessionData | undefined>,
    set: promisify(store.set).bind(store) as (id: string, data: SessionData) => Promise<void>,
  };
}

/** Values of every kind, differing by `index`. */
function someValues(index: number): Record<string, PyValue> {
  const kinds: Record<string, PyValue>[] = [
    {},
    {
      _auth_user_id: String(index),
      _session_expiry: 3600 + index,
      user: `Jürgen ${index} 日本 😀`,
    },
    { nested: { list: [1, [2, { three: new PyTuple([4, new PyFloat(5), null]) }], true, false] } },
    { big: [2 ** 53 - 1, 2n ** 53n, -(2n ** 63n), 2n ** 200n], floats: [0.1, -0.5, 1e300] },
    { bytes: Buffer.from([0, 13, 10, 255, index]), large: 'x'.repeat(100_000) },
    { sets: [new Set([1, 'a']), new PyFrozenSet([2])], map: new Map<PyValue, PyValue>([[1, 'i']]) },
    { empty: [{}, [], new PyTuple([]), '', Buffer.alloc(0)], constructor: [{ a: 1 }] },
  ];
  return kinds[index % kinds.length] as Record<string, PyValue>;
}

for (const placement of PLACEMENTS) {
  describe(`sessions shared with real Django over ${placement} on three nodes`, () => {
    it('are read here as Django wrote them', async (t) => {
      const { django, get } = await start(t, placement);
      const written = (await django.ask({ op: 'write', count: COUNT })) as [string, unknown][];
      assert.equal(written.length, COUNT);
      for (const [id, expected] of written) {
        const found = await get(id);
        assert.ok(found, `session ${id} is not where Django put it`);
        const { cookie: _, ...values } = found as unknown as Record<string, PyValue>;
        assert.deepEqual(describePickle(values), expected);
      }
    });

    it('are read by Django as they were written here', async (t) => {
      const { django, set } = await start(t, placement);
      const sessions = Array.from({ length: COUNT }, (_, i) => [newSessionId(), someValues(i)]) as [
        string,
        Record<string, PyValue>,
      ][];
      for (const [id, values] of sessions) {
        const cookie = { originalMaxAge: 3_600_000 };
        await set(id, { cookie, ...values } as unknown as SessionData);
      }
      const found = (await django.ask({
        op: 'read',
        ids: sessions.map(([id]) => id),
      })) as unknown[];
      assert.deepEqual(
        found,
        sessions.map(([, values]) => describePickle(values)),
      );
      const [unknown] = (await django.ask({ op: 'read', ids: [newSessionId()] })) as unknown[];
      assert.equal(unknown, null);
    });

    it('come back to Django as they were when saved here, classes included', async (t) => {
      const { client, django, get, set } = await start(t, placement);
      const cases = (await django.ask({ op: 'cases' })) as [string, string][];
      assert.ok(cases.some(([name]) => name === 'a token') && cases.length > 30);
      for (const [, id] of cases) {
        const loaded = (await get(id)) as SessionData & { seen?: number };
        assert.ok(loaded);
        loaded.seen = 1;
        await set(id, loaded);
      }
      assert.deepEqual(await django.ask({ op: 'check', cases }), []);
      const item = await client.get(`:1:django.contrib.sessions.cache${cases[0]?.[1]}`);
      assert.deepEqual([...item!.value.subarray(0, 2)], [0x80, 4], 'it was not written here');
    });
  });
}
