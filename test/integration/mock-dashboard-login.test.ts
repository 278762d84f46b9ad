import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import request, { type Response } from 'supertest';
import type { MockDashboardOptions } from '../../src/demo/mock-dashboard.ts';
import { csrfTokenIn, loggedIn, startSessions, testDashboard } from '../support/dashboard.ts';

const LOGIN = '/dashboard/auth/login/';

const service = await startSessions();
after(() => service.close());

function dashboard(options: Partial<MockDashboardOptions> = {}) {
  return testDashboard({ sessions: service.sessions, ...options });
}

function cookies(response: Response): string[] {
  return (response.get('Set-Cookie') ?? []) as string[];
}

function cookie(response: Response, name: string): string | undefined {
  return cookies(response).find((line) => line.startsWith(`${name}=`));
}

test('the login page answers GET and HEAD, sets the CSRF cookie and makes no session', async () => {
  const app = dashboard();
  const page = await request(app).get(LOGIN).expect(200).expect('Content-Type', /html/);
  assert.match(cookie(page, 'csrftoken') ?? '', /^csrftoken=\w{64}; Path=\/; SameSite=Lax$/);
  assert.equal(cookies(page).length, 1);
  assert.equal(page.headers['x-served-by'], 'dashboard-1');
  assert.ok(!page.text.includes('<script'), 'it works without scripts');
  const head = await request(app).head(LOGIN).expect(200);
  assert.equal(head.text, undefined);
});

test('a login with the right password opens a new session and leads to the project', async () => {
  const app = dashboard();
  const agent = request.agent(app);
  const token = csrfTokenIn((await agent.get(LOGIN)).text);
  const answer = await agent
    .post(LOGIN)
    .type('form')
    .send({ csrfmiddlewaretoken: token, username: 'demo', password: 'secret', region: 'one' })
    .expect(302)
    .expect('Location', '/dashboard/');
  assert.match(cookie(answer, 'sessionid') ?? '', /HttpOnly/);
  assert.match(
    cookie(answer, 'login_region') ?? '',
    /^login_region=one; Max-Age=31536000; Path=\//,
  );
  assert.match(cookie(answer, 'login_domain') ?? '', /^login_domain=Default; Max-Age=31536000;/);
  assert.ok(cookie(answer, 'csrftoken') !== undefined, 'the CSRF secret is changed');
  await agent.get('/dashboard/').expect(302).expect('Location', '/dashboard/project/');
  await agent.get(LOGIN).expect(302).expect('Location', '/dashboard/');
  await agent
    .post(LOGIN)
    .type('form')
    .send({ csrfmiddlewaretoken: token })
    .expect(302, /csrf_failure/);
});

for (const [user, password] of [
  ['demo', 'wrong'],
  ['demo', ''],
  ['nobody', 'secret'],
  ['nobody', ''],
  ['__proto__', ''],
  ['<script>', 'x'],
] as const) {
  test(`a login as ${user} with password '${password}' shows the form again`, async () => {
    const agent = request.agent(dashboard());
    const csrfmiddlewaretoken = csrfTokenIn((await agent.get(LOGIN)).text);
    const answer = await agent
      .post(LOGIN)
      .type('form')
      .send({ csrfmiddlewaretoken, username: user, password, next: '/dashboard/project/' })
      .expect(200);
    assert.match(answer.text, /Invalid credentials/);
    assert.match(answer.text, /name="next" value="\/dashboard\/project\/"/);
    assert.ok(!answer.text.includes('<script>'), 'the name is escaped');
    assert.equal(cookie(answer, 'sessionid'), undefined);
    await agent.get('/dashboard/project/').expect(302, /login/);
  });
}

for (const [next, leadsTo] of [
  ['/dashboard/project/instances/?a=b', '/dashboard/project/instances/?a=b'],
  ['https://evil.example/', '/dashboard/'],
  ['//evil.example/', '/dashboard/'],
  ['/\\evil.example/', '/dashboard/'],
  ['/\t/evil.example/', '/dashboard/'],
  ['\\\\evil.example/', '/dashboard/'],
  ['javascript:alert(1)', '/dashboard/'],
  ['/x\r\nSet-Cookie: a=b', '/dashboard/'],
] as const) {
  test(`a login with next ${JSON.stringify(next)} leads to ${leadsTo}`, async () => {
    const agent = request.agent(dashboard());
    const page = await agent.get(LOGIN).query({ next });
    const csrfmiddlewaretoken = csrfTokenIn(page.text);
    await agent
      .post(LOGIN)
      .type('form')
      .send({ csrfmiddlewaretoken, username: 'demo', password: 'secret', next })
      .expect(302)
      .expect('Location', leadsTo);
  });
}

