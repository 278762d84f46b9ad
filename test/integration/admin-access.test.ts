import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import supertest from 'supertest';
import { DEFAULT_CACHE_TIMING } from '../../src/cache/cache-timing.ts';
import { MemcachedNode } from '../../src/cache/memcached-node.ts';
import { parseConfig } from '../../src/config.ts';
import { parseNode } from '../../src/memcached/node-address.ts';
import { OWN_KEYS } from '../../src/memcached/own-keys.ts';
import { startBackend } from '../support/backend.ts';
import { gatewaySettings, startTestGateway } from '../support/gateway.ts';
import { recordingLogger } from '../support/log.ts';
import { startMemcached } from '../support/memcached.ts';

const PASSWORD = 'correct horse battery';
const TOKEN = 'f00d'.repeat(8);

async function startAdmin(t: TestContext, settings: Record<string, string>) {
  const backend = await startBackend(t);
  const { logger, lines } = recordingLogger();
  const gateway = await startTestGateway(
    t,
    { PORTAL_BACKENDS: `${backend.url} name=one`, ...settings },
    logger,
  );
  const url = `http://127.0.0.1:${gateway.addresses.admin!.port}`;
  return { gateway, lines, url, ask: supertest(url) };
}

const login = (url: string, password = PASSWORD) =>
  supertest(url).post('/login').type('form').send({ password });

/** The cookie that an answer sets, as a request sends it. */
function cookieOf(answer: { headers: Record<string, unknown> }): string {
  const [cookie = ''] = (answer.headers['set-cookie'] ?? []) as string[];
  assert.match(cookie, /^dashgate_admin=.*; HttpOnly; SameSite=Strict$/);
  return cookie.split(';')[0]!;
}

