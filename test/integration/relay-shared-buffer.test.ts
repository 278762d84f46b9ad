import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { ConnectionPool } from '../../src/relay/connection-pool.ts';
import { Deadlines } from '../../src/relay/deadlines.ts';
import { Outbox } from '../../src/relay/outbox.ts';
import { parseBackends } from '../../src/upstream/backend-address.ts';
import { Pool } from '../../src/upstream/pool.ts';
import { startTestGateway } from '../support/gateway.ts';
import { startScriptedServer } from '../support/scripted-server.ts';
import { openTls } from '../support/tls-client.ts';
import { RawSocket, startRawConsole, startRelay } from '../support/tunnels.ts';
import { until } from '../support/until.ts';

// All clients of a relay are read into one buffer. What is kept of one client's bytes must not be in it
// when another one's come.

type Door = 'plain' | 'TLS';

interface Front {
  open(): Promise<RawSocket>;
  /** Has so much of another client's read that nothing of what was in the buffer before is left. */
  overwrite(): Promise<void>;
}

async function startFront(t: TestContext, door: Door, backends: string): Promise<Front> {
  const gateway = await startTestGateway(t, {
    PORTAL_BACKENDS: backends,
    PORTAL_ROOT_REDIRECT: '/dashboard/',
    PORTAL_PLAIN_LISTEN: '127.0.0.1:0',
  });
  const { portal, plain } = gateway.addresses;
  const open = async () => {
    const socket = door === 'TLS' ? openTls(portal!.port).tls : connect(plain!.port, '127.0.0.1');
    t.after(() => socket.destroy());
    await once(socket, door === 'TLS' ? 'secureConnect' : 'connect');
    return new RawSocket(socket);
  };
  const overwrite = async () => {
    const other = await open();
    // As much as is read at once, and more than a head may have.
    other.write(Buffer.alloc(70_000, 'Z'));
    assert.match((await other.all()).toString(), /^HTTP\/1\.1 414 /);
  };
  return { open, overwrite };
}

/** A backend that answers when it is told to, each connection with all that came on it by then. */
async function startRecordingBackend(t: TestContext) {
  const connections: RawSocket[] = [];
  const backend = await startScriptedServer(t, (socket) => {
    socket.once('data', (first) => {
      if (first.includes('/health')) socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
      else connections.push(new RawSocket(socket, first));
    });
  });
  return { ...backend, connections };
}

const HANDSHAKE =
  'GET /?token=t HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
  'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';
const OK = Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');

