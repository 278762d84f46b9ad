import { createServer, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { WebSocketServer } from 'ws';
import type { CertificateFiles } from '../../src/demo/certificate.ts';
import { parseNetworks } from '../../src/policy/networks.ts';
import type { Endpoints } from '../../src/upstream/endpoints.ts';
import { contextsOf, startListener } from './listener.ts';

/** What a backend that is told of its clients knows of a request. */
export interface Told extends Endpoints {
  /** Which of the backend's connections it came on. */
  readonly connection: number;
  /** Bytes of its body. */
  readonly length: number;
}

export interface ToldBackend {
  /** Its address, with the options that a gateway needs to reach it but send-proxy. */
  readonly entry: string;
  /** What it was told with each request and websocket, health checks left out. */
  readonly told: readonly Told[];
}

/**
 * Starts a backend that takes connections with a PROXY protocol header alone, and answers each
 * request, and greets each websocket, with what it was told, as JSON.
 */
export async function startToldBackend(
  t: TestContext,
  certificate?: CertificateFiles,
): Promise<ToldBackend> {
  const told: Told[] = [];
  const known = new WeakMap<Socket, Omit<Told, 'length'>>();
  let connections = 0;
  const record = ({ socket }: IncomingMessage, length: number): string => {
    told.push({ ...known.get(socket)!, length });
    return JSON.stringify(told.at(-1));
  };
  const http = createServer((req, res) => {
    let length = 0;
    req.on('data', (chunk) => {
      length += chunk.length;
    });
    req.on('end', () => res.end(req.url === '/health' ? 'well' : record(req, length)));
  });
  const websockets = new WebSocketServer({ server: http });
  websockets.on('connection', (socket, req) => socket.send(record(req, 0)));
  const tls = certificate && contextsOf(certificate);
  const { port } = await startListener(t, tls, {
    proxies: parseNetworks(['127.0.0.1', '::1']),
    onConnection: (socket, endpoints) => {
      connections += 1;
      known.set(socket, { ...endpoints, connection: connections });
      http.emit('connection', socket);
    },
  });
  t.after(() => http.close());
  return {
    entry: certificate
      ? `https://127.0.0.1:${port} ca=${certificate.cert}`
      : `http://127.0.0.1:${port}`,
    told,
  };
}
