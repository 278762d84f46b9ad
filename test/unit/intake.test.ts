import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import { generate } from 'selfsigned';
import { type Intake, readInto } from '../../src/intake.ts';
import { until } from '../support/until.ts';

interface Ends {
  readonly client: Socket;
  readonly served: Socket;
}

/** What came, and where it was read. */
class Recorder implements Intake {
  readonly buffer = Buffer.alloc(65_536);
  readonly chunks: string[] = [];
  readonly memory = new Set<ArrayBufferLike>();

  take(bytes: Buffer): void {
    this.chunks.push(bytes.toString('latin1'));
    this.memory.add(bytes.buffer);
  }

  get text(): string {
    return this.chunks.join('');
  }
}

const { cert, private: key } = await generate([{ name: 'commonName', value: 'test' }], {
  keyType: 'ec',
});

async function ends(t: TestContext, kind: 'plain' | 'TLS'): Promise<Ends> {
  const options = { allowHalfOpen: true };
  const server: Server =
    kind === 'plain' ? createServer(options) : createTlsServer({ ...options, cert, key });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client =
    kind === 'plain'
      ? connect(port, '127.0.0.1')
      : connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false });
  const event = kind === 'plain' ? 'connection' : 'secureConnection';
  const [served] = (await once(server, event)) as [Socket];
  t.after(() => {
    client.destroy();
    served.destroy();
    server.close();
  });
  return { client, served };
}

for (const kind of ['plain', 'TLS'] as const) {
  test(`bytes of ${kind} are read into the buffer that was given, whoever made the socket`, async (t) => {
    const { client, served } = await ends(t, kind);
    const [atServer, atClient] = [new Recorder(), new Recorder()];
    readInto(served, atServer);
    readInto(client, atClient);
    client.write('to the server');
    served.write('to the client');
    await until('both have come', () => atServer.text.length + atClient.text.length === 26);
    assert.equal(atServer.text, 'to the server');
    assert.equal(atClient.text, 'to the client');
    assert.deepEqual([...atServer.memory], [atServer.buffer.buffer]);
    assert.deepEqual([...atClient.memory], [atClient.buffer.buffer]);
  });

  test(`the end of ${kind} is told, after all bytes`, async (t) => {
    const { client, served } = await ends(t, kind);
    const recorder = new Recorder();
    readInto(served, recorder);
    client.end('x'.repeat(300_000));
    await once(served, 'end');
    assert.equal(recorder.text.length, 300_000);
    served.end('and still open for writing');
    const [answer] = (await once(client, 'data')) as [Buffer];
    assert.equal(answer.toString(), 'and still open for writing');
  });

  test(`a paused socket with ${kind} is not read until it is resumed`, async (t) => {
    const { client, served } = await ends(t, kind);
    const recorder = new Recorder();
    readInto(served, recorder);
    client.write('1');
    await until('it is read', () => recorder.text === '1');
    served.pause();
    client.write('x'.repeat(32_000_000));
    await until('the client has to wait', () => client.writableLength > 0);
    const before = recorder.text.length;
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(recorder.text.length, before);
    assert.ok(before <= 1 + 65_536, `${before} bytes were read`);
    served.resume();
    await until('all has come', () => recorder.text.length === 32_000_001);
  });

  test(`what had been read of ${kind} before comes first`, async (t) => {
    const { client, served } = await ends(t, kind);
    client.write('before');
    const [early] = (await once(served, 'data')) as [Buffer];
    served.removeAllListeners('data');
    served.pause();
    served.unshift(early);
    const recorder = new Recorder();
    readInto(served, recorder);
    served.resume();
    client.write(' after');
    await until('all has come', () => recorder.text.length === 12);
    assert.equal(recorder.text, 'before after');
  });
}

test('a stream that is no socket of the system is read by its events', async () => {
  const stream = new Duplex({ read() {}, write() {} });
  const recorder = new Recorder();
  readInto(stream as Socket, recorder);
  stream.push('abc');
  await until('it has come', () => recorder.text === 'abc');
});
