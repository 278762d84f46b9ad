import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import type { Gateway } from '../../src/gateway/gateway.ts';
import { atRest } from './at-rest.ts';
import { startTestGateway } from './gateway.ts';
import { type Leaving, openTls, type TlsClient } from './tls-client.ts';
import { until } from './until.ts';

export const LEAVINGS: readonly Leaving[] = ['end', 'close', 'reset'];
/** How soon all that an abort leaves is gone; a tick of the deadlines is 0.1 s. */
export const SOON_MS = 1_000;
/** The same where a peer has bytes to take and does not: it has 2 s for that. */
export const GRACE_MS = 3_000;
/** A deadline of the gateway's own, for what it cannot see before: a peer that it does not read. */
export const OWN_DEADLINE = '3s';
export const OWN_DEADLINE_MS = 3_000 + GRACE_MS;

export const HOST = 'Host: a\r\nConnection: close\r\n';
export const GET = `GET /x HTTP/1.1\r\n${HOST}\r\n`;
export const LONG_POST = `POST /x HTTP/1.1\r\n${HOST}Content-Length: 100000\r\n\r\n`;
export const UPGRADE =
  'GET /x HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ZGFzaGdhdGUtYmVuY2gtMQ==\r\n\r\n';
export const SWITCHING =
  'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: 5wd2N9qxTcEJOma+C4gXO1EoOWg=\r\n\r\n';
export const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
export const LONG_ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n';

/** A gateway before one backend that does nothing but take connections, health checks apart. */
export class AbortStage {
  readonly gateway: Gateway;
  readonly backendPort: number;
  /** Connections on which a request has come, until a test takes them. */
  readonly #asked: Socket[];

  private constructor(gateway: Gateway, backendPort: number, asked: Socket[]) {
    this.gateway = gateway;
    this.backendPort = backendPort;
    this.#asked = asked;
  }

  static async open(t: TestContext, settings: Record<string, string> = {}): Promise<AbortStage> {
    const asked: Socket[] = [];
    const open = new Set<Socket>();
    const server = createServer({ noDelay: true }, (socket) => {
      open.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => open.delete(socket));
      socket.once('data', (data) => {
        if (data.includes('GET /health ')) socket.end(OK);
        else asked.push(socket);
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => {
      for (const socket of open) socket.destroy();
      server.close();
    });
    const { port } = server.address() as AddressInfo;
    const gateway = await startTestGateway(t, {
      PORTAL_BACKENDS: `http://127.0.0.1:${port} maxconn=1`,
      HEALTH_INTERVAL: '1h',
      HEALTH_FALL: '100',
      ...settings,
    });
    return new AbortStage(gateway, port, asked);
  }

  async client(t: TestContext, request = ''): Promise<TlsClient> {
    const client = openTls(this.gateway.addresses.portal!.port);
    t.after(() => client.tls.destroy());
    await once(client.tls, 'secureConnect');
    if (request) client.tls.write(request);
    return client;
  }

  /** The backend's side of the next request. */
  async backend(): Promise<Socket> {
    await until('the backend is asked', () => this.#asked.length > 0);
    return this.#asked.shift()!;
  }

  /** Everything is given back, and the one place of the backend serves the next request. */
  async assertAtRest(t: TestContext, withinMs: number): Promise<void> {
    await atRest(this.gateway, this.backendPort, withinMs);
    const client = await this.client(t, GET);
    const answer = readAll(client.tls);
    (await this.backend()).end(OK);
    assert.match(await answer, /^HTTP\/1\.1 200 [\s\S]*ok$/);
    await atRest(this.gateway, this.backendPort, SOON_MS);
  }
}

/** All that comes until the connection is closed, in whatever way. */
export async function readAll(socket: Socket): Promise<string> {
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1');
  });
  if (!socket.closed) await once(socket, 'close');
  return text;
}

/** As `leaveTls`, for what is not secured. */
export function leavePlain(socket: Socket, leaving: Leaving): void {
  if (leaving === 'end') socket.end();
  else if (leaving === 'close') socket.destroy();
  else socket.resetAndDestroy();
}

/**
 * Writes until the other side takes no more. Of that nothing tells but that nothing goes for a
 * while, which has to be shorter by far than the deadlines that run meanwhile.
 */
export function fill(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const more = () => {
      if (socket.destroyed) return resolve();
      const waiting = socket.writableLength;
      if (waiting < 2_000_000) {
        socket.write(Buffer.alloc(250_000));
        setImmediate(more);
        return;
      }
      setTimeout(() => (socket.writableLength === waiting ? resolve() : more()), 100);
    };
    more();
  });
}

/** A client and the backend's side of its request; with an answer, of which something has come. */
export async function asked(stage: AbortStage, t: TestContext, request: string, answer = '') {
  const client = await stage.client(t, request);
  const backend = await stage.backend();
  if (answer) {
    backend.write(answer);
    await once(client.tls, 'readable');
  }
  return { client, backend };
}
