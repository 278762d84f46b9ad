import { createServer, type IncomingMessage } from 'node:http';
import { Duplex } from 'node:stream';

export interface LlhttpReading {
  /** Requests that it read whole. */
  readonly whole: number;
  /** Requests whose head it read and whose end it awaits. */
  readonly begun: number;
  readonly refused: boolean;
}

/** What Node's own server, and with it llhttp in its strict mode, reads in bytes that all came at once. */
export async function readByLlhttp(text: string): Promise<LlhttpReading> {
  let whole = 0;
  let begun = 0;
  let refused = false;
  const server = createServer({
    insecureHTTPParser: false,
    maxHeaderSize: 131_072,
    // That is no matter of where a message ends.
    requireHostHeader: false,
  });
  const take = (incoming: IncomingMessage) => {
    begun += 1;
    incoming.on('end', () => {
      whole += 1;
    });
    incoming.resume();
  };
  server.maxHeadersCount = 0;
  for (const event of ['request', 'checkContinue', 'checkExpectation', 'connect', 'upgrade']) {
    server.on(event, take);
  }
  server.on('clientError', () => {
    refused = true;
  });
  const socket = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
  server.emit('connection', socket);
  socket.push(Buffer.from(text, 'latin1'));
  // The parser runs as the stream flows: two turns of the loop let all of its events happen.
  for (let turn = 0; turn < 3; turn += 1) await new Promise(setImmediate);
  socket.destroy();
  return { whole, begun, refused };
}
