import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { WebSocket } from 'ws';
import { Listener } from '../../src/listener/listener.ts';
import type { TlsContexts } from '../../src/listener/tls-contexts.ts';
import { Relay, type RelayOptions } from '../../src/relay/relay.ts';
import type { TunnelRecord } from '../../src/relay/relay-report.ts';
import { parseBackends } from '../../src/upstream/backend-address.ts';
import { Pool } from '../../src/upstream/pool.ts';
import { until } from './until.ts';

/** A console server that the test plays byte by byte. */
export interface RawConsole {
  readonly port: number;
  /** The next connection whose handshake came, and was answered unless that is on hold. */
  next(): Promise<RawSocket>;
  /** Answers no handshake until the function that it returns is called. */
  hold(): () => void;
}

/** A socket, and all that came on it since its handshake. */
export class RawSocket {
  readonly socket: Socket;
  #chunks: Buffer[] = [];

  constructor(socket: Socket, first: Buffer = Buffer.alloc(0)) {
    this.socket = socket;
    this.#chunks.push(first);
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => this.#chunks.push(chunk));
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  write(bytes: Buffer): void {
    this.socket.write(bytes);
  }

  /** All that came, when the other side has ended or is gone. */
  async all(): Promise<Buffer> {
    if (!this.socket.readableEnded && !this.socket.closed) {
      await Promise.race([once(this.socket, 'end'), once(this.socket, 'close')]);
    }
    return this.bytes;
  }

  /** Resolves when at least that many bytes have come. */
  async has(length: number): Promise<Buffer> {
    await until(`${length} bytes have come`, () => this.bytes.length >= length);
    return this.bytes;
  }
}

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** The answer to a handshake (RFC 6455 §4.2.2). */
function switching(key: string): string {
  const accept = createHash('sha1').update(`${key}${GUID}`).digest('base64');
  return (
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
    `Sec-WebSocket-Accept: ${accept}\r\n\r\n`
  );
}

/** Starts one; `early` is sent together with its answers. */
export async function startRawConsole(
  t: TestContext,
  early: Buffer = Buffer.alloc(0),
): Promise<RawConsole> {
  const asked: RawSocket[] = [];
  let ready: Promise<void> = Promise.resolve();
  const open = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    open.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => open.delete(socket));
    socket.once('data', (data) => {
      const text = data.toString('latin1');
      const key = /^Sec-WebSocket-Key: (.+)\r$/im.exec(text)?.[1] ?? '';
      const answer = Buffer.concat([Buffer.from(switching(key)), early]);
      void ready.then(() => socket.write(answer));
      asked.push(new RawSocket(socket, data.subarray(text.indexOf('\r\n\r\n') + 4)));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  const next = async () => {
    await until('a handshake has come', () => asked.length > 0);
    return asked.shift()!;
  };
  const hold = () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    ready = promise;
    return resolve;
  };
  return { port: (server.address() as AddressInfo).port, next, hold };
}

export interface TestRelay {
  readonly port: number;
  readonly pool: Pool;
  readonly relay: Relay;
  /** The relay's own ends of its clients' connections. */
  readonly clients: readonly Socket[];
  /** Tunnels that are over. */
  readonly closed: readonly TunnelRecord[];
}

/** A relay without health checks or a log, and mostly without TLS, before the backends of these ports. */
export async function startRelay(
  t: TestContext,
  ports: readonly number[],
  options: Partial<Omit<RelayOptions, 'timeouts'>> & {
    readonly timeouts?: Partial<RelayOptions['timeouts']>;
    readonly tls?: TlsContexts;
  } = {},
): Promise<TestRelay> {
  const addresses = ports.map((port) => `http://127.0.0.1:${port}`).join();
  const pool = new Pool(
    'console',
    parseBackends(addresses, (problem) => assertNone(problem)),
  );
  const closed: TunnelRecord[] = [];
  const relay = new Relay({
    pool,
    retries: 0,
    tunnelLimits: { drainMs: 600_000 },
    route: () => undefined,
    report: {
      answered() {},
      failed() {},
      tunnelOpened() {},
      tunnelClosed: (record) => closed.push(record),
    },
    ...options,
    timeouts: {
      connectMs: 5_000,
      serverMs: 60_000,
      idleMs: 4_000,
      headerMs: 10_000,
      keepAliveMs: 10_000,
      clientMs: 60_000,
      bodyRate: 0,
      tunnelMs: 3_600_000,
      ...options.timeouts,
    },
  });
  const clients: Socket[] = [];
  const listener = new Listener({
    tls: options.tls,
    handshakeTimeoutMs: 10_000,
    proxyTimeoutMs: 10_000,
    onConnection: (socket, endpoints) => {
      const { address } = endpoints;
      clients.push(socket);
      relay.accept(socket, { endpoints, address, proxies: undefined, scheme: 'http' });
    },
  });
  listener.server.listen(0, '127.0.0.1');
  await once(listener.server, 'listening');
  t.after(async () => {
    relay.retire(0);
    relay.destroy();
    listener.destroy();
    await listener.close();
    // Its deadlines are removed from mocked timers while these are still this test's.
    await until('the last tunnel is gone', () => relay.tunnels === 0);
  });
  return { port: (listener.server.address() as AddressInfo).port, pool, relay, clients, closed };
}

function assertNone(problem: string): never {
  throw new Error(problem);
}

/** Both ends of a tunnel, played byte by byte. */
export async function openRawTunnel(
  t: TestContext,
  port: number,
  backend: RawConsole,
): Promise<{ client: RawSocket; console: RawSocket }> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
  socket.on('error', () => {});
  t.after(() => socket.destroy());
  socket.write(
    'GET /?token=t HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  );
  const chunks: Buffer[] = [];
  for (;;) {
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    chunks.push(chunk);
    const all = Buffer.concat(chunks);
    const end = all.indexOf('\r\n\r\n');
    if (end < 0) continue;
    const client = new RawSocket(socket, all.subarray(end + 4));
    return { client, console: await backend.next() };
  }
}

/** How a websocket was closed, as a browser's event tells it. */
export interface Closed {
  readonly code: number;
  readonly reason: string;
  readonly wasClean: boolean;
}

/** A websocket that a real client opens through a relay, and how it is closed. */
export async function openClient(
  t: TestContext,
  port: number,
  scheme: 'ws' | 'wss' = 'ws',
): Promise<{ socket: WebSocket; closed: Promise<Closed> }> {
  const url = `${scheme}://127.0.0.1:${port}/?token=t`;
  const socket = new WebSocket(url, { rejectUnauthorized: false });
  socket.on('error', () => {});
  t.after(() => socket.terminate());
  const closed = new Promise<Closed>((resolve) => {
    socket.onclose = ({ code, reason, wasClean }) => resolve({ code, reason, wasClean });
  });
  await once(socket, 'open');
  return { socket, closed };
}
