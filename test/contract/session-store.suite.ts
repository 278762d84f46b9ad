import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import type { SessionData } from 'express-session';
import type { MemcachedClient } from '../../src/memcached/client.ts';
import { newSessionId, sessionKeyPrefix } from '../../src/session/django-session.ts';
import { writePickle } from '../../src/session/pickle-writer.ts';
import { SessionStore } from '../../src/session/session-store.ts';

/** A memcached for one test, and the means to make it unavailable. */
export interface StoreUnderTest {
  readonly client: MemcachedClient;
  /** Resolves when the client can no longer ask. */
  takeDown(): void | Promise<void>;
}

type Values = Record<string, unknown>;

/** What every store of sessions has to do, whatever keeps them. */
export function describeSessionStore(
  name: string,
  open: (t: TestContext) => StoreUnderTest | Promise<StoreUnderTest>,
): void {
  describe(`the session store over ${name}`, () => {
    async function start(t: TestContext) {
      const { client, takeDown } = await open(t);
      const store = new SessionStore({ client });
      return {
        client,
        store,
        takeDown,
        id: newSessionId(),
        get: promisify(store.get).bind(store) as (id: string) => Promise<SessionData | undefined>,
        set: promisify(store.set).bind(store) as (id: string, data: SessionData) => Promise<void>,
        touch: promisify(store.touch).bind(store) as (
          id: string,
          data: SessionData,
        ) => Promise<void>,
        destroy: promisify(store.destroy).bind(store) as (id: string) => Promise<void>,
      };
    }

    it('gives back what was stored', async (t) => {
      const { get, set, id } = await start(t);
      await set(id, session({ user: { name: 'démo', roles: ['admin'] }, big: 2n ** 70n }));
      const found = await get(id);
      assert.deepEqual(valuesOf(found), {
        user: { __proto__: null, name: 'démo', roles: ['admin'] },
        big: 2n ** 70n,
      });
    });

    it('gives nothing for an id that it does not know', async (t) => {
      const { get, id } = await start(t);
      assert.equal(await get(id), undefined);
    });

    it('gives nothing for what is not an id, and does not ask for it', async (t) => {
      const { get } = await start(t);
      for (const id of ['', 'short', 'x'.repeat(300), 'a b\r\nflush_all\r\n', '__proto__']) {
        assert.equal(await get(id), undefined);
      }
    });

    it('keeps an empty session, which is not the same as none', async (t) => {
      const { get, set, id } = await start(t);
      await set(id, session({}));
      assert.deepEqual(valuesOf(await get(id)), {});
    });

    it('saves a session again, as often as it is changed', async (t) => {
      const { get, set, id } = await start(t);
      const mine = session({ count: 1 });
      await set(id, mine);
      await set(id, Object.assign(mine, { count: 2 }));
      const loaded = (await get(id)) as SessionData;
      await set(id, Object.assign(loaded, { count: 3 }));
      assert.deepEqual(valuesOf(await get(id)), { count: 3 });
    });

    it('does not let a new session take the id of another', async (t) => {
      const { get, set, id } = await start(t);
      await set(id, session({ owner: 'first' }));
      await assert.rejects(set(id, session({ owner: 'second' })), /an id that is in use/);
      assert.deepEqual(valuesOf(await get(id)), { owner: 'first' });
    });

    it('destroys a session, and does not mind where there is none', async (t) => {
      const { get, set, destroy, id } = await start(t);
      await set(id, session({ a: 1 }));
      await destroy(id);
      assert.equal(await get(id), undefined);
      await destroy(id);
    });

    it('never brings a destroyed session back, by saving or by touching it', async (t) => {
      const { get, set, touch, destroy, id } = await start(t);
      await set(id, session({ a: 1 }));
      const loaded = (await get(id)) as SessionData;
      await destroy(id);
      const interrupted = { name: 'SessionInterrupted', status: 400 };
      await assert.rejects(set(id, Object.assign(loaded, { a: 2 })), interrupted);
      await assert.rejects(touch(id, loaded), interrupted);
      assert.equal(await get(id), undefined);
    });

    it('touches a session without writing it: what another stored meanwhile stays', async (t) => {
      const { get, set, touch, id } = await start(t);
      await set(id, session({ a: 'old' }));
      const mine = (await get(id)) as SessionData;
      const theirs = (await get(id)) as SessionData;
      await set(id, Object.assign(theirs, { a: 'new' }));
      await touch(id, mine);
      assert.deepEqual(valuesOf(await get(id)), { a: 'new' });
    });

    it('forgets a session whose time is over', async (t) => {
      const { get, set, id } = await start(t);
      const mine = session({ a: 1 });
      await set(id, mine);
      await set(id, Object.assign(mine, { _session_expiry: -1 }));
      assert.equal(await get(id), undefined);
    });

    it('lets the last of many concurrent savers win, each write whole', async (t) => {
      const { get, set, id } = await start(t);
      await set(id, session({ writer: -1, text: '' }));
      const savers = await Promise.all(Array.from({ length: 20 }, () => get(id)));
      await Promise.all(
        savers.map((loaded, writer) =>
          set(id, Object.assign(loaded as SessionData, { writer, text: `${writer}`.repeat(5000) })),
        ),
      );
      const { writer, text } = valuesOf(await get(id)) as { writer: number; text: string };
      assert.ok(writer >= 0 && writer < 20);
      assert.equal(text, `${writer}`.repeat(5000));
    });

    it('keeps 500 kB', async (t) => {
      const { get, set, id } = await start(t);
      const text = 'ü'.repeat(250_000);
      await set(id, session({ text }));
      assert.deepEqual(valuesOf(await get(id)), { text });
    });

    it('refuses what is too large, names the remedy, and keeps what it had', async (t) => {
      const { get, set, id } = await start(t);
      const mine = session({ a: 1 });
      await set(id, mine);
      await assert.rejects(set(id, Object.assign(mine, { a: 'x'.repeat(1024 * 1024) })), {
        name: 'SessionTooLarge',
        message: /has 10\d{5} bytes, and the store takes 1047552: keep less in it, or raise/,
      });
      assert.deepEqual(valuesOf(await get(id)), { a: 1 });
    });

    it('stores the largest session that it does not refuse', async (t) => {
      const { get, set, id } = await start(t);
      const overhead = writePickle({ a: 'x'.repeat(256) }).length - 256;
      const a = 'x'.repeat(1024 * 1024 - 1024 - overhead);
      await set(id, session({ a }));
      assert.deepEqual(valuesOf(await get(id)), { a });
    });

    it('takes what is no session for none, as Django does', async (t) => {
      const { client, get, id } = await start(t);
      const key = sessionKeyPrefix() + id;
      for (const [value, flags] of [
        [Buffer.from('garbage'), 1],
        [writePickle(['a list']), 1],
        [Buffer.from('text'), 16],
        [Buffer.from('not deflated'), 9],
        [Buffer.alloc(0), 0],
      ] as const) {
        await client.set(key, value, { flags });
        assert.equal(await get(id), undefined);
      }
    });

    it('fails with 503 in every call while memcached is unavailable: that is no miss', async (t) => {
      const { get, set, touch, destroy, takeDown, id } = await start(t);
      const mine = session({ a: 1 });
      await set(id, mine);
      await takeDown();
      const unavailable = { name: 'SessionUnavailable', status: 503 };
      await assert.rejects(get(id), unavailable);
      await assert.rejects(set(id, mine), unavailable);
      await assert.rejects(set(newSessionId(), session({})), unavailable);
      await assert.rejects(touch(id, mine), unavailable);
      await assert.rejects(destroy(id), unavailable);
    });

    it('refuses to clear or to count, which would concern the whole cluster', async (t) => {
      const { get, set, store, id } = await start(t);
      await set(id, session({ a: 1 }));
      await assert.rejects(promisify(store.clear).bind(store)(), /would flush the whole/);
      await assert.rejects(promisify(store.length).bind(store)(), /cannot count/);
      assert.deepEqual(valuesOf(await get(id)), { a: 1 });
    });
  });
}

function session(values: Values): SessionData {
  return { cookie: { originalMaxAge: 3_600_000 }, ...values } as SessionData;
}

function valuesOf(found: SessionData | undefined): Values {
  assert.ok(found, 'there is no session');
  const { cookie: _, ...values } = found;
  return values as Values;
}
