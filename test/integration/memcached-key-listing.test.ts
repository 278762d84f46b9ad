import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { describe, it } from 'node:test';
import { storeRequest } from '../../src/memcached/byte-requests.ts';
import { ProtocolError, UnavailableError } from '../../src/memcached/client.ts';
import { Connection } from '../../src/memcached/connection.ts';
import { listKeys } from '../../src/memcached/key-listing.ts';
import { parseNode } from '../../src/memcached/node-address.ts';
import { startMemcached } from '../support/memcached.ts';

const OPTIONS = { timeoutMs: 5000 };

async function all(portions: AsyncIterable<readonly string[]>): Promise<string[]> {
  const keys: string[] = [];
  for await (const portion of portions) keys.push(...portion);
  return keys;
}

/** A server that answers the command with these bytes, each portion a packet of its own. */
async function startLiar(t: { after(hook: () => unknown): void }, portions: readonly string[]) {
  const server = createServer({ noDelay: true }, (socket: Socket) => {
    socket.on('error', () => {});
    socket.once('data', async () => {
      for (const portion of portions) {
        socket.write(portion);
        await new Promise((resolve) => setImmediate(resolve));
      }
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.after(() => server.close());
  return parseNode(`127.0.0.1:${(server.address() as AddressInfo).port}`);
}

describe('the list of the keys of a node', () => {
  it('has every key, byte for byte', async (t) => {
    const { address } = await startMemcached(t);
    const connection = new Connection(parseNode(address), {
      timeoutMs: 10_000,
      encoding: 'latin1',
    });
    t.after(() => connection.close());
    const odd = ['%', '%41', 'a%20b', '\u00e9\u00ff\u0080', 'key=x', 'END', 'k'.repeat(250)];
    const keys = [...odd, ...Array.from({ length: 9_000 }, (_, n) => `:1:key-${n}`)];
    await Promise.all(
      keys.map((key) => connection.request(storeRequest('set', key, Buffer.from('x'), 0, 0))),
    );
    assert.deepEqual((await all(listKeys(parseNode(address), OPTIONS))).sort(), keys.sort());
  });

  it('is empty where the node is', async (t) => {
    const { address } = await startMemcached(t);
    assert.deepEqual(await all(listKeys(parseNode(address), OPTIONS)), []);
  });

  it('is refused where the node has no crawler, with the line that says so', async (t) => {
    const { address } = await startMemcached(t, { extraArguments: ['-o', 'no_lru_crawler'] });
    await assert.rejects(all(listKeys(parseNode(address), OPTIONS)), (error) => {
      assert.ok(error instanceof ProtocolError);
      assert.equal(error.line, 'CLIENT_ERROR lru crawler disabled');
      return true;
    });
  });

  it('is read however it is cut into packets', async (t) => {
    const text = 'key=a exp=-1 la=1\nkey=b%20c exp=2 la=1\nEND\r\n';
    const address = await startLiar(t, [...text]);
    assert.deepEqual(await all(listKeys(address, OPTIONS)), ['a', 'b c']);
  });

  it('is given up on where the node falls silent, and where it sends something else', async (t) => {
    const silent = await startLiar(t, ['key=a exp=-1 la=1\n']);
    await assert.rejects(all(listKeys(silent, { timeoutMs: 100 })), UnavailableError);
    const endless = await startLiar(t, ['key='.padEnd(5000, 'x')]);
    await assert.rejects(all(listKeys(endless, OPTIONS)), ProtocolError);
    const other = await startLiar(t, ['BUSY currently processing crawler request\r\n']);
    await assert.rejects(all(listKeys(other, OPTIONS)), ProtocolError);
    const nobody = parseNode('127.0.0.1:1');
    await assert.rejects(all(listKeys(nobody, OPTIONS)), UnavailableError);
  });
});
