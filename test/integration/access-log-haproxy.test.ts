import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { startTestGateway } from '../support/gateway.ts';
import { startHaproxy } from '../support/haproxy.ts';
import { parseHttpLog } from '../support/httplog.ts';
import { startScriptedServer } from '../support/scripted-server.ts';
import { startSyslogServer } from '../support/syslog.ts';
import { until } from '../support/until.ts';

const get = (path: string, more = '') => `GET ${path} HTTP/1.1\r\nHost: a\r\n${more}\r\n`;
const CLOSE = 'Connection: close\r\n';
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello';
const PARTIAL = 'HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello';

/** What the backend does with a request for a path; nothing for all others. */
const BACKEND: Readonly<Record<string, (socket: Socket) => void>> = {
  '/health': (socket) => socket.write(OK),
  '/ok': (socket) => socket.write(OK),
  '/missing': (socket) => socket.write('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n'),
  '/closes': (socket) => socket.destroy(),
  '/breaks': (socket) => socket.end(PARTIAL),
  '/nonsense': (socket) => socket.write('nonsense\r\n\r\n'),
  // HAProxy sees that a client is gone when it has something for it.
  '/partial': (socket) => {
    socket.write(PARTIAL);
    const more = setInterval(() => socket.write('.'), 20);
    socket.once('close', () => clearInterval(more));
  },
};

interface Scene {
  readonly what: string;
  readonly sends: string;
  /** The client leaves when this has come, or when it has sent all where it is empty. */
  readonly leavesAfter?: string;
}

const SCENES: readonly Scene[] = [
  { what: 'two requests of a connection', sends: get('/ok?token=secret') + get('/ok', CLOSE) },
  { what: 'an error of the backend', sends: get('/missing', CLOSE) },
  { what: 'a HEAD', sends: get('/ok', CLOSE).replace('GET', 'HEAD') },
  { what: 'a path that is closed', sends: get('/server-status', CLOSE) },
  { what: 'a redirect', sends: get('/', CLOSE) },
  { what: 'no request', sends: 'GET / nonsense\r\n\r\n' },
  { what: 'a request without end', sends: 'GET /ok HTTP/1.1\r\nHost: a\r\n' },
  { what: 'a backend that is silent', sends: get('/silent', CLOSE) },
  { what: 'a backend that closes', sends: get('/closes', CLOSE) },
  { what: 'a backend that breaks off', sends: get('/breaks', CLOSE) },
  { what: 'a backend that talks nonsense', sends: get('/nonsense', CLOSE) },
  { what: 'a client that leaves in the answer', sends: get('/partial'), leavesAfter: 'hello' },
  { what: 'a client that does not wait', sends: get('/silent'), leavesAfter: '' },
];

/** Plays a scene; what the client got. */
async function play(port: number, { sends, leavesAfter }: Scene): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1' });
  socket.on('error', () => {});
  let got = '';
  socket.setEncoding('latin1').on('data', (text) => {
    got += text;
    if (leavesAfter && got.includes(leavesAfter)) socket.resetAndDestroy();
  });
  await once(socket, 'connect');
  await new Promise((resolve) => socket.write(sends, resolve));
  return new Promise((resolve) => {
    socket.once('close', () => resolve(got));
    if (leavesAfter === '') socket.end();
  });
}

/** What both proxies have to agree on, where times are counted or were not reached. */
function comparable(line: string) {
  const fields = parseHttpLog(line);
  const reached = (ms: string) => (Number(ms) < 0 ? 'never' : 'reached');
  return {
    ip: fields.ip,
    frontend: fields.frontend,
    backend: fields.backend,
    server: fields.server,
    status: fields.status,
    state: fields.state,
    request: fields.request!.replace(/\?\S*/, ''),
    cookies: [fields.requestCookie, fields.answerCookie],
    times: [fields.TR, fields.Tw, fields.Tc, fields.Tr].map((ms) => reached(ms!)),
    connections: [fields.actconn, fields.feconn, fields.beconn, fields.srvconn],
    retries: fields.retries,
    queues: [fields.serverQueue, fields.backendQueue],
  };
}

test('the httplog line of each request says what that of a real HAProxy does', async (t) => {
  const backend = await startScriptedServer(t, (socket) => {
    socket.setEncoding('latin1').on('data', (text) => {
      for (const [, path] of String(text).matchAll(/^(?:GET|HEAD) (\/[^\s?]*)/gm)) {
        const head = String(text).startsWith('HEAD');
        if (head) socket.write(OK.replace('hello', ''));
        else BACKEND[path!]?.(socket);
      }
    });
    socket.on('end', () => socket.end());
  });
  const [theirs, ours] = [await startSyslogServer(t), await startSyslogServer(t)];
  const [haproxy] = await startHaproxy(
    t,
    1,
    ([port]) => ` mode http
 retries 0
 option abortonclose
 timeout http-request 400ms
 timeout server 500ms
 log 127.0.0.1:${theirs.port} local0
frontend portal
 bind 127.0.0.1:${port}
 option httplog
 option dontlognull
 http-request deny if { path_beg /server-status }
 http-request redirect code 301 location /dashboard/ if { path / }
 default_backend portal
backend portal
 server one 127.0.0.1:${backend.port}`,
  );
  const gateway = await startTestGateway(t, {
    PORTAL_BACKENDS: `${backend.url} name=one`,
    PORTAL_PLAIN_LISTEN: '127.0.0.1:0',
    HEALTH_INTERVAL: '1h',
    RETRIES: '0',
    HEADER_TIMEOUT: '400ms',
    SERVER_TIMEOUT: '500ms',
    ACCESS_LOG_FORMAT: 'httplog',
    ACCESS_LOG: `syslog:udp:127.0.0.1:${ours.port}`,
  });
  const plain = gateway.addresses.plain!.port;
  for (const scene of SCENES) {
    const before = [theirs, ours].map(({ messages }) => messages.length);
    await play(haproxy!, scene);
    const got = await play(plain, scene);

    const expected = scene.what.startsWith('two') ? 2 : 1;
    await until(`both have logged ${scene.what}`, () =>
      [theirs, ours].every(({ messages }, i) => messages.length >= before[i]! + expected),
    );
    const [their, our] = [theirs, ours].map(({ messages }, i) => messages.slice(before[i]));
    const told = [our, their].map((lines) => lines!.map(comparable));
    // HAProxy answers 400 to a client that is gone; what was never answered has no status here.
    if (scene.leavesAfter === '') for (const [line] of told) line!.status = '-1';
    assert.deepEqual(told[0], told[1], scene.what);
    const bytes = our!.reduce((sum, line) => sum + Number(parseHttpLog(line).bytes), 0);
    if (scene.leavesAfter === undefined) assert.equal(bytes, got.length, scene.what);
    assert.match(our![0]!, /^<134>[A-Z][a-z]{2} [ \d]\d [\d:]{8} \S+ dashgate\[\d+\]: 127\./);
  }
  assert.ok(ours.messages.every((message) => !message.includes('secret')));
});
