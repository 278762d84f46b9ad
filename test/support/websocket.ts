import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';

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
): Promise<WebSocketBackend> {
  const handshakes: IncomingMessage[] = [];
  const sockets = new Set<Socket>();
  const http = createServer((_req, res) => void res.end('page'));
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
      for (const socket of sockets) socket.resetAndDestroy();
      http.closeAllConnections();
    });
  t.after(kill);
  const { port } = http.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, handshakes, sockets, kill };
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
