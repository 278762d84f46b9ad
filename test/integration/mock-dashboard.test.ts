import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import request, { type Response } from 'supertest';
import type { MockDashboardOptions } from '../../src/demo/mock-dashboard.ts';
import { loggedIn, startSessions, testDashboard } from '../support/dashboard.ts';

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

test('an anonymous page redirects to an absolute http address of the login page', async () => {
  const app = dashboard();
  const response = await request(app)
    .get('/dashboard/project/instances/?a=1&b=x y')
    .set('Host', 'cloud.example:8443')
    .set('X-Forwarded-Proto', 'https')
    .expect(302);
  assert.equal(
    response.headers.location,
    'http://cloud.example:8443/dashboard/auth/login/?next=/dashboard/project/instances/%3Fa%3D1%26b%3Dx%2520y',
  );
  await request(app)
    .get('/dashboard/')
    .set('Host', 'cloud.example')
    .expect('Location', `http://cloud.example${LOGIN}?next=/dashboard/`);
  await request(app)
    .get('/')
    .set('Host', 'cloud.example')
    .expect(302)
    .expect('Location', 'http://cloud.example/dashboard/');
});

test('a dashboard that trusts X-Forwarded-Proto redirects to https, and only then', async () => {
  const app = dashboard({ trustForwardedProto: true });
  const ask = () => request(app).get('/dashboard/').set('Host', 'cloud.example');
  const path = `//cloud.example${LOGIN}?next=/dashboard/`;
  await ask().set('X-Forwarded-Proto', 'https').expect('Location', `https:${path}`);
  await ask().expect('Location', `http:${path}`);
});

test('an anonymous background request gets 401 with the absolute address of the login page', async () => {
  const response = await request(dashboard())
    .get('/dashboard/project/api/status/')
    .set('Host', 'cloud.example')
    .set('X-Requested-With', 'XMLHttpRequest')
    .expect(401);
  assert.equal(
    response.headers['x-horizon-location'],
    `http://cloud.example${LOGIN}?next=/dashboard/project/api/status/`,
  );
  assert.equal(response.headers.location, undefined);
});

test('a Host that is no host name gets 400 and no redirect', async () => {
  for (const host of ['evil.example/path', 'a b', 'x@y', '']) {
    const response = await request(dashboard()).get('/dashboard/').set('Host', host).expect(400);
    assert.equal(response.headers.location, undefined);
  }
});

test('an address without its last slash is led to the one with it, on this host', async () => {
  await request(dashboard()).get('/dashboard/auth/login').expect(301).expect('Location', LOGIN);
  await request(dashboard())
    .get('/dashboard/auth/login?next=/x')
    .expect('Location', `${LOGIN}?next=/x`);
  for (const path of ['//evil.example', '/\\evil.example', '///evil.example']) {
    await request(dashboard({ webroot: '/' }))
      .get(path)
      .expect(301)
      .expect('Location', '/evil.example/');
  }
});

test('the session counts its requests and who served them, across dashboards', async () => {
  const one = dashboard();
  const two = dashboard({ name: 'dashboard-2' });
  const agent = await loggedIn(one);
  await agent.get('/dashboard/project/').expect(200).expect('X-Served-By', 'dashboard-1');
  const page = await agent.get('/dashboard/project/').expect(200);
  assert.match(page.text, /data-instance="dashboard-1" data-count="2"/);
  const sent = (page.request as unknown as { cookies: string }).cookies;
  const other = await request(two).get('/dashboard/project/').set('Cookie', sent).expect(200);
  assert.equal(other.headers['x-served-by'], 'dashboard-2');
  assert.match(other.text, /<body data-served-by="dashboard-2">/);
  assert.match(other.text, /data-instance="dashboard-1" data-count="2"/);
  assert.match(other.text, /data-instance="dashboard-2" data-count="1"/);
  const status = await agent.get('/dashboard/project/api/status/').expect(200);
  assert.deepEqual(status.body, {
    servedBy: 'dashboard-1',
    user: 'demo',
    requests: 4,
    instances: { 'dashboard-1': 3, 'dashboard-2': 1 },
  });
});

test('requests at the same time are all served', async () => {
  const agent = await loggedIn(dashboard());
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => agent.get('/dashboard/project/')),
  );
  assert.deepEqual(
    answers.map(({ status }) => status),
    Array(20).fill(200),
  );
  const { body } = await agent.get('/dashboard/project/api/status/').expect(200);
  assert.equal(body.user, 'demo');
});

test('a dashboard at the root of its host works as one under a path does', async () => {
  const app = dashboard({ webroot: '/' });
  await request(app).get('/auth/login').expect(301).expect('Location', '/auth/login/');
  await request(app).get('/').set('Host', 'h').expect('Location', 'http://h/auth/login/?next=/');
  const agent = await loggedIn(app, '/');
  await agent.get('/').expect(302).expect('Location', '/project/');
  await agent.get('/project/').expect(200);
});

test('without memcached the answer is 503 at once, and nobody is sent to the login page', async (t) => {
  const lost = await startSessions();
  t.after(() => lost.close());
  const app = testDashboard({ sessions: lost.sessions });
  const page = await (await loggedIn(app)).get('/dashboard/project/').expect(200);
  const sent = (page.request as unknown as { cookies: string }).cookies;
  await lost.close();
  const answer = await request(app).get('/dashboard/project/').set('Cookie', sent).expect(503);
  assert.match(answer.text, /Something went wrong/);
  assert.equal(cookie(answer, 'sessionid'), undefined);
});
