import assert from 'node:assert/strict';
import { createCipheriv, createHash, randomInt } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Agent, request } from 'node:https';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { connect } from 'node:tls';
import { WebSocket, WebSocketServer } from 'ws';
import { startBackend } from '../support/backend.ts';
import { startTestGateway } from '../support/gateway.ts';
import { randomFrom } from '../support/random.ts';
import { leaveTls, openTls } from '../support/tls-client.ts';

type Random = () => number;

/** One body that goes one way through the gateway, and how. */
interface Transfer {
  readonly path: string;
  readonly upload: boolean;
  readonly framing: 'length' | 'chunked' | 'until-close';
  readonly bytes: Buffer;
  /** Makes the side at whose end it is used slow or not, a piece at a time. */
  readonly clientPace: Pace;
  readonly backendPace: Pace;
}

type Pace = () => Promise<void>;

const MIB = 1024 * 1024;
const DOWNLOADS = 20;
const UPLOADS = 20;
const TUNNELS = 4;
/** Clients that leave within their downloads: what was theirs must not come up elsewhere. */
const LEAVERS = 8;
/** Of the downloads and of the uploads, how many go by HTTP/1.0, and how many one after another. */
const OLD = 4;
const LINED_UP = 8;
const LINE = 4;

test('bodies of all lengths and framings come through whole, whoever is slow', async (t) => {
  const seed = randomInt(2 ** 31);
  const random = randomFrom(seed);
  const pool = randomBytes(random, 24 * MIB);
  const transfers = new Map<string, Transfer>();
  const backend = await startBackend(t, (req, res) => {
    const transfer = transfers.get(req.url ?? '')!;
    // What goes wrong here is seen by the client.
    serve(transfer, req, res, random).catch(() => res.destroy());
  });
  const consoles = new WebSocketServer({ server: backend.server, perMessageDeflate: false });
  t.after(() => {
    for (const socket of consoles.clients) socket.terminate();
  });
  const gateway = await startTestGateway(t, {
    PORTAL_BACKENDS: backend.url,
    HEALTH_INTERVAL: '1h',
  });
  const { port } = gateway.addresses.portal!;

  function plan(upload: boolean, old: boolean): Transfer {
    const framings = upload ? ['length', 'chunked'] : ['length', 'chunked', 'until-close'];
    const transfer = {
      path: `/${transfers.size}`,
      upload,
      // HTTP/1.0 knows no chunks: there a request has a length.
      framing: (upload && old ? 'length' : pick(random, framings)) as Transfer['framing'],
      bytes: slice(random, pool, MIB, 20 * MIB),
      clientPace: paceOf(random),
      backendPace: paceOf(random),
    };
    transfers.set(transfer.path, transfer);
    return transfer;
  }

  async function runLanes(upload: boolean, count: number): Promise<void> {
    const planned = Array.from({ length: count }, (_, i) => plan(upload, i < OLD));
    const old = planned.slice(0, OLD).map((transfer) => runOld(port, transfer, random));
    const lines = [];
    for (let i = OLD; i < OLD + LINED_UP; i += LINE) lines.push(planned.slice(i, i + LINE));
    for (const transfer of planned.slice(OLD + LINED_UP)) lines.push([transfer]);
    await Promise.all([...old, ...lines.map((line) => runLine(port, line, random))]);
  }

  const talks: Promise<void>[] = [];
  consoles.on('connection', (socket) => {
    const talked = talk(socket, slice(random, pool, MIB, 4 * MIB), random);
    // Seen below; the client is not to wait for what will not come.
    talked.catch(() => socket.terminate());
    talks.push(talked);
  });

  try {
    await Promise.all([
      runLanes(false, DOWNLOADS),
      runLanes(true, UPLOADS),
      ...Array.from({ length: LEAVERS }, () => runLeaver(port, plan(false, false), random)),
      ...Array.from({ length: TUNNELS }, () => {
        const url = `wss://127.0.0.1:${port}/websockify?token=t`;
        const socket = new WebSocket(url, { rejectUnauthorized: false, perMessageDeflate: false });
        t.after(() => socket.terminate());
        return talk(socket, slice(random, pool, MIB, 4 * MIB), random);
      }),
    ]);
    await Promise.all(talks);
  } catch (error) {
    throw new Error(`with the seed ${seed}: ${error}`, { cause: error });
  }
  assert.equal(talks.length, TUNNELS);
  assert.equal(backend.requests.length, DOWNLOADS + UPLOADS + LEAVERS);
});

/** The backend's side: sends the body, or answers with the digest of the one that came. */
async function serve(
  { upload, framing, bytes, backendPace }: Transfer,
  req: IncomingMessage,
  res: ServerResponse,
  random: Random,
): Promise<void> {
  if (upload) {
    res.end(await digestOf(req, backendPace));
    return;
  }
  if (framing === 'length') res.setHeader('content-length', bytes.length);
  if (framing === 'until-close') {
    res.setHeader('connection', 'close');
    res.removeHeader('transfer-encoding');
  }
  await pipeline(piecesOf(bytes, random, backendPace), res);
}

/** Transfers one after another on one connection. */
async function runLine(port: number, line: readonly Transfer[], random: Random): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1, rejectUnauthorized: false });
  try {
    for (const [i, transfer] of line.entries()) {
      const { path, upload, framing, bytes, clientPace } = transfer;
      const headers = upload && framing === 'length' ? { 'content-length': bytes.length } : {};
      const method = upload ? 'POST' : 'GET';
      const outgoing = request({ host: '127.0.0.1', port, path, method, agent, headers });
      const answered = once(outgoing, 'response') as Promise<IncomingMessage[]>;
      const sent = upload
        ? pipeline(piecesOf(bytes, random, clientPace), outgoing)
        : Promise.resolve(outgoing.end());
      const [[incoming]] = await Promise.all([answered, sent]);
      const came = upload ? await text(incoming!) : await digestOf(incoming!, clientPace);
      assert.equal(incoming!.statusCode, 200);
      assert.equal(came, digest(bytes), describe(transfer));
      assert.equal(outgoing.reusedSocket, i > 0, 'one connection serves the whole line');
    }
  } finally {
    agent.destroy();
  }
}

