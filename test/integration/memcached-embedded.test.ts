import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { buffer, text } from 'node:stream/consumers';
import { describe, it, type TestContext } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { startEmbeddedMemcached } from '../../src/demo/embedded-memcached.ts';

async function start(t: TestContext, options = {}) {
  const server = await startEmbeddedMemcached(options);
  t.after(() => server.close());
  return server;
}

describe('the embedded memcached', () => {
  it('holds no more answers than a slow reader takes, and gives them all in the end', async (t) => {
    const { host, port } = await start(t);
    const value = 'x'.repeat(100_000);
    const count = 500;
    const socket = connect({ host, port });
    t.after(() => socket.destroy());
    socket.write(`set a 0 0 ${value.length}\r\n${value}\r\n`);
    await once(socket, 'data');
    socket.pause();

    const before = process.memoryUsage().arrayBuffers;
    await new Promise((sent) => socket.write('get a\r\n'.repeat(count), sent));
    // The server is in this process: these turns are enough for it to do all that it will.
    for (let n = 0; n < 200; n++) await turn();
    const grown = process.memoryUsage().arrayBuffers - before;
    assert.ok(grown < 20e6, `${grown} bytes are held for a client that does not read`);

    socket.write('quit\r\n');
    const answer = `VALUE a 0 ${value.length}\r\n${value}\r\nEND\r\n`;
    assert.equal((await buffer(socket)).length, count * answer.length);
  });

  it('closes a connection whose command line does not end, and serves the others', async (t) => {
    const { host, port } = await start(t);
    const endless = connect({ host, port });
    endless.on('error', () => {});
    const gone = new Promise((resolve) => endless.once('close', resolve));
    endless.write(Buffer.alloc(200_000, 'get '));
    await gone;
    const other = connect({ host, port });
    other.write('mn\r\nquit\r\n');
    assert.equal(await text(other), 'MN\r\n');
  });

  it('survives clients that break off anywhere', async (t) => {
    const { host, port } = await start(t);
    for (const start of ['', 'get', 'set a 0 0 10\r\nabc', 'get a\r\n'.repeat(1000)]) {
      const socket = connect({ host, port });
      socket.on('error', () => {});
      await once(socket, 'connect');
      await new Promise((sent) => socket.write(start || ' ', sent));
      const gone = once(socket, 'close');
      socket.resetAndDestroy();
      await gone;
    }
    const other = connect({ host, port });
    other.write('get a\r\nquit\r\n');
    assert.equal(await text(other), 'END\r\n');
  });

  it('evicts the oldest items when its memory is full', async (t) => {
    const { host, port } = await start(t, { maxBytes: 50_000 });
    const socket = connect({ host, port });
    const value = 'x'.repeat(10_000);
    for (const key of ['a', 'b', 'c', 'd', 'e', 'f']) {
      socket.write(`set ${key} 0 0 ${value.length} noreply\r\n${value}\r\n`);
    }
    socket.write('touch a 0\r\ntouch b 0\r\ntouch c 0\r\ntouch f 0\r\nquit\r\n');
    assert.equal(await text(socket), 'NOT_FOUND\r\nNOT_FOUND\r\nTOUCHED\r\nTOUCHED\r\n');
  });

  it('ends its connections and frees its port when closed, and may be closed twice', async (t) => {
    const server = await start(t);
    const socket = connect({ host: server.host, port: server.port });
    await once(socket, 'connect');
    const gone = once(socket, 'close');
    socket.resume();
    await server.close();
    await gone;
    await server.close();
    const again = await start(t, { port: server.port });
    assert.equal(again.port, server.port);
  });

  it('rejects if its port is taken', async (t) => {
    const { port } = await start(t);
    await assert.rejects(startEmbeddedMemcached({ port }), { code: 'EADDRINUSE' });
  });
});
