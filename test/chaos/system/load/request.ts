import { createHash } from 'node:crypto';
import { type Agent, request } from 'node:https';
import type { TLSSocket } from 'node:tls';
import type { Course } from '../faults/hits.ts';
import type { Front } from './front.ts';

/** How long a user waits for a whole answer, in ms. */
export const PATIENCE_MS = 30_000;
/** What an upload pauses between two of its pieces, in ms, and how many there are. */
const PAUSE_MS = 100;
const PIECES = 10;

export interface Wish {
  readonly user: number;
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly cookies: ReadonlyMap<string, string>;
  /** Connections are kept in it; without one, each request has its own. */
  readonly agent: Agent | undefined;
  /** Sent in pieces. */
  readonly body?: Buffer;
}

export interface Reply {
  readonly status: number;
  readonly body: Buffer;
  readonly setCookies: readonly string[];
  readonly course: Course;
}

/** There is no whole answer. */
export class RequestFailed extends Error {
  /** Something of the answer had come. */
  readonly begun: boolean;
  /** It is the patience of the user that was at its end. */
  readonly late: boolean;
  readonly course: Course;

  constructor(cause: string, begun: boolean, late: boolean, course: Course) {
    super(cause);
    this.begun = begun;
    this.late = late;
    this.course = course;
  }
}

/** Asks once. @throws RequestFailed */
export function ask(
  front: Front,
  { user, method, path, cookies, agent, body }: Wish,
): Promise<Reply> {
  const gateway = front.gatewayOf(user);
  const from = performance.now();
  let socket: TLSSocket | undefined;
  let port = 0;
  let part: string | undefined;
  const course = (): Course => {
    // A socket that is destroyed has forgotten it.
    port = socket?.localPort ?? port;
    return { gateway: gateway.name, port, part, from, until: performance.now() };
  };
  return new Promise((resolve, reject) => {
    let begun = false;
    const outgoing = request({
      host: '127.0.0.1',
      port: gateway.ports.portal,
      path,
      method,
      agent: agent ?? false,
      rejectUnauthorized: false,
      headers: {
        cookie: Array.from(cookies, (pair) => pair.join('=')).join('; '),
        ...(body && { 'content-length': body.length }),
      },
    });
    const fail = (cause: string, late = false) => {
      clearTimeout(timer);
      reject(new RequestFailed(cause, begun, late, course()));
      outgoing.destroy();
    };
    const timer = setTimeout(
      () => fail(`not answered in ${PATIENCE_MS / 1_000} s`, true),
      PATIENCE_MS,
    );
    outgoing.once('socket', (used) => {
      socket = used as TLSSocket;
      front.track(gateway, socket);
      if (!outgoing.reusedSocket) socket.once('secureConnect', course);
      course();
    });
    outgoing.once('response', (incoming) => {
      begun = true;
      part = incoming.headers['x-dashboard']?.toString();
      const pieces: Buffer[] = [];
      incoming.on('data', (piece: Buffer) => pieces.push(piece));
      incoming.once('end', () => {
        if (!incoming.complete) return;
        clearTimeout(timer);
        const { statusCode: status = 0, headers } = incoming;
        const setCookies = headers['set-cookie'] ?? [];
        resolve({ status, body: Buffer.concat(pieces), setCookies, course: course() });
      });
      incoming.once('error', () => fail('cut in the midst of the answer'));
    });
    outgoing.once('error', (error: NodeJS.ErrnoException) => {
      fail(begun ? 'cut in the midst of the answer' : `no answer (${error.code ?? error.message})`);
    });
    if (body) void sendInPieces(outgoing, body);
    else outgoing.end();
  });
}

async function sendInPieces(outgoing: ReturnType<typeof request>, body: Buffer): Promise<void> {
  const size = Math.ceil(body.length / PIECES);
  for (let start = 0; start < body.length && !outgoing.destroyed; start += size) {
    outgoing.write(body.subarray(start, start + size));
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  if (!outgoing.destroyed) outgoing.end();
}

/** The bytes of a transfer, as the dashboard makes them. */
export function content(seed: string, length: number): Buffer {
  return createHash('shake256', { outputLength: length }).update(seed).digest();
}
