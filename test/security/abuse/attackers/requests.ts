import type { TLSSocket } from 'node:tls';
import { BOMB } from '../pages.ts';
import type { Attacker } from './order.ts';
import { AnswerReader, get } from './wire.ts';

const PIPELINED = 32;
const PIPELINE_EVERY_MS = 8_000;
const BOMB_EVERY_MS = 2_000;
const CHUNKS = 100;
const CHUNKS_EVERY_MS = 1_000;

/** Heads as large as they may be, with as many lines as they may have, and beyond; in turn. */
const HEADS = [
  get('/1k', ...fields(4, 7_900)),
  get('/1k', ...fields(98, 100)),
  get('/1k', ...fields(5, 8_000)),
  get('/1k', ...fields(2_000, 8)),
];

/** One head after the other; where the connection is ended, on another. */
export function bombHeaders(attacker: Attacker): void {
  const lanes = keptConnections(attacker, attacker.order.portal);
  let turn = 0;
  attacker.repeat(BOMB_EVERY_MS, async (lane) => {
    turn += 1;
    await lanes(lane, HEADS[turn % HEADS.length]!, 1);
  });
}

/** Many requests at once on each connection; the answers are read. */
export function pipeline(attacker: Attacker): void {
  const burst = get('/1k').repeat(PIPELINED);
  const lanes = keptConnections(attacker, attacker.order.portal);
  attacker.repeat(PIPELINE_EVERY_MS, (lane) => lanes(lane, burst, PIPELINED));
}

/** Bodies, and answers, that only whoever unpacks them finds large: they have to pass as they are. */
export function compressNothing(attacker: Attacker): void {
  const { content, path } = BOMB;
  const ask = get(path, 'Accept-Encoding: gzip');
  const post = Buffer.concat([
    Buffer.from(
      `POST / HTTP/1.1\r\nHost: abuse.example\r\nContent-Encoding: gzip\r\nContent-Length: ${content.length}\r\n\r\n`,
    ),
    content,
  ]);
  const answers = keptConnections(attacker, attacker.order.portal, ({ head, body }) => {
    if (!/^content-encoding: *gzip/im.test(head) || !body.equals(content)) {
      attacker.fault(`an answer was not passed on as it was: ${head.split('\r\n', 1)}`);
    }
  });
  const bodies = keptConnections(attacker, attacker.order.console, ({ body }) => {
    if (body.toString() !== String(content.length)) {
      attacker.fault(`of a body of ${content.length} bytes the backend got ${body}`);
    }
  });
  attacker.repeat(BOMB_EVERY_MS, (lane) =>
    lane % 2 === 0 ? answers(lane, ask, 1) : bodies(lane, post, 1),
  );
}

/** Uploads without end, of which each chunk has one byte. */
export function tinyChunks(attacker: Attacker): void {
  const head =
    'POST / HTTP/1.1\r\nHost: abuse.example\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n';
  const chunks = '1\r\nx\r\n'.repeat(CHUNKS);
  const sockets = new Map<number, TLSSocket>();
  attacker.repeat(CHUNKS_EVERY_MS, async (lane) => {
    let socket = sockets.get(lane);
    if (!socket || socket.destroyed) {
      socket = attacker.tls(lane, attacker.order.console);
      sockets.set(lane, socket);
      socket.resume();
      socket.write(head);
    }
    attacker.did(CHUNKS);
    // What a proxy does not take is not piled up here.
    if (!socket.writableNeedDrain) socket.write(chunks);
  });
}

/**
 * A connection for each lane that is kept as long as the proxy keeps it. What is returned sends on it,
 * and resolves when so many answers have come or the connection is closed.
 */
function keptConnections(
  attacker: Attacker,
  port: number,
  onAnswer?: (reader: AnswerReader) => void,
): (lane: number, bytes: string | Buffer, answers: number) => Promise<void> {
  const kept = new Map<number, KeptConnection>();
  return (lane, bytes, answers) => {
    let connection = kept.get(lane);
    if (!connection?.usable) {
      connection = new KeptConnection(attacker, attacker.tls(lane, port), onAnswer);
      kept.set(lane, connection);
    }
    return connection.send(bytes, answers);
  };
}

class KeptConnection {
  readonly #socket: TLSSocket;
  #awaited = 0;
  #settle = () => {};

  constructor(attacker: Attacker, socket: TLSSocket, onAnswer?: (reader: AnswerReader) => void) {
    this.#socket = socket;
    const reader = new AnswerReader();
    socket.on('data', (chunk: Buffer) => {
      const count = reader.take(chunk);
      if (count === 0) return;
      onAnswer?.(reader);
      attacker.did(count);
      this.#awaited -= count;
      if (this.#awaited <= 0) this.#settle();
    });
    socket.once('close', () => this.#settle());
  }

  get usable(): boolean {
    return this.#socket.writable && !this.#socket.destroyed;
  }

  /** Sends, and waits for so many answers or the end of the connection. */
  send(bytes: string | Buffer, answers: number): Promise<void> {
    return new Promise((resolve) => {
      this.#awaited = answers;
      this.#settle = resolve;
      this.#socket.write(bytes);
    });
  }
}

function fields(count: number, bytes: number): string[] {
  return Array.from({ length: count }, (_, i) => `X-${i}: ${'x'.repeat(bytes)}`);
}
