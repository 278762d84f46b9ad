import assert from 'node:assert/strict';
import { test } from 'node:test';
import express, { type Request } from 'express';
import supertest from 'supertest';
import { adminSessions } from '../../src/admin/admin-sessions.ts';
import { silentLogger } from '../../src/log.ts';
import { type StoreOptions, UnavailableError } from '../../src/memcached/client.ts';

/** Sessions on a memcached that the test plays, behind `/login`, `/logout` and `/` (which says who is in). */
function startApp() {
  const items = new Map<string, Buffer>();
  const life: number[] = [];
  const state = { away: false, meanwhile: async (_req: Request) => {} };
  const asked = async <T>(act: () => T): Promise<T> => {
    if (state.away) throw new UnavailableError('n:1', 'refused');
    return act();
  };
  const store = (key: string, value: Buffer, options: StoreOptions | undefined, is: boolean) => {
    if (items.has(key) !== is) return false;
    items.set(key, value);
    life.push(options?.ttl ?? 0);
    return true;
  };
  const client = {
    get: (key: string) =>
      asked(() => {
        const value = items.get(key);
        return value && { value, flags: 0 };
      }),
    add: (key: string, value: Buffer, options?: StoreOptions) =>
      asked(() => store(key, value, options, false)),
    replace: (key: string, value: Buffer, options?: StoreOptions) =>
      asked(() => store(key, value, options, true)),
    delete: (key: string) => asked(() => items.delete(key)),
  };
  const app = express();
  const secret = 'of all gateways';
  app.use(adminSessions({ client: () => client, secret, idleMs: 3_600_000, logger: silentLogger }));
  app.get('/login', (req, res) => {
    req.session.admin = 'somebody';
    res.send('in');
  });
  app.get('/logout', (req, res, next) => {
    req.session.destroy((error) => (error ? next(error) : res.send('out')));
  });
  app.get('/', async (req, res) => {
    await state.meanwhile(req);
    res.send(req.session.admin ?? 'nobody');
  });
  const ask = supertest(app);
  const login = async () => {
    const { headers } = await ask.get('/login').expect(200);
    return (headers['set-cookie'] as unknown as string[])[0]!.split(';')[0]!;
  };
  const who = async (cookie: string) => (await ask.get('/').set('cookie', cookie)).text;
  const logout = (cookie: string) => ask.get('/logout').set('cookie', cookie).expect(200);
  return { items, life, state, ask, login, who, logout };
}

test('a session is stored with its life, prolonged, and gone after a logout', async () => {
  const { items, life, login, who, logout } = startApp();
  const cookie = await login();
  assert.equal(await who(cookie), 'somebody');
  assert.equal(life.length, 2);
  for (const seconds of life) assert.ok(seconds > 3590 && seconds <= 3600, `${seconds} s`);
  assert.match([...items.keys()][0]!, /^dashgate\.admin\.session:/);
  await logout(cookie);
  assert.equal(items.size, 0);
  assert.equal(await who(cookie), 'nobody');
});

test('a logout is final though a request of the session ends after it', async () => {
  const { items, state, login, who } = startApp();
  const cookie = await login();
  // At another gateway, while this one is at work.
  state.meanwhile = async () => items.clear();
  assert.equal(await who(cookie), 'somebody');
  state.meanwhile = async () => {};
  assert.equal(await who(cookie), 'nobody');
});

test('who is in stays in while memcached is away, and who logs out stays out', async () => {
  const { state, login, who, logout } = startApp();
  const [before, leaver] = [await login(), await login()];
  assert.deepEqual([await who(before), await who(leaver)], ['somebody', 'somebody']);
  state.away = true;
  assert.equal(await who(before), 'somebody');
  const late = await login();
  assert.equal(await who(late), 'somebody');
  await logout(leaver);
  assert.equal(await who(leaver), 'nobody');
  state.away = false;
  assert.equal(await who(leaver), 'nobody');
  assert.equal(await who(late), 'somebody');
  // It is in memcached by now, so that other gateways know it.
  assert.equal(await who(late), 'somebody');
});

test('what a node makes of a session is none, and keeps nobody from logging in', async () => {
  const { items, login, who } = startApp();
  const cookie = await login();
  const [key] = [...items.keys()];
  const sound = JSON.parse(items.get(key!)!.toString());
  const values: unknown[] = [
    null,
    5,
    'text',
    [],
    {},
    { ...sound, cookie: null },
    { ...sound, cookie: 'text' },
    { ...sound, cookie: { ...sound.cookie, expires: {} } },
    { ...sound, cookie: { ...sound.cookie, expires: new Date(0).toISOString() } },
    { ...sound, admin: 5 },
    { ...sound, csrf: {} },
    { ...sound, loginAt: 'never' },
    { ...sound, more: 'x'.repeat(4_096) },
  ];
  const texts = ['', '{', '\0', ...values.map((value) => JSON.stringify(value))];
  for (const text of texts) {
    items.set(key!, Buffer.from(text));
    assert.equal(await who(cookie), 'nobody', text.slice(0, 200));
  }
  items.set(key!, Buffer.from(JSON.stringify(sound)));
  assert.equal(await who(cookie), 'somebody');
});

test('a node that lies makes no other cookie of a login, and keeps nobody from logging in', async () => {
  const { items, login, ask } = startApp();
  const cookie = await login();
  const [[key, item]] = items as unknown as [[string, Buffer]];
  const session = JSON.parse(item.toString());
  const lies = [
    { httpOnly: false, domain: 'evil.example', sameSite: 'none', path: '/elsewhere' },
    { maxAge: 'x' },
    { originalMaxAge: 1e300 },
    { originalMaxAge: 'long' },
    { priority: 7, partitioned: 'x', encode: 'x' },
  ];
  for (const lie of lies) {
    items.set(
      key,
      Buffer.from(JSON.stringify({ ...session, cookie: { ...session.cookie, ...lie } })),
    );
    const { headers, text } = await ask.get('/').set('cookie', cookie).expect(200);
    assert.equal(text, 'somebody', JSON.stringify(lie));
    const [told = ''] = (headers['set-cookie'] ?? []) as unknown as string[];
    assert.match(
      told,
      /^dashgate_admin=[^;]+; Path=\/; Expires=[^;]+; HttpOnly; SameSite=Strict$/,
      JSON.stringify(lie),
    );
  }
});