test('a login without its CSRF token, or with a foreign one, is led back to the form', async () => {
  const app = dashboard();
  const foreign = csrfTokenIn((await request(app).get(LOGIN)).text);
  for (const csrfmiddlewaretoken of [undefined, '', 'x', foreign, foreign.slice(1)]) {
    const agent = request.agent(app);
    await agent.get(LOGIN);
    const answer = await agent
      .post(LOGIN)
      .type('form')
      .send({ csrfmiddlewaretoken, username: 'demo', password: 'secret' })
      .expect(302);
    const expected = `${LOGIN}?csrf_failure=CSRF%20token%20missing%20or%20incorrect.`;
    assert.equal(answer.headers.location, expected);
    assert.equal(cookie(answer, 'sessionid'), undefined);
  }
  await request(app)
    .post(LOGIN)
    .type('form')
    .send({ csrfmiddlewaretoken: foreign })
    .expect('Location', `${LOGIN}?csrf_failure=CSRF%20cookie%20not%20set.`);
});

for (const [headers, refusal] of [
  [{ Referer: 'https://cloud.example:8443/dashboard/auth/login/' }, undefined],
  [{ Origin: 'https://cloud.example:8443' }, undefined],
  [{}, 'no Referer'],
  [{ Referer: 'https://cloud.example/dashboard/auth/login/' }, 'does not match'],
  [{ Referer: 'http://cloud.example:8443/dashboard/auth/login/' }, 'insecure'],
  [{ Referer: 'https://cloud.example:8443.evil.example/' }, 'malformed'],
  [{ Referer: 'https://cloud.example.evil.example:8443/' }, 'does not match'],
  [{ Origin: 'null', Referer: 'https://cloud.example:8443/' }, 'malformed'],
] as const) {
  const what = JSON.stringify(headers);
  test(`over https a login with ${what} is ${refusal === undefined ? 'taken' : `refused: ${refusal}`}`, async () => {
    const agent = request.agent(dashboard({ trustForwardedProto: true }));
    const secure = { Host: 'cloud.example:8443', 'X-Forwarded-Proto': 'https' };
    const page = await agent.get(LOGIN).set(secure);
    const csrftoken = /^csrftoken=(\w+);.*Secure/.exec(cookie(page, 'csrftoken') ?? '')?.[1];
    const answer = await agent
      .post(LOGIN)
      .set({ ...secure, ...headers, Cookie: `csrftoken=${csrftoken}` })
      .type('form')
      .send({
        csrfmiddlewaretoken: csrfTokenIn(page.text),
        username: 'demo',
        password: 'secret',
      })
      .expect(302);
    const location = decodeURIComponent(answer.headers.location ?? '');
    if (refusal === undefined) assert.equal(location, '/dashboard/');
    else assert.match(location, new RegExp(`csrf_failure=Referer checking failed .*${refusal}`));
  });
}

test('a login gives the session a new id, and the one before is worth nothing', async () => {
  const app = dashboard();
  const agent = await loggedIn(app);
  const page = await agent.get('/dashboard/project/').expect(200);
  const before = (page.request as unknown as { cookies: string }).cookies;
  const again = await agent
    .post(LOGIN)
    .type('form')
    .send({
      csrfmiddlewaretoken: csrfTokenIn(page.text),
      username: 'demo',
      password: 'secret',
    });
  const id = /^sessionid=(\w{32});/.exec(cookie(again, 'sessionid') ?? '')?.[1];
  assert.ok(id !== undefined && !before.includes(id));
  await agent.get('/dashboard/project/').expect(200);
  await request(app).get('/dashboard/project/').set('Cookie', before).expect(302, /login/);
});

test('a logout ends the session for good, by GET as by POST', async () => {
  for (const method of ['get', 'post'] as const) {
    const app = dashboard();
    const agent = await loggedIn(app);
    const page = await agent.get('/dashboard/project/').expect(200);
    const sent = (page.request as unknown as { cookies: string }).cookies;
    const call = agent[method]('/dashboard/auth/logout/');
    const form = { csrfmiddlewaretoken: csrfTokenIn(page.text) };
    const answer = await (method === 'get' ? call : call.type('form').send(form))
      .expect(302)
      .expect('Location', LOGIN);
    assert.match(cookie(answer, 'sessionid') ?? '', /^sessionid=""; expires=Thu, 01 Jan 1970/);
    await agent.get('/dashboard/project/').expect(302, /login/);
    await request(app).get('/dashboard/project/').set('Cookie', sent).expect(302, /login/);
  }
});

test('a logout by POST without a CSRF token leaves the user logged in', async () => {
  const agent = await loggedIn(dashboard());
  await agent.post('/dashboard/auth/logout/').expect(302, /csrf_failure/);
  await agent.get('/dashboard/project/').expect(200);
});