for (const door of ['plain', 'TLS'] as const) {
  test(`a body that waits for a backend is its client's own (${door})`, async (t) => {
    const backend = await startRecordingBackend(t);
    const { open, overwrite } = await startFront(t, door, `${backend.url} maxconn=1`);
    const first = await open();
    first.write(Buffer.from('GET /first HTTP/1.1\r\nHost: a\r\n\r\n'));
    await until('the backend is busy', () => backend.connections.length === 1);
    const second = await open();
    const head = 'POST /second HTTP/1.1\r\nHost: a\r\nContent-Length: 8000\r\n\r\n';
    second.write(Buffer.from(head + 'a'.repeat(3_000)));
    await overwrite();
    second.write(Buffer.from('b'.repeat(5_000)));
    await overwrite();
    backend.connections[0]!.write(OK);
    await until('the second has come', () => backend.connections.length === 2);
    const body = 'a'.repeat(3_000) + 'b'.repeat(5_000);
    await until('it is whole', () => backend.connections[1]!.bytes.toString().endsWith(body));
  });

  test(`requests behind another one are their client's own (${door})`, async (t) => {
    const backend = await startRecordingBackend(t);
    const { open, overwrite } = await startFront(t, door, backend.url);
    const client = await open();
    const requests = ['/1', '/2', '/3'].map((path) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
    // With the first one, behind it, and broken off.
    client.write(Buffer.from(requests[0]! + requests[1]!));
    await until('the backend is busy', () => backend.connections.length === 1);
    await overwrite();
    client.write(Buffer.from(requests[2]!.slice(0, 20)));
    await overwrite();
    client.write(Buffer.from(requests[2]!.slice(20)));
    await overwrite();
    const asked = backend.connections[0]!;
    for (const path of ['/1', '/2', '/3']) {
      await until(`${path} has come`, () => asked.bytes.includes(`GET ${path} HTTP/1.1\r\n`));
      asked.write(OK);
      await overwrite();
    }
    const answers = () => client.bytes.toString().match(/HTTP\/1\.1 200 /g)?.length;
    await until('all are answered', () => answers() === 3);
  });

  test(`requests behind one that the gateway answers itself are their client's own (${door})`, async (t) => {
    const backend = await startRecordingBackend(t);
    const { open, overwrite } = await startFront(t, door, backend.url);
    const client = await open();
    const requests = ['/', '/1', '/2'].map((path) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
    client.write(Buffer.from(requests.join('')));
    await until('the backend is busy', () => backend.connections.length === 1);
    await overwrite();
    const asked = backend.connections[0]!;
    asked.write(OK);
    await until('the last has come', () => asked.bytes.includes('GET /2 HTTP/1.1\r\n'));
    asked.write(OK);
    const answers = () => client.bytes.toString().match(/HTTP\/1\.1 (301|200) /g)?.length;
    await until('all are answered', () => answers() === 3);
  });

  test(`a head that comes in parts is its client's own (${door})`, async (t) => {
    const backend = await startRecordingBackend(t);
    const { open, overwrite } = await startFront(t, door, backend.url);
    const client = await open();
    for (const part of ['GE', 'T /parts HTTP/1.1\r\nHo', 'st: a\r\nX-Word: wo', 'rd\r\n\r\n']) {
      client.write(Buffer.from(part));
      await overwrite();
    }
    await until('it has come', () => backend.connections.length === 1);
    assert.match(backend.connections[0]!.bytes.toString(), /^GET \/parts HTTP\/1\.1\r\n/);
    assert.match(backend.connections[0]!.bytes.toString(), /x-word: word\r\n/i);
  });

  test(`a body that a slow backend has not taken yet is its client's own (${door})`, async (t) => {
    const backend = await startRecordingBackend(t);
    const { open, overwrite } = await startFront(t, door, backend.url);
    const client = await open();
    const body = Buffer.alloc(24_000_000, 'abcdefg');
    client.write(Buffer.from('POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 24000000\r\n\r\n'));
    await until('the backend has it', () => backend.connections.length === 1);
    const { socket } = backend.connections[0]!;
    socket.pause();
    client.write(body);
    await until('the client has to wait', () => client.socket.writableLength > 0);
    for (let i = 0; i < 8; i += 1) await overwrite();
    socket.resume();
    await until('all has come', () => backend.connections[0]!.bytes.length > body.length);
    assert.ok(backend.connections[0]!.bytes.subarray(-body.length).equals(body));
  });
}

test('bytes that wait until their connection is there are its own', async (t) => {
  const backend = await startRecordingBackend(t);
  const timeouts = { connectMs: 5_000, serverMs: 5_000, idleMs: 5_000 };
  const connections = new ConnectionPool(new Deadlines(), timeouts, new Outbox());
  const addresses = parseBackends(backend.url, (problem) => assert.fail(problem));
  const [server] = new Pool('portal', addresses).backends;
  const connection = connections.take(server!, false, { address: '127.0.0.1' } as never);
  t.after(() => connection.close());
  const bytes = Buffer.from('a body');
  connection.write('a head, ', false);
  connection.write(bytes, true);
  bytes.fill('Z');
  await until('it has come', () => backend.connections[0]?.bytes.toString() === 'a head, a body');
});

test('what a client sends behind its handshake, and through a tunnel, is its own', async (t) => {
  const console = await startRawConsole(t);
  const { port } = await startRelay(t, [console.port]);
  const overwrite = async () => {
    const other = await openPlain(t, port);
    other.write(Buffer.alloc(70_000, 'Z'));
    await other.all();
  };
  const answer = console.hold();
  const client = await openPlain(t, port);
  client.write(Buffer.from(`${HANDSHAKE}behind it`));
  const side = await console.next();
  await overwrite();
  answer();
  assert.equal((await side.has(9)).toString(), 'behind it');
  const sent = Buffer.alloc(16_000_000, 'hijklmn');
  side.socket.pause();
  client.write(sent);
  await until('the client has to wait', () => client.socket.writableLength > 0);
  await overwrite();
  side.socket.resume();
  assert.ok((await side.has(9 + sent.length)).subarray(9).equals(sent));
});

async function openPlain(t: TestContext, port: number): Promise<RawSocket> {
  const socket = connect(port, '127.0.0.1');
  t.after(() => socket.destroy());
  await once(socket, 'connect');
  return new RawSocket(socket);
}
