import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { RequestListener } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, it, type TestContext } from 'node:test';
import { createAdminHttp } from '../../src/admin/admin-http.ts';
import { until } from '../support/until.ts';

const PAGE = 'x'.repeat(50_000);
const GET = 'GET /page HTTP/1.1\r\nHost: x\r\n\r\n';

async function start(t: TestContext, listener: RequestListener) {
  let asked = 0;
  const server = createAdminHttp((req, res) => {
    asked += 1;
    listener(req, res);
  });
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const open = (): Socket => {
    const socket = connect(port, '127.0.0.1');
    t.after(() => socket.destroy());
    socket.on('error', () => {});
    return socket;
  };
  return { open, asked: () => asked };
}

describe('the server of the admin listener', { concurrency: true }, () => {
  it('answers what is asked one behind the other', async (t) => {
    const { open } = await start(t, (_req, res) => void res.end(PAGE));
    const socket = open();
    socket.write(GET.repeat(7));
    socket.write(GET.replace('Host: x', 'Host: x\r\nConnection: close'));
    const told = await text(socket);
    assert.equal(told.match(/HTTP\/1\.1 200/g)?.length, 8);
  });

  it('ends a connection that asks on and on and takes no answer', async (t) => {
    const { open, asked } = await start(t, (_req, res) => void res.end(PAGE));
    const socket = open();
    socket.pause();
    socket.write(GET.repeat(1_600));
    let closed = false;
    socket.once('close', () => {
      closed = true;
    });
    await until('it is ended', () => {
      socket.resume();
      return closed;
    });
    assert.ok(asked() <= 8, `${asked()} answers were made`);
  });

  for (const [what, lines, status] of [
    ['expects what nobody has', 'Host: x\r\nExpect: x\r\n', 417],
    ['names no host', '', 400],
  ] as const) {
    const head = `GET /page HTTP/1.1\r\n${lines}\r\n`;

    it(`refuses who ${what}`, async (t) => {
      const { open, asked } = await start(t, (_req, res) => void res.end(PAGE));
      const socket = open();
      socket.write(head);
      assert.match(await text(socket), new RegExp(`^HTTP/1\\.1 ${status} `));
      assert.equal(asked(), 0);
    });

    it(`ends a connection that ${what}, asks on and on and takes no answer`, async (t) => {
      const { open, asked } = await start(t, (_req, res) => void res.end(PAGE));
      const sockets = Array.from({ length: 32 }, () => open().pause());
      for (const socket of sockets) socket.write(head.repeat(1_600));
      await until('all are ended', () => {
        // A reset is seen by who writes, where nothing is read.
        for (const socket of sockets) if (!socket.destroyed) socket.write(head);
        return sockets.every(({ destroyed }) => destroyed);
      });
      assert.equal(asked(), 0);
    });
  }

  it('has no more than 64 connections of one address', async (t) => {
    const { open, asked } = await start(t, (_req, res) => void res.end('there'));
    const sockets = Array.from({ length: 70 }, open);
    let closed = 0;
    for (const socket of sockets) socket.resume().once('close', () => (closed += 1));
    await until('the others are closed', () => closed === 6);
    for (const socket of sockets.filter(({ destroyed }) => !destroyed)) socket.write(GET);
    await until('the rest is served', () => asked() === 64);
    for (const socket of sockets) socket.destroy();
    await until('there is room again', async () => {
      const socket = open();
      socket.write(GET);
      const [told] = await Promise.race([once(socket, 'data'), once(socket, 'close')]);
      return String(told).includes('there');
    });
  });

  it('waits ten seconds for a head, and hardly longer', async (t) => {
    const { open } = await start(t, (_req, res) => void res.end());
    const socket = open();
    const began = performance.now();
    socket.write('GET / HTTP/1.1\r\n');
    const told = await text(socket);
    assert.match(told, /^HTTP\/1\.1 408 /);
    const tookMs = performance.now() - began;
    assert.ok(tookMs > 9_000 && tookMs < 20_000, `${tookMs} ms`);
  });
});
