import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { NamedReading } from './readings.ts';
import { readingsOf } from './readings.ts';

const HEALTH_CHECK = 'GET /health ';
const WELL = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n';
const NO = 'HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n';

/**
 * All that came on a connection between two answers. A proxy that sends one request at a time on a
 * connection holds this for one message, whatever the backend reads in it.
 */
export interface Segment {
  readonly bytes: string;
  /** What the first reader that saw a whole message in it took it for; undefined: none did. */
  readonly target: string | undefined;
  /** No reader takes it for HTTP, and it was answered so. */
  readonly rejected: boolean;
}

/** What a backend answers to the first request that is neither a probe nor another client's. */
export interface Script {
  readonly bytes: string;
  readonly ends: boolean;
}

/**
 * Answers each message as soon as any reader sees a whole one, and keeps what came. Its answers name
 * the target that they are for, so that a client can tell whose they are.
 */
export class RecordingBackend {
  readonly port: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #segments: Segment[] = [];
  #pending = new Map<Socket, string>();
  #script: Script | undefined;

  private constructor(server: Server) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    server.on('connection', (socket) => this.#onConnection(socket));
  }

  /** Starts to listen on a free port of 127.0.0.1. */
  static async start(): Promise<RecordingBackend> {
    const server = createServer({ allowHalfOpen: true });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return new RecordingBackend(server);
  }

  /** Forgets what came, and cuts what is connected. */
  reset(script?: Script): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#sockets.clear();
    this.#segments = [];
    this.#pending = new Map();
    this.#script = script;
  }

  /** What came since the last reset, in the order of the answers, then what no reader found whole. */
  get segments(): readonly Segment[] {
    const rest = [...this.#pending.values()].filter((bytes) => bytes !== '');
    return [
      ...this.#segments,
      ...rest.map((bytes) => ({ bytes, target: undefined, rejected: false })),
    ];
  }

  async close(): Promise<void> {
    this.reset();
    const closed = once(this.#server, 'close');
    this.#server.close();
    await closed;
  }

  #onConnection(socket: Socket): void {
    this.#sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('error', () => {});
    socket.on('end', () => socket.end());
    socket.on('data', (chunk: Buffer) => {
      if (!this.#sockets.has(socket)) return;
      const came = (this.#pending.get(socket) ?? '') + chunk.toString('latin1');
      if (came.startsWith(HEALTH_CHECK)) socket.end(WELL);
      else this.#take(socket, came);
    });
  }

  #take(socket: Socket, came: string): void {
    this.#pending.set(socket, came);
    const readings = readingsOf(came, { kind: 'request' });
    const read = readings.map(([, reading]) => reading).find(isRead);
    if (read) {
      this.#pending.set(socket, '');
      this.#segments.push({ bytes: came, target: read.target, rejected: false });
      this.#answer(socket, read.method, read.target);
    } else if (readings.every(rejects)) {
      this.#pending.set(socket, '');
      this.#segments.push({ bytes: came, target: undefined, rejected: true });
      socket.end(NO);
    }
  }

  #answer(socket: Socket, method: string, target: string): void {
    const script = this.#script;
    if (script && !isOfTheStage(target)) {
      this.#script = undefined;
      socket.write(script.bytes, 'latin1');
      if (script.ends) socket.end();
      return;
    }
    const name = answerName(target);
    const body = method === 'HEAD' ? '' : name;
    const head = `HTTP/1.1 200 OK\r\nX-Answers: ${name}\r\nContent-Length: ${name.length}\r\n\r\n`;
    socket.write(`${head}${body}`, 'latin1');
  }
}

/** A target as the answer to it names it. */
export function answerName(target: string): string {
  return target.replace(/[^\w/:.-]/g, '_').slice(0, 60) || '_';
}

/** A request that the stage itself sends, and no case does. */
export function isOfTheStage(target: string): boolean {
  return /^\/(probe|other)-\d+$/.test(target);
}

function isRead(reading: NamedReading[1]) {
  return reading.outcome === 'reads';
}

function rejects([, reading]: NamedReading): boolean {
  return reading.outcome === 'rejects';
}
