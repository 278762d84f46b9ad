import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, it, type TestContext } from 'node:test';
import { connect } from 'node:tls';
import { clientOf, startDoor } from '../support/cache-door.ts';
import { MemoryStore } from '../support/cache-door-store.ts';
import { issue } from '../support/certificates.ts';
import { recordingLogger } from '../support/log.ts';

async function start(t: TestContext, options = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'dashgate-cache-door-'));
  t.after(() => rm(folder, { recursive: true }));
  const files = await issue(folder, 'cache', { names: ['127.0.0.1'] });
  const cert = readFileSync(files.cert);
  const store = new MemoryStore();
  const tls = { cert, key: readFileSync(files.key) };
  const running = await startDoor(t, { store, tls, ...options });
  const secured = async () => {
    const client = connect({ host: running.host, port: running.port, ca: cert });
    t.after(() => client.destroy());
    await once(client, 'secureConnect');
    return client;
  };
  return { ...running, store, secured };
}

describe('a door with a certificate', () => {
  it('serves over TLS, values of any size, and both sides can end', async (t) => {
    const { secured, door } = await start(t);
    const client = await secured();
    const value = 'x'.repeat(1_000_000);
    client.end(`set a 0 0 ${value.length}\r\n${value}\r\nget a\r\n`);
    assert.equal(await text(client), `STORED\r\nVALUE a 0 ${value.length}\r\n${value}\r\nEND\r\n`);
    const other = await secured();
    other.write('mn\r\nquit\r\n');
    assert.equal(await text(other), 'MN\r\n');
    await door.close();
    assert.equal(door.counters.connections.total, 2);
  });

  it('refuses who speaks no TLS, and tells the log', async (t) => {
    const { logger, lines } = recordingLogger();
    const { door, host, port, store } = await start(t, { logger });
    const client = await clientOf(t, { host, port });
    client.on('error', () => {});
    const gone = new Promise((resolve) => client.once('close', resolve));
    client.resume().write('get a\r\n');
    await gone;
    assert.equal(store.calls, 0);
    assert.equal(door.counters.refused.handshake, 1);
    assert.match(JSON.stringify(lines), /no TLS handshake/);
  });

  it('does not wait for a handshake for ever', async (t) => {
    const { host, port } = await start(t, { handshakeTimeoutMs: 30 });
    const client = await clientOf(t, { host, port });
    client.on('error', () => {});
    const gone = new Promise((resolve) => client.once('close', resolve));
    client.resume();
    await gone;
  });

  it('ends at its deadline with a client that neither reads nor hangs up', async (t) => {
    const { secured, store, door } = await start(t);
    store.put('big', Buffer.alloc(1_000_000));
    const client = await secured();
    client.on('error', () => {});
    client.pause().write('get big\r\n'.repeat(50));
    while (store.calls === 0) await new Promise(setImmediate);
    await door.close({ deadlineMs: 30 });
  });
});
