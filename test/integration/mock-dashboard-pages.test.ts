import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import request, { type Response } from 'supertest';
import { INSTANCES } from '../../src/demo/dashboard-instances.ts';
import type { MockDashboardOptions } from '../../src/demo/mock-dashboard.ts';
import {
  type Agent,
  csrfTokenIn,
  loggedIn,
  startSessions,
  testDashboard,
} from '../support/dashboard.ts';

const PROJECT = '/dashboard/project/';

const service = await startSessions();
after(() => service.close());

function dashboard(options: Partial<MockDashboardOptions> = {}) {
  return testDashboard({ sessions: service.sessions, ...options });
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function binary(response: Response, done: (error: Error | null, body: Buffer) => void): void {
  const chunks: Buffer[] = [];
  const stream = response as unknown as IncomingMessage;
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  stream.on('end', () => done(null, Buffer.concat(chunks)));
}

async function csrfToken(agent: Agent): Promise<string> {
  return csrfTokenIn((await agent.get(`${PROJECT}transfers/`).expect(200)).text);
}

test('the instances page names every instance and leads to its console', async () => {
  const agent = await loggedIn(dashboard());
  const { text } = await agent.get(`${PROJECT}instances/`).expect(200);
  for (const { id, name } of INSTANCES) {
    assert.ok(text.includes(name));
    assert.ok(text.includes(`href="${PROJECT}instances/${id}/console/"`));
  }
});

test("the console page embeds noVNC's page with the token inside of its path", async () => {
  const agent = await loggedIn(dashboard());
  const [instance] = INSTANCES;
  const page = await agent.get(`${PROJECT}instances/${instance?.id}/console/`).expect(200);
  const src = /<iframe[^>]* src="([^"]+)"/.exec(page.text)?.[1]?.replaceAll('&amp;', '&') ?? '';
  assert.ok(
    src.startsWith(
      `https://127.0.0.1:6080/vnc_lite.html?path=%3Ftoken%3Dtoken-of-${instance?.id}&`,
    ),
    src,
  );
  assert.match(
    page.headers['content-security-policy'] ?? '',
    /^default-src 'self'; frame-src https:\/\/127\.0\.0\.1:6080;/,
  );
  await agent.get(`${PROJECT}instances/unknown/console/`).expect(404);
});

test('pages are never cached and hold neither inline scripts nor inline styles', async () => {
  const agent = await loggedIn(dashboard());
  for (const path of ['', 'instances/', 'transfers/', `instances/${INSTANCES[0]?.id}/console/`]) {
    const { headers, text } = await agent.get(PROJECT + path).expect(200);
    assert.equal(headers['cache-control'], 'no-store');
    assert.equal(headers.etag, undefined);
    assert.doesNotMatch(text, /<style|style="|<script>|\son\w+="/);
  }
});

test('static files come with validators and answer 304 to them, without a session', async () => {
  const app = dashboard();
  for (const [file, type] of [
    ['dashboard.css', /css/],
    ['logo.svg', /svg/],
    ['live.js', /javascript/],
  ] as const) {
    const path = `/static/dashboard/${file}`;
    const { headers } = await request(app).get(path).expect(200).expect('Content-Type', type);
    assert.match(headers['cache-control'] ?? '', /max-age=3600/);
    assert.ok(headers['last-modified']);
    assert.equal(headers['set-cookie'], undefined);
    await request(app)
      .get(path)
      .set('If-None-Match', headers.etag ?? '')
      .expect(304);
  }
  await request(app).get('/static/dashboard/%2e%2e/console/vnc_lite.js').expect(404);
});

test('an unknown page is 404 and a failing one 500, both as pages that tell nothing', async () => {
  const agent = await loggedIn(dashboard());
  await agent.get(`${PROJECT}nothing/`).expect(404, /Not found/);
  const failed = await agent.get(`${PROJECT}failure/`).expect(500, /Something went wrong/);
  assert.ok(!failed.text.includes('always fails'));
  await agent.get(PROJECT).expect(200);
});

test('the slow page takes the time it was asked to take, and no more than its bound', async () => {
  const agent = await loggedIn(dashboard());
  const start = performance.now();
  await agent.get(`${PROJECT}slow/?ms=120`).expect(200, /0\.12 s/);
  assert.ok(performance.now() - start >= 119);
});

