import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { readInto } from '../../src/intake.ts';
import { issue } from '../support/certificates.ts';
import { temporaryFolder } from '../support/gateway.ts';
import { contextsOf, startListener } from '../support/listener.ts';
import { collectGarbage } from '../support/memory.ts';
import { openTls } from '../support/tls-client.ts';
import { until } from '../support/until.ts';

const CONNECTIONS = 60;
const NUMBERS = 8_000;
const EACH_BYTES = NUMBERS * 8;

const owners: Readonly<Record<string, (socket: Socket, owned: number[]) => void>> = {
  'listens to': (socket, owned) => {
    socket.on('end', () => socket.destroy());
    socket.on('close', () => owned.pop());
    socket.resume();
  },
  reads: (socket, owned) => {
    socket.on('end', () => socket.destroy());
    readInto(socket, { buffer: Buffer.alloc(1_024), take: () => owned.pop() });
    socket.resume();
  },
};

for (const [does, own] of Object.entries(owners)) {
  test(`who ${does} a TLS connection that is over is freed without a collection of the whole heap`, async (t) => {
    const ec = await issue(temporaryFolder(t), 'ec', { names: ['cloud.example'] });
    const { port, listener } = await startListener(t, contextsOf(ec), {
      onConnection: (socket) => {
        socket.on('error', () => {});
        own(
          socket,
          Array.from({ length: NUMBERS }, (_, i) => i + 0.5),
        );
      },
    });
    const visit = async () => {
      const { tls } = openTls(port);
      await once(tls, 'secureConnect');
      tls.resume().end();
      await once(tls, 'close');
      await until('the listener has closed it too', () => listener.connections === 0);
    };
    const used = () => {
      for (let i = 0; i < 3; i++) collectGarbage('minor');
      return process.memoryUsage().heapUsed;
    };
    for (let i = 0; i < 5; i++) await visit();
    collectGarbage();
    const before = used();
    for (let i = 0; i < CONNECTIONS; i++) await visit();
    const each = Math.round((used() - before) / CONNECTIONS);
    assert.ok(each < EACH_BYTES / 2, `${each} bytes of each are left`);
  });
}
