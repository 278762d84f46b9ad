/**
 * The backends of the console service: `node node-origin.ts PORT…`. They take uploads and answer
 * with the number of bytes, echo websocket frames, tell which headers reached them, and are well.
 */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { unmaskFrames } from './frames.ts';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

for (const port of process.argv.slice(2)) {
  const server = createServer({ noDelay: true, keepAliveTimeout: 600_000 }, answer);
  server.on('upgrade', echo);
  server.listen({ host: '127.0.0.1', port: Number(port), backlog: 4_096 });
}

function answer(req: IncomingMessage, res: ServerResponse): void {
  let bytes = 0;
  req.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
  });
  // A client that goes away takes its request with it.
  req.on('error', () => {});
  req.on('end', () => {
    const body = req.url === '/headers' ? JSON.stringify(req.headers) : String(bytes);
    res.setHeader('content-length', Buffer.byteLength(body));
    res.end(body);
  });
}

/** RFC 6455 §4.2.2, then each frame comes back as the server sends it: without a mask. */
function echo(req: IncomingMessage, socket: Duplex, head: Buffer): void {
  const accept = createHash('sha1')
    .update(`${req.headers['sec-websocket-key']}${GUID}`)
    .digest('base64');
  socket.on('error', () => socket.destroy());
  // Sockets of an HTTP server are half-open ones: they stay until told.
  socket.on('end', () => socket.end());
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
  let rest: Buffer = head;
  const receive = (chunk: Buffer) => {
    const { frames, left } = unmaskFrames(rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk);
    rest = left;
    if (frames.length > 0) socket.write(frames);
  };
  socket.on('data', receive);
}