test('a download is the same from every dashboard and agrees with its announced hash', async () => {
  const bodies: Buffer[] = [];
  for (const name of ['dashboard-1', 'dashboard-2']) {
    const agent = await loggedIn(dashboard({ name }));
    const { headers, body } = await agent
      .get(`${PROJECT}download/?mb=3`)
      .buffer(true)
      .parse(binary)
      .expect(200);
    assert.equal(headers['content-length'], String(3 * 1024 * 1024));
    assert.equal(body.length, 3 * 1024 * 1024);
    assert.equal(headers['x-content-sha256'], sha256(body));
    bodies.push(body);
  }
  assert.ok(bodies[0]?.equals(bodies[1]!));
  assert.ok(!bodies[0]?.subarray(0, 1 << 20).equals(bodies[0].subarray(1 << 20, 2 << 20)));
});

test('HEAD of a download announces length and hash; sizes have bounds and a default', async () => {
  const agent = await loggedIn(dashboard());
  for (const [query, mb] of [
    ['', 16],
    ['?mb=0', 1],
    ['?mb=-5', 16],
    ['?mb=x', 16],
    ['?mb=9999', 256],
  ] as const) {
    const { headers } = await agent.head(`${PROJECT}download/${query}`).expect(200);
    assert.equal(headers['content-length'], String(mb * 1024 * 1024), query);
    assert.match(headers['x-content-sha256'] ?? '', /^[0-9a-f]{64}$/);
  }
});

test('a client that leaves in the middle of a download harms nobody', async (t) => {
  const app = dashboard();
  const agent = await loggedIn(app);
  const page = await agent.get(PROJECT);
  const server = app.listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const { cookies } = page.request as unknown as { cookies: string };
  const path = `${PROJECT}download/?mb=64`;
  const download = httpRequest({ port, path, headers: { cookie: cookies } });
  download.end();
  const [answer] = (await once(download, 'response')) as [IncomingMessage];
  await once(answer, 'data');
  answer.destroy();
  await agent.get(PROJECT).expect(200);
});

test('a form upload is answered by its size and hash, on a page or as JSON', async () => {
  const agent = await loggedIn(dashboard());
  const file = Buffer.alloc(3_000_000, 'dashgate\r\n--');
  const token = await csrfToken(agent);
  const page = await agent
    .post(`${PROJECT}upload/`)
    .set('Accept', 'text/html')
    .field('csrfmiddlewaretoken', token)
    .attach('file', file, '<b>.raw')
    .expect(200);
  assert.ok(page.text.includes(`data-bytes="3000000" data-sha256="${sha256(file)}"`));
  assert.ok(!page.text.includes('<b>'), 'the file name is escaped');
  const json = await agent
    .post(`${PROJECT}upload/`)
    .set('Accept', 'application/json')
    .attach('file', file, 'disk.raw')
    .field('csrfmiddlewaretoken', token)
    .expect(200);
  assert.deepEqual(json.body, {
    servedBy: 'dashboard-1',
    name: 'disk.raw',
    bytes: file.length,
    sha256: sha256(file),
  });
});

test('a raw upload with X-CSRFToken is answered as JSON; an empty one too', async () => {
  const agent = await loggedIn(dashboard());
  const token = await csrfToken(agent);
  for (const body of [Buffer.alloc(1_000_000, 7), Buffer.alloc(0)]) {
    const answer = await agent
      .post(`${PROJECT}upload/`)
      .set('X-CSRFToken', token)
      .type('application/octet-stream')
      .send(body)
      .expect(200);
    assert.equal(answer.body.bytes, body.length);
    assert.equal(answer.body.sha256, sha256(body));
  }
});

test('an upload without a CSRF token is refused, and a broken form is 400', async () => {
  const agent = await loggedIn(dashboard());
  await agent
    .post(`${PROJECT}upload/`)
    .attach('file', Buffer.from('x'), 'x')
    .expect(302, /csrf_failure/);
  await agent
    .post(`${PROJECT}upload/`)
    .type('application/octet-stream')
    .send(Buffer.from('x'))
    .expect(302, /csrf_failure/);
  await agent
    .post(`${PROJECT}upload/`)
    .type('multipart/form-data; boundary=b')
    .send('--b\r\nContent-Disposition: form-data; name="file"\r\n\r\nno end')
    .expect(400);
});

test('an anonymous upload is sent to the login page', async () => {
  await request(dashboard())
    .post(`${PROJECT}upload/`)
    .attach('file', Buffer.from('x'), 'x')
    .expect(302)
    .expect('Location', /auth\/login\/\?next=/);
});
