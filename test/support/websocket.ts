import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { TLSSocket } from 'node:tls';
import { WebSocket, WebSocketServer } from 'ws';
import type { CertificateFiles } from '../../src/demo/certificate.ts';
import { pemOf } from './backend.ts';

export interface WebSocketBackend {
  readonly url: string;
  readonly handshakes: readonly IncomingMessage[];
  /** Sockets that are open now. */
  readonly sockets: ReadonlySet<Socket>;
  /** Cuts every connection and stops listening, as a killed process would. */
  kill(): Promise<void>;
}

/** A backend that greets each websocket with its name and echoes what it is sent. */
export async function startWebSocketBackend(
  t: TestContext,
  name: string,
  certificate?: CertificateFiles,
): Promise<WebSocketBackend> {
  const handshakes: IncomingMessage[] = [];
  const sockets = new Set<Socket>();
  const page: RequestListener = (_req, res) => void res.end('page');
  const http = certificate ? createTlsServer(pemOf(certificate), page) : createServer(page);
  const server = new WebSocketServer({ server: http });
  server.on('connection', (socket, req) => {
    handshakes.push(req);
    sockets.add(req.socket);
    req.socket.once('close', () => sockets.delete(req.socket));
    socket.on('error', () => {});
    socket.on('message', (data, binary) => socket.send(data, { binary }));
    socket.send(name);
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const kill = () =>
    new Promise<void>((resolve) => {
      if (!http.listening) return resolve();
      http.close(() => resolve());
      for (const socket of sockets) {
        // What is secured cannot be reset.
        if (socket instanceof TLSSocket) socket.destroy();
        else socket.resetAndDestroy();
      }
      http.closeAllConnections();
    });
  t.after(kill);
  const { port } = http.address() as AddressInfo;
  return {
    url: `${certificate ? 'https' : 'http'}://127.0.0.1:${port}`,
    handshakes,
    sockets,
    kill,
  };
}

/** A websocket through the gateway and the first message that came on it. */
export function openWebSocket(
  t: TestContext,
  port: number,
  path = '/websockify?token=t',
  headers: Record<string, string> = {},
): Promise<{ socket: WebSocket; greeting: string }> {
  const socket = new WebSocket(`wss://127.0.0.1:${port}${path}`, {
    rejectUnauthorized: false,
    headers,
  });
  t.after(() => socket.terminate());
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.once('close', (code) => reject(new Error(`closed with ${code} before a message`)));
    socket.once('message', (data) => {
      socket.removeAllListeners('close');
      resolve({ socket, greeting: String(data) });
    });
  });
}
