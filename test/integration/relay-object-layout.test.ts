import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { Answer } from '../../src/relay/answer.ts';
import { DownstreamConnection } from '../../src/relay/downstream-connection.ts';
import { Exchange } from '../../src/relay/exchange.ts';
import { SendQueue } from '../../src/relay/send-queue.ts';
import { Tunnels } from '../../src/relay/tunnels.ts';
import { UpstreamConnection } from '../../src/relay/upstream-connection.ts';
import { endpointsOf } from '../../src/upstream/endpoints.ts';
import { FORGOTTEN, forgetObjects, isFast } from '../support/object-layout.ts';
import { startScriptedServer } from '../support/scripted-server.ts';
import { openRawTunnel, startRawConsole, startRelay } from '../support/tunnels.ts';
import { until } from '../support/until.ts';

/** The objects that a method of a class is called on from now on, or with. */
function objectsOf<T extends object>(
  t: TestContext,
  { prototype }: { prototype: T },
  method: keyof T & string,
  where: 'on' | 'with' = 'on',
): ReadonlySet<object> {
  const seen = new Set<object>();
  const { value: original } = Object.getOwnPropertyDescriptor(prototype, method)!;
  const spy = function (this: T, ...args: object[]) {
    seen.add(where === 'on' ? this : args[0]!);
    return original.apply(this, args);
  };
  Object.defineProperty(prototype, method, { value: spy, configurable: true });
  t.after(() => Object.defineProperty(prototype, method, { value: original, configurable: true }));
  return seen;
}

/** The properties that sockets have when something is sent to them, each list of them once. */
function shapesOfSockets(t: TestContext): ReadonlySet<string> {
  const shapes = new Set<string>();
  const { write } = SendQueue.prototype;
  t.mock.method(SendQueue.prototype, 'write', function (this: SendQueue, ...args: [string]) {
    shapes.add(Reflect.ownKeys(this.socket).map(String).join());
    write.apply(this, args);
  });
  return shapes;
}

function assertFast(objects: Record<string, ReadonlySet<object>>): void {
  for (const [name, all] of Object.entries(objects)) {
    assert.ok(all.size > 0, `there are objects of ${name}`);
    for (const each of all) assert.ok(isFast(each), `an object of ${name} is a dictionary`);
  }
}

/** A relay whose backend answers every request with this; a visit asks once, and is over when all of it is. */
async function startVisits(t: TestContext, answer: string, request: string) {
  const backend = await startScriptedServer(t, (socket) => {
    socket.on('data', () => socket.write(answer)).on('end', () => socket.end());
  });
  const { relay } = await startRelay(t, [backend.port]);
  // The relay's own listener in tests remembers its connections.
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const endpoints = endpointsOf(socket);
    const { address } = endpoints;
    relay.accept(socket, { endpoints, address, proxies: undefined, scheme: 'http' });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  return async () => {
    const socket = connect(port, '127.0.0.1');
    socket.write(request);
    await once(socket, 'data');
    socket.resume().end();
    await once(socket, 'close');
    const isOver = () => relay.clients === 0 && backend.sockets.size === 0;
    await until('the connections of the relay are closed', isOver);
  };
}

async function visitAndForget(visit: () => Promise<void>): Promise<void> {
  for (let count = 0; count < FORGOTTEN; count += 1) await visit();
  forgetObjects();
}

test('objects of requests keep their fields in themselves though the first few were forgotten', async (t) => {
  const visit = await startVisits(
    t,
    'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
  );
  await visitAndForget(visit);
  const objects = {
    DownstreamConnection: objectsOf(t, DownstreamConnection, 'respond'),
    UpstreamConnection: objectsOf(t, UpstreamConnection, 'begin'),
    Exchange: objectsOf(t, Exchange, 'onResponse'),
    Answer: objectsOf(t, Answer, 'begin'),
  };
  await visit();
  await visit();
  assertFast(objects);
});

test('tunnels keep their fields in themselves though the first few were forgotten', async (t) => {
  const visit = await startVisits(
    t,
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
      'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  );
  await visitAndForget(visit);
  const objects = { Tunnel: objectsOf(t, Tunnels, 'add', 'with') };
  await visit();
  await visit();
  assertFast(objects);
});

test('sockets of a tunnel keep the properties that they had, and compiled code knows', async (t) => {
  const backend = await startRawConsole(t);
  const { port } = await startRelay(t, [backend.port]);
  const shapes = shapesOfSockets(t);
  const { client, console } = await openRawTunnel(t, port, backend);
  // One of the client's side, and one of the backend's.
  const before = [...shapes];
  assert.equal(before.length, 2);
  client.write(Buffer.from('from the client'));
  await console.has(15);
  console.write(Buffer.from('from the backend'));
  await client.has(16);
  assert.deepEqual([...shapes], before);
});