describe('the admin listener', () => {
  it('is open without a password, but not under a name that a page has had resolved to it', async (t) => {
    const { ask } = await startAdmin(t, {});
    await ask.get('/api/state').expect(200);
    await ask.get('/').expect(200);
    await ask.get('/api/state').set('host', 'localhost:9090').expect(200);
    const { body } = await ask.get('/api/state').set('host', 'evil.example:9090').expect(403);
    assert.match(body.remedy, /127\.0\.0\.1/);
    await ask.get('/healthz').set('host', 'evil.example').expect(200);
  });

  it('lets nobody but its own pages change anything where it is open', async (t) => {
    const { ask } = await startAdmin(t, {});
    const drain = () => ask.post('/api/services/portal/backends/one').send({ admin: 'drain' });
    assert.match((await drain().expect(403)).body.remedy, /X-CSRF-Token/);
    const { token } = (await ask.get('/api/csrf').expect(200)).body;
    await drain().set('x-csrf-token', `${token}x`).expect(403);
    await drain().set('x-csrf-token', token).set('sec-fetch-site', 'cross-site').expect(403);
    await drain().set('x-csrf-token', token).set('origin', 'https://evil.example').expect(403);
    await drain().set('x-csrf-token', token).set('sec-fetch-site', 'same-origin').expect(200);
    // There is nobody to log out.
    await ask.post('/logout').set('x-csrf-token', token).expect(303).expect('location', '/');
  });

  it('asks for a login where there is a password, and for nothing to be healthy', async (t) => {
    const { ask, url } = await startAdmin(t, { ADMIN_PASSWORD: PASSWORD });
    await ask.get('/healthz').expect(200);
    await ask.get('/readyz').expect(200);
    await ask.get('/').set('accept', 'text/html').expect(303).expect('location', '/login');
    assert.match((await ask.get('/api/state').expect(401)).body.remedy, /log in/);
    const page = await ask.get('/login').expect(200);
    assert.match(page.text, /<form method="post" action="\/login">/);
    assert.match(page.headers['content-security-policy']!, /default-src/);
    const style = await ask
      .get('/page/login.css')
      .expect(200)
      .expect('content-type', /^text\/css/);
    assert.match(style.text, /^:root \{/);

    assert.match((await login(url, 'wrong').expect(401)).text, /not the password/);
    const cookie = cookieOf(await login(url).expect(303));
    await ask.get('/api/state').set('cookie', cookie).expect(200);
    const change = { admin: 'drain' };
    const path = '/api/services/portal/backends/one';
    await ask.post(path).set('cookie', cookie).send(change).expect(403);
    const { token } = (await ask.get('/api/csrf').set('cookie', cookie).expect(200)).body;
    await ask.post(path).set('cookie', cookie).set('x-csrf-token', token).send(change).expect(200);

    // The token of another login is none.
    const other = cookieOf(await login(url).expect(303));
    await ask.post(path).set('cookie', other).set('x-csrf-token', token).send(change).expect(403);

    await ask.post('/logout').set('cookie', cookie).expect(403);
    await ask.post('/logout').set('cookie', cookie).set('x-csrf-token', token).expect(303);
    await ask.get('/api/state').set('cookie', cookie).expect(401);
    await ask.get('/api/state').set('cookie', other).expect(200);
  });

  it('is not open to what a page of another site asks for, but to links', async (t) => {
    const { ask } = await startAdmin(t, {});
    const from = (site: string, mode: string) =>
      ask.get('/api/state').set({ 'sec-fetch-site': site, 'sec-fetch-mode': mode });
    await from('cross-site', 'no-cors').expect(403);
    await from('same-site', 'cors').expect(403);
    await from('cross-site', 'navigate').expect(200);
    await from('same-origin', 'cors').expect(200);
    await from('none', 'navigate').expect(200);
  });

  it('takes a login of who sends a token as well', async (t) => {
    const { url } = await startAdmin(t, { ADMIN_PASSWORD: PASSWORD });
    cookieOf(await login(url).set('authorization', 'Bearer x').expect(303));
  });

  it('goes by another SHARED_SECRET from a reload on', async (t) => {
    const settings = { ADMIN_PASSWORD: PASSWORD, SHARED_SECRET: 'a'.repeat(32) };
    const { gateway, url, ask } = await startAdmin(t, settings);
    const backends = { PORTAL_BACKENDS: 'http://127.0.0.1:1 name=one' };
    const other = { ...(await gatewaySettings(t)), ...backends, ...settings };
    const cookie = cookieOf(await login(url).expect(303));
    await ask.get('/api/state').set('cookie', cookie).expect(200);
    await gateway.reload(parseConfig({ ...other, SHARED_SECRET: 'b'.repeat(32) }));
    await ask.get('/api/state').set('cookie', cookie).expect(401);
    const fresh = cookieOf(await login(url).expect(303));
    await ask.get('/api/state').set('cookie', fresh).expect(200);
    await gateway.close();
    await assert.rejects(gateway.reload(parseConfig(other)), /the gateway is ending/);
  });

  it('keeps nobody out who has logged in before, however many others guess', async (t) => {
    const { gateway } = await startAdmin(t, { ADMIN_PASSWORD: PASSWORD });
    const { port } = gateway.addresses.admin!;
    const tryFrom = (localAddress: string, password: string) =>
      new Promise<number>((resolve, reject) => {
        const headers = { 'content-type': 'application/x-www-form-urlencoded' };
        const options = { port, localAddress, method: 'POST', path: '/login', headers };
        const outgoing = request({ host: '127.0.0.1', ...options }, (answer) => {
          answer.resume();
          resolve(answer.statusCode!);
        });
        outgoing.on('error', reject);
        outgoing.end(new URLSearchParams({ password }).toString());
      });
    assert.equal(await tryFrom('127.0.1.1', PASSWORD), 303);
    for (let host = 2; host < 24; host++) {
      for (let i = 0; i < 5; i++) await tryFrom(`127.0.0.${host}`, 'wrong');
    }
    assert.equal(await tryFrom('127.0.1.2', PASSWORD), 429, 'who has never been here waits');
    assert.equal(await tryFrom('127.0.1.1', PASSWORD), 303);
  });

  it('takes no login from another site, and no session id that somebody planted', async (t) => {
    const node = await startMemcached(t);
    const { url } = await startAdmin(t, {
      ADMIN_PASSWORD: PASSWORD,
      MEMCACHED_SERVERS: node.address,
    });
    await login(url).set('sec-fetch-site', 'cross-site').expect(403);
    await login(url).set('origin', 'https://evil.example').expect(403);
    const planted = cookieOf(await login(url).expect(303));
    const fresh = cookieOf(await login(url).set('cookie', planted).expect(303));
    assert.notEqual(fresh, planted);
    await supertest(url).get('/api/state').set('cookie', planted).expect(401);
  });

  it('lets in nobody who can write logins into memcached but sign no cookie', async (t) => {
    const server = await startMemcached(t);
    const settings = { ADMIN_PASSWORD: PASSWORD, MEMCACHED_SERVERS: server.address };
    const { ask, url } = await startAdmin(t, settings);
    const cookie = cookieOf(await login(url).expect(303));
    const [, id, signature] = /=s%3A([^.]+)\.(.+)$/.exec(cookie)!;
    const node = new MemcachedNode(parseNode(server.address), { timing: DEFAULT_CACHE_TIMING });
    t.after(() => node.close());
    const document = (await node.fetch(OWN_KEYS.adminSession + id))!.value;
    for (const name of ['forged', id]) {
      await node.store('set', OWN_KEYS.adminSession + name, document, 0, 0);
    }
    for (const value of ['forged', 's:forged', 's%3Aforged.', `s%3Aforged.${signature}`]) {
      await ask.get('/api/state').set('cookie', `dashgate_admin=${value}`).expect(401);
    }
    // What is written there counts, with the cookie that goes with it.
    await ask.get('/api/state').set('cookie', cookie).expect(200);
    // But no login can be given to the session of somebody who has logged in before, or made younger.
    const former = cookieOf(await login(url).expect(303));
    const [, formerId] = /=s%3A([^.]+)\./.exec(former)!;
    await node.store('set', OWN_KEYS.adminSession + formerId, document, 0, 0);
    await ask.get('/api/state').set('cookie', former).expect(401);
    const younger = JSON.parse(document.toString());
    younger.loginAt += 1;
    const text = Buffer.from(JSON.stringify(younger));
    await node.store('set', OWN_KEYS.adminSession + id, text, 0, 0);
    await ask.get('/api/state').set('cookie', cookie).expect(401);
  });

  it('takes the token of programs, without a token for forms', async (t) => {
    const { ask, lines } = await startAdmin(t, { ADMIN_TOKEN: TOKEN });
    await ask
      .get('/api/state')
      .expect(401)
      .expect('www-authenticate', /^Bearer /);
    await ask.get('/api/state').set('authorization', `Bearer ${TOKEN}`).expect(200);
    await ask
      .post('/api/services/portal/backends/one')
      .set('authorization', `Bearer ${TOKEN}`)
      .send({ weight: 7 })
      .expect(200);
    const audit = lines.find(({ audit }) => audit === true)!;
    assert.equal(audit.by, 'token');
    assert.equal(audit.weight, 7);
    assert.ok(!JSON.stringify(lines).includes(TOKEN));
  });

  it('has a brute force wait, and lets in who knows better from elsewhere', async (t) => {
    const { ask, url, lines } = await startAdmin(t, {
      ADMIN_PASSWORD: PASSWORD,
      ADMIN_TOKEN: TOKEN,
    });
    const cookie = cookieOf(await login(url).expect(303));
    for (let i = 0; i < 5; i++) await login(url, `guess${i}`).expect(401);
    const refused = await login(url).expect(429);
    assert.match(String(refused.headers['retry-after']), /^\d+$/);
    await ask.get('/api/state').set('authorization', `Bearer ${TOKEN}x`).expect(429);
    // Who has the token, or is in, is not kept out by who guesses, and gives them no new tries.
    await ask.get('/api/state').set('authorization', `Bearer ${TOKEN}`).expect(200);
    await login(url).expect(429);
    await ask.get('/api/state').set('cookie', cookie).expect(200);
    assert.ok(!JSON.stringify(lines).includes('guess'));
    // Three were too many, of which the log tells once.
    assert.equal(lines.filter(({ msg }) => msg === 'too many logins to the admin pages').length, 1);
  });

  it('knows a login at every gateway, and at its own while memcached is away', async (t) => {
    const node = await startMemcached(t);
    const settings = {
      ADMIN_PASSWORD: PASSWORD,
      MEMCACHED_SERVERS: node.address,
      SHARED_SECRET: 'the same for all of them',
    };
    const one = await startAdmin(t, settings);
    const two = await startAdmin(t, settings);
    const cookie = cookieOf(await login(one.url).expect(303));
    await two.ask.get('/api/state').set('cookie', cookie).expect(200);
    const stranger = await startAdmin(t, { ...settings, ADMIN_PASSWORD: 'another password' });
    await stranger.ask.get('/api/state').set('cookie', cookie).expect(401);

    await node.kill();
    const alone = cookieOf(await login(one.url).expect(303));
    await one.ask.get('/api/state').set('cookie', alone).expect(200);
    await two.ask.get('/api/state').set('cookie', alone).expect(401);
    assert.ok(one.lines.some(({ msg }) => /this gateway alone/.test(String(msg))));
  });

  it('lets people in where the session cache is on', async (t) => {
    const node = await startMemcached(t);
    const { ask, url } = await startAdmin(t, {
      ADMIN_PASSWORD: PASSWORD,
      CACHE_LISTEN: '127.0.0.1:0',
      MEMCACHED_SERVERS: node.address,
    });
    const cookie = cookieOf(await login(url).expect(303));
    await ask.get('/api/state').set('cookie', cookie).expect(200);
  });

  it('lets people in where a memcached node has no room for a login', async (t) => {
    const full = createServer((socket) => {
      socket.on('data', () => socket.write('SERVER_ERROR out of memory storing object\r\n'));
      socket.on('error', () => {});
    });
    t.after(() => full.close());
    await once(full.listen(0, '127.0.0.1'), 'listening');
    const { port } = full.address() as AddressInfo;
    const { ask, url } = await startAdmin(t, {
      ADMIN_PASSWORD: PASSWORD,
      MEMCACHED_SERVERS: `127.0.0.1:${port}`,
    });
    const cookie = cookieOf(await login(url).expect(303));
    await ask.get('/api/state').set('cookie', cookie).expect(200);
  });

  it('says what is wrong with a request, and does not fall over it', async (t) => {
    const { ask, lines } = await startAdmin(t, { ADMIN_TOKEN: TOKEN });
    const path = '/api/services/portal/backends/one';
    const send = (to: string, body: unknown) =>
      ask
        .post(to)
        .set('authorization', `Bearer ${TOKEN}`)
        .type('json')
        .send(body as string);
    assert.match((await send(path, '{"admin":').expect(400)).body.error, /JSON/);
    assert.match((await send(path, '[]').expect(400)).body.error, /neither admin nor weight/);
    assert.match((await send(path, { admin: 'off' }).expect(400)).body.error, /ready, drain/);
    assert.match((await send(path, { weight: 1.5 }).expect(400)).body.error, /whole number/);
    assert.match((await send(path, { weight: 257 }).expect(400)).body.error, /weight/);
    assert.match((await send(path, { wieght: 1 }).expect(400)).body.error, /wieght is none of/);
    assert.match((await send(`${path}<b>`, { weight: 1 }).expect(404)).body.error, /there is no/);
    assert.match(
      (await send('/api/sessions/revoke', { session: 'x' }).expect(400)).body.error,
      /32/,
    );
    // Whatever it is, the answer is JSON with a remedy, and it is no fault of the gateway's.
    const bearer = { authorization: `Bearer ${TOKEN}` };
    for (const { body } of [
      await send(path, ' '.repeat(20_000)).expect(413),
      await send('/api/nothing', {}).expect(404),
      await send('/api/services/portal/backends/%zz', {}).expect(400),
      await ask.get('/api/reload').set(bearer).expect(404),
      await ask.put('/nothing').set(bearer).expect(404),
    ]) {
      assert.match(body.remedy, /see the README/);
      assert.equal(typeof body.error, 'string');
    }
    assert.ok(!lines.some(({ level }) => level === 'error'));
    await ask
      .delete('/api/tunnels/1-console-1')
      .set('authorization', `Bearer ${TOKEN}`)
      .expect(404);
  });
});