/** A transfer of an HTTP/1.0 client, which reads until the connection is closed. */
async function runOld(port: number, transfer: Transfer, random: Random): Promise<void> {
  const { path, upload, bytes, clientPace } = transfer;
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false });
  const method = upload ? 'POST' : 'GET';
  const length = upload ? `Content-Length: ${bytes.length}\r\n` : '';
  socket.write(`${method} ${path} HTTP/1.0\r\nHost: a\r\n${length}\r\n`);
  if (upload) await pipeline(piecesOf(bytes, random, clientPace), socket, { end: false });
  const head = await readHead(socket);
  assert.match(head, /^HTTP\/1\.[01] 200 /, describe(transfer));
  assert.doesNotMatch(head, /transfer-encoding/i);
  const came = upload ? await text(socket) : await digestOf(socket, clientPace);
  assert.equal(came, digest(bytes), describe(transfer));
}

/** Begins a download and leaves somewhere in it. */
async function runLeaver(port: number, { path, bytes }: Transfer, random: Random): Promise<void> {
  const client = openTls(port);
  const enough = (random() * bytes.length) / 2;
  client.tls.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
  let received = 0;
  await new Promise<void>((resolve, reject) => {
    client.tls.on('close', () => reject(new Error(`closed after ${received} bytes`)));
    client.tls.on('data', (chunk: Buffer) => {
      received += chunk.length;
      if (received > enough) resolve();
    });
  });
  leaveTls(client, pick(random, ['end', 'close', 'reset'] as const));
}

async function readHead(socket: Readable): Promise<string> {
  let bytes = Buffer.alloc(0);
  for (;;) {
    const chunk = socket.read() as Buffer | null;
    if (chunk) bytes = Buffer.concat([bytes, chunk]);
    const end = bytes.indexOf('\r\n\r\n');
    if (end >= 0) {
      socket.unshift(bytes.subarray(end + 4));
      return bytes.toString('latin1', 0, end + 4);
    }
    if (!chunk) await once(socket, 'readable');
  }
}

/** Sends bytes on a websocket and takes those of the other side, which ends with their digest. */
async function talk(socket: WebSocket, bytes: Buffer, random: Random): Promise<void> {
  const pace = paceOf(random);
  const hash = createHash('sha256');
  let received = 0;
  const came = new Promise<void>((resolve, reject) => {
    socket.on('error', reject);
    socket.on('close', () => reject(new Error(`a tunnel was closed after ${received} bytes`)));
    socket.on('message', async (data: Buffer, binary) => {
      if (!binary) {
        if (String(data) === hash.digest('hex')) resolve();
        else reject(new Error(`a tunnel has changed what came through, ${received} bytes`));
        return;
      }
      received += data.length;
      hash.update(data);
      socket.pause();
      await pace();
      socket.resume();
    });
  });
  const sent = (async () => {
    // The first bytes of the other side may come together with the answer to the handshake.
    if (socket.readyState === WebSocket.CONNECTING) await once(socket, 'open');
    for await (const piece of piecesOf(bytes, random, paceOf(random))) await post(socket, piece);
    await post(socket, digest(bytes));
  })();
  await Promise.all([came, sent]);
}

function post(socket: WebSocket, data: Buffer | string): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.send(data, (error) => (error ? reject(error) : resolve()));
  });
}

/** Never, or now and then, waits a moment: up to 30 ms, once in a while longer. */
function paceOf(random: Random): Pace {
  if (random() < 0.4) return async () => {};
  return async () => {
    const luck = random();
    if (luck < 0.04) await delay(luck < 0.002 ? 400 : random() * 30);
  };
}

async function* piecesOf(bytes: Buffer, random: Random, pace: Pace): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; ) {
    const length = random() < 0.1 ? 1 + random() * 100 : 1 + random() * 200_000;
    yield bytes.subarray(at, at + Math.floor(length));
    at += Math.floor(length);
    await pace();
  }
}

async function digestOf(body: Readable, pace: Pace): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of body) {
    hash.update(chunk as Buffer);
    await pace();
  }
  return hash.digest('hex');
}

function digest(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function describe({ path, upload, framing, bytes }: Transfer): string {
  return `${upload ? 'upload' : 'download'} ${path} of ${bytes.length} bytes, ${framing}`;
}

/** A part of so many bytes; short ones are as likely as long ones on a scale of ratios. */
function slice(random: Random, pool: Buffer, least: number, most: number): Buffer {
  const length = Math.floor(least * (most / least) ** random());
  const from = Math.floor(random() * (pool.length - length));
  return pool.subarray(from, from + length);
}

function pick<T>(random: Random, choices: readonly T[]): T {
  return choices[Math.floor(random() * choices.length)]!;
}

/** Bytes that nothing can compress or guess, from few random numbers. */
function randomBytes(random: Random, length: number): Buffer {
  const key = Buffer.from(Array.from({ length: 32 }, () => Math.floor(random() * 256)));
  const cipher = createCipheriv('aes-128-ctr', key.subarray(0, 16), key.subarray(16));
  return cipher.update(Buffer.alloc(length));
}
