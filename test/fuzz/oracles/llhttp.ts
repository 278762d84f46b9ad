import { createServer, type IncomingMessage, request, type Server } from 'node:http';
import { Duplex } from 'node:stream';

/** A message as Node's own parser, llhttp in its strict mode, reads it. */
export interface LlhttpMessage {
  /** Of a request; '' in a response. */
  readonly method: string;
  readonly target: string;
  /** Of a response; 0 in a request. */
  readonly status: number;
  /** Names and values in turn. */
  readonly fields: readonly string[];
  /** What came of its body, chunks put together; latin1. */
  body: string;
  /** Its end has come. */
  whole: boolean;
}

export interface LlhttpReading {
  readonly messages: readonly LlhttpMessage[];
  readonly refused: boolean;
}

/** More than any input of ours has. */
const MAX_HEAD_BYTES = 1024 * 1024;

/** Reads streams of requests, each as it would come of a connection of its own. */
export class LlhttpRequests {
  readonly #server: Server;
  #messages: LlhttpMessage[] = [];
  #refused = false;

  constructor() {
    this.#server = createServer({
      insecureHTTPParser: false,
      maxHeaderSize: MAX_HEAD_BYTES,
      // That is for its users to judge.
      requireHostHeader: false,
    });
    this.#server.maxHeadersCount = 0;
    for (const event of ['request', 'checkContinue', 'checkExpectation', 'connect']) {
      this.#server.on(event, (incoming: IncomingMessage) => {
        this.#messages.push(follow(incoming));
      });
    }
    this.#server.on('clientError', () => {
      this.#refused = true;
    });
  }

  async read(bytes: Buffer): Promise<LlhttpReading> {
    this.#messages = [];
    this.#refused = false;
    const socket = mute();
    this.#server.emit('connection', socket);
    socket.push(bytes);
    await turns(2);
    socket.destroy();
    return { messages: this.#messages, refused: this.#refused };
  }
}

/** Reads what comes on a connection after a request of this method, the end of it included. */
export async function readResponsesByLlhttp(bytes: Buffer, method: string): Promise<LlhttpReading> {
  const messages: LlhttpMessage[] = [];
  let refused = false;
  const socket = mute();
  const client = request({
    method,
    createConnection: () => socket,
    maxHeaderSize: MAX_HEAD_BYTES,
    insecureHTTPParser: false,
  });
  client.maxHeadersCount = 0;
  client.on('information', (interim) => {
    const { statusCode: status, rawHeaders: fields } = interim;
    messages.push({ method: '', target: '', status, fields, body: '', whole: true });
  });
  client.on('response', (incoming) => void messages.push(follow(incoming)));
  client.on('upgrade', (incoming) => void messages.push(follow(incoming)));
  client.on('error', () => {
    refused = true;
  });
  const over = Promise.withResolvers<void>();
  client.on('close', over.resolve);
  client.on('socket', () => {
    socket.push(bytes);
    socket.push(null);
  });
  client.end();
  await over.promise;
  client.destroy();
  socket.destroy();
  return { messages, refused };
}

/** Notes what comes of a message, from its head to its end. */
function follow(incoming: IncomingMessage): LlhttpMessage {
  const message: LlhttpMessage = {
    method: incoming.statusCode ? '' : (incoming.method ?? ''),
    target: incoming.url ?? '',
    status: incoming.statusCode ?? 0,
    fields: incoming.rawHeaders,
    body: '',
    whole: false,
  };
  incoming.on('data', (part: Buffer) => {
    message.body += part.toString('latin1');
  });
  incoming.on('end', () => {
    message.whole = incoming.complete;
  });
  incoming.on('error', () => {});
  return message;
}

/** A connection whose other side never reads. */
function mute(): Duplex {
  const socket = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
  socket.on('error', () => {});
  return socket;
}

/** The parser runs as the stream flows: a turn of the loop lets its events happen. */
async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise(setImmediate);
}
