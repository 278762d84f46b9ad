import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { AddressInfo, Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { createServer } from 'node:tls';
import { issue } from '../support/certificates.ts';
import { temporaryFolder } from '../support/gateway.ts';
import { contextsOf, startListener } from '../support/listener.ts';
import { FORGOTTEN, forgetObjects, isFast } from '../support/object-layout.ts';
import { until } from '../support/until.ts';

/** The properties of the socket on which a handshake is through, in the order in which it got them. */
async function propertiesOfNext(
  t: TestContext,
  start: (onSocket: (socket: Socket) => void) => Promise<number>,
): Promise<string[]> {
  let found: string[] | undefined;
  const port = await start((socket) => {
    found = Reflect.ownKeys(socket).map(String);
    socket.on('error', () => {}).destroy();
  });
  const client = spawn('openssl', ['s_client', '-connect', `127.0.0.1:${port}`]);
  t.after(() => client.kill());
  await until('a handshake is through', () => found !== undefined);
  return found!;
}

test('a TLS socket is handed over as Node made it, without a property of its own', async (t) => {
  const ec = await issue(temporaryFolder(t), 'ec', { names: ['cloud.example'] });
  const ours = await propertiesOfNext(t, async (onConnection) => {
    const { port } = await startListener(t, contextsOf(ec), { onConnection });
    return port;
  });
  const plain = await propertiesOfNext(t, async (onSocket) => {
    const server = createServer({ cert: readFileSync(ec.cert), key: readFileSync(ec.key) });
    server.on('secureConnection', onSocket).listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => server.close());
    return (server.address() as AddressInfo).port;
  });
  assert.deepEqual(ours, plain);
});

test('TLS sockets keep their fields in themselves though the first few were forgotten', async (t) => {
  const ec = await issue(temporaryFolder(t), 'ec', { names: ['cloud.example'] });
  let last: Socket | undefined;
  const { port, listener } = await startListener(t, contextsOf(ec), {
    onConnection: (socket) => {
      last = socket;
      socket.on('error', () => {}).on('end', () => socket.destroy());
      socket.resume();
    },
  });
  // From another process: TLS sockets of clients are of the same class.
  const visit = async () => {
    const client = spawn('openssl', ['s_client', '-connect', `127.0.0.1:${port}`]);
    client.stdin.end();
    await once(client, 'close');
    await until('the listener has closed it too', () => listener.connections === 0);
  };
  for (let count = 0; count < FORGOTTEN; count += 1) await visit();
  last = undefined;
  forgetObjects();
  await visit();
  assert.ok(last && isFast(last), 'a TLS socket is a dictionary');
});
