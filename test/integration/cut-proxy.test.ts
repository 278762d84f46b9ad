import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { test } from 'node:test';
import { startCutProxy } from '../support/cut-proxy.ts';

const WORDS = 400;

test('what a slow way has passes it in its order, also while it gets fast again', async (t) => {
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => {});
    let word = 0;
    const timer = setInterval(() => {
      for (let i = 0; i < 4 && word < WORDS; i += 1) socket.write(String(word++).padStart(4, '0'));
      if (word === WORDS) socket.end();
    }, 1);
    socket.on('close', () => clearInterval(timer));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const way = await startCutProxy(t, (server.address() as AddressInfo).port);
  way.slow(60);
  const clients = Array.from({ length: 20 }, async () => {
    const socket = connect({ host: '127.0.0.1', port: way.port });
    let text = '';
    socket.setEncoding('latin1').on('data', (piece) => {
      text += piece;
      if (text.length > 800) way.mend();
    });
    await once(socket, 'end');
    return text;
  });
  const whole = Array.from({ length: WORDS }, (_, i) => String(i).padStart(4, '0')).join('');
  for (const text of await Promise.all(clients)) assert.equal(text, whole);
});
