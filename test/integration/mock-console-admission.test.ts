import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RfbViewer, startConsole } from '../support/rfb-viewer.ts';
import { until } from '../support/until.ts';

const GOOD_PLACES: readonly (readonly [string, string, Record<string, string>])[] = [
  ['the query of /', '/?token=tok-1', {}],
  ['the query of /websockify', '/websockify?token=tok-1', {}],
  ['the cookie', '/websockify', { cookie: 'a=b; token=tok-1; c=d' }],
];

for (const [where, path, headers] of GOOD_PLACES) {
  test(`a token in ${where} opens a console`, async (t) => {
    const running = await startConsole(t);
    const viewer = await new RfbViewer(`ws://127.0.0.1:${running.port}${path}`, {
      headers,
    }).opened();
    await viewer.read(12);
    assert.equal(running.connections(), 1);
    viewer.socket.close();
    await viewer.closed;
    await until('the console is counted no more', () => running.connections() === 0);
  });
}

const BAD_TOKENS: readonly (readonly [string, string, Record<string, string>])[] = [
  ['no token', '/', {}],
  ['an unknown token', '/?token=tok-2', {}],
  ['an empty token', '/?token=', {}],
  ['a bad token in the query and a good one in the cookie', '/?token=x', { cookie: 'token=tok-1' }],
];

for (const [what, path, headers] of BAD_TOKENS) {
  test(`${what} gets 101 and then the connection ends without a byte of RFB`, async (t) => {
    const running = await startConsole(t);
    const viewer = await new RfbViewer(`ws://127.0.0.1:${running.port}${path}`, {
      headers,
    }).opened();
    assert.equal((await viewer.closed).code, 1006);
    await assert.rejects(viewer.read(1), /closed with 0 of 1 bytes/);
    assert.equal(running.connections(), 0);
  });
}

test('a token check that fails counts as a bad token', async (t) => {
  const running = await startConsole(t, {
    checkToken: () => Promise.reject(new Error('no database')),
  });
  const viewer = await new RfbViewer(`ws://127.0.0.1:${running.port}/?token=tok-1`).opened();
  assert.equal((await viewer.closed).code, 1006);
});

const ORIGINS: readonly (readonly [string, string, boolean])[] = [
  ['http://127.0.0.1:8443', 'the same host on another port', true],
  ['https://127.0.0.1:443', 'the same host by https', true],
  ['https://dashboard.example', 'an allowed host', true],
  ['https://evil.example', 'another host', false],
  ['https://127.0.0.1.evil.example', "a host that begins with this host's name", false],
  ['null', 'no host at all', false],
];

for (const [origin, what, allowed] of ORIGINS) {
  test(`an Origin of ${what} is ${allowed ? 'let in' : 'refused with 403'}`, async (t) => {
    const { port } = await startConsole(t, { allowedOrigins: ['dashboard.example'] });
    const viewer = new RfbViewer(`ws://127.0.0.1:${port}/?token=tok-1`, { origin });
    if (allowed) {
      await viewer.opened();
      assert.equal((await viewer.read(12)).toString(), 'RFB 003.008\n');
    } else {
      await assert.rejects(viewer.opened(), /Unexpected server response: 403/);
    }
  });
}

test('the subprotocol binary is taken, and base64 alone is refused with 400', async (t) => {
  const { port } = await startConsole(t);
  const url = `ws://127.0.0.1:${port}/?token=tok-1`;
  const viewer = await new RfbViewer(url, {}, ['base64', 'binary']).opened();
  assert.equal(viewer.socket.protocol, 'binary');
  await assert.rejects(new RfbViewer(url, {}, ['base64']).opened(), /response: 400/);
});

test('noVNC and its page are served, as websockify serves them', async (t) => {
  const { port } = await startConsole(t);
  const base = `http://127.0.0.1:${port}`;
  for (const [path, type] of [
    ['/vnc_lite.html?path=%3Ftoken%3Dtok-1', /html/],
    ['/vnc_lite.js', /javascript/],
    ['/core/rfb.js', /javascript/],
    ['/vendor/pako/lib/zlib/inflate.js', /javascript/],
  ] as const) {
    const response = await fetch(base + path);
    assert.equal(response.status, 200, path);
    assert.match(response.headers.get('content-type') ?? '', type);
    assert.ok((await response.text()).length > 0);
  }
  assert.equal((await fetch(`${base}/nothing`)).status, 404);
  assert.equal((await fetch(base, { method: 'OPTIONS' })).status, 501);
  assert.equal((await fetch(base, { method: 'POST', body: 'x' })).status, 501);
});

test('a directory without noVNC is refused at once', async (t) => {
  await assert.rejects(startConsole(t, { novncPath: '/nonexistent' }), /core\/rfb\.js is missing/);
});
