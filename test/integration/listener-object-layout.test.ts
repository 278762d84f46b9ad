import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { issue } from '../support/certificates.ts';
import { temporaryFolder } from '../support/gateway.ts';
import { contextsOf, startListener } from '../support/listener.ts';
import { FORGOTTEN, forgetObjects, isFast } from '../support/object-layout.ts';
import { until } from '../support/until.ts';

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
