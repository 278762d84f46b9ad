/**
 * A console: console-main.ts NAME PORT. Tells its name on each websocket, then says something every
 * second and checks what it is told (`stream.ts`); a websocket without an id is a health check.
 */
import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';
import { Listening, SAY_MS, saying, WRONG_BYTES } from './stream.ts';

const [name = '', port = ''] = process.argv.slice(2);
const http = createServer((req, res) => {
  res.statusCode = req.url?.startsWith('/vnc_lite.html') ? 200 : 404;
  res.end('a page');
});
const server = new WebSocketServer({ server: http, perMessageDeflate: false });
server.on('connection', (socket, req) => {
  socket.on('error', () => {});
  const id = new URL(req.url ?? '', 'http://a').searchParams.get('id');
  if (id === null) return;
  const listening = new Listening(id, 'up');
  socket.on('message', (data) => {
    if (!listening.isRight(data as Buffer)) socket.close(WRONG_BYTES);
  });
  socket.send(name);
  let seq = 0;
  const timer = setInterval(() => socket.send(saying(id, 'down', seq++)), SAY_MS);
  socket.on('close', () => clearInterval(timer));
});
http.listen(Number(port), '127.0.0.1');
