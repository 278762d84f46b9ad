/**
 * The backends of the soak, a process of its own: `node origin.ts PORT…`. What each path does is in
 * the table; all else is well.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocketServer } from 'ws';

type Handler = (req: IncomingMessage, res: ServerResponse) => void;

const PAGE = Buffer.alloc(1_024, 'x');
const PART = Buffer.alloc(100, 'x');
const ETAG = '"soak"';
/** How long what is slow takes, in ms. */
const SLOW_MS = 30;

const HANDLERS: Readonly<Record<string, Handler>> = {
  '/page': (req, res) => {
    res.setHeader('etag', ETAG);
    if (req.headers['if-none-match'] === ETAG) {
      res.statusCode = 304;
      res.end();
      return;
    }
    res.setHeader('content-length', PAGE.length);
    res.end(req.method === 'HEAD' ? undefined : PAGE);
  },
  '/chunked': (_req, res) => {
    for (let i = 0; i < 5; i++) res.write(PART);
    res.end();
  },
  '/until-close': (_req, res) => {
    res.setHeader('connection', 'close');
    res.removeHeader('content-length');
    res.removeHeader('transfer-encoding');
    res.end(PAGE);
  },
  '/upload': (req, res) => {
    let bytes = 0;
    req.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
    });
    req.on('end', () => res.end(String(bytes)));
  },
  '/slow': async (_req, res) => {
    await delay(SLOW_MS);
    res.end(PAGE);
  },
  '/slow-body': async (_req, res) => {
    res.setHeader('content-length', PAGE.length);
    res.write(PART);
    await delay(SLOW_MS);
    res.end(PAGE.subarray(PART.length));
  },
  '/broken-off': (_req, res) => {
    res.setHeader('content-length', PAGE.length);
    res.write(PART, () => res.destroy());
  },
  '/no-answer': (req) => {
    req.on('end', () => req.socket.destroy()).resume();
  },
};

function answer(req: IncomingMessage, res: ServerResponse): void {
  // A client that goes away takes its request with it.
  req.on('error', () => {});
  res.on('error', () => {});
  const handler = HANDLERS[req.url ?? ''];
  if (handler) handler(req, res);
  else res.end('well');
}

for (const port of process.argv.slice(2)) {
  const server = createServer({ noDelay: true, keepAliveTimeout: 600_000 }, answer);
  server.listen({ host: '127.0.0.1', port: Number(port), backlog: 4_096 });
  const consoles = new WebSocketServer({ server });
  consoles.on('connection', (websocket, req) => {
    websocket.on('error', () => {});
    websocket.on('message', (data, binary) => {
      if (binary) websocket.send(data);
      else if (String(data) === 'close') websocket.close();
      else req.socket.resetAndDestroy();
    });
  });
}
